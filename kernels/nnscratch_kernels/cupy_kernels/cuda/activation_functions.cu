// The activation functions, each in one pass: the formulas of `numpy_kernels.activation_functions`.
//
// A comparison with NaN is false; the pieces are chosen so that NaN then stays.

#include "gelu.cuh"

#define ACTIVATION(name, formula, ...)                                                          \
    extern "C" __global__ void name(                                                            \
        long long size, real* __restrict__ ys, const real* __restrict__ xs, ##__VA_ARGS__) {    \
        each_element(size, [=](real x, real& y) { y = formula; }, Read<real>{xs},               \
                     Written<real>{ys});                                                        \
    }

constexpr real SELU_ALPHA = real(1.6732632423543772);
constexpr real SELU_SCALE = real(1.0507009873554805);

// tanh(softplus(x)) = a (a + 2b) / (a (a + 2b) + 2b²) with e^x = a/b, the larger of a and b being 1.
__device__ __forceinline__ real tanh_of_softplus(real x) {
    real e = exp(-fabs(x));
    real a = x < 0 ? e : real(1), b = x < 0 ? real(1) : e;
    real numerator = a * (a + 2 * b);
    return numerator / (numerator + 2 * b * b);
}

ACTIVATION(leaky_relu, x > 0 ? x : slope * x, real slope)
ACTIVATION(elu, x > 0 ? x : alpha * expm1(x), real alpha)
ACTIVATION(selu, SELU_SCALE * (x > 0 ? x : SELU_ALPHA * expm1(x)))
ACTIVATION(celu, x > 0 ? x : alpha * expm1(x / alpha), real alpha)
ACTIVATION(gelu, gelu_of(x))
ACTIVATION(tanh_gelu, tanh_gelu_of(x))
ACTIVATION(silu, x * sigmoid(x))
ACTIVATION(mish, x * tanh_of_softplus(x))
ACTIVATION(log_sigmoid, (x < 0 ? x : 0) - log1p(exp(-fabs(x))))
ACTIVATION(softsign, x / (1 + fabs(x)))
ACTIVATION(tanh_shrink, x - tanh(x))
ACTIVATION(squareplus,  // (x + √(x² + b)) / 2 with roundness √b
           (x > 0 ? x : 0) + roundness * (roundness / 2 / (hypot(x, roundness) + fabs(x))),
           real roundness)
ACTIVATION(clip, clipped(x, low, high), real low, real high)  // relu6 and hard_tanh
ACTIVATION(hard_sigmoid, clipped(x + 3, 0, 6) / 6)
ACTIVATION(hard_silu, x * (clipped(x + 3, 0, 6) / 6))
ACTIVATION(hard_shrink, fabs(x) <= threshold ? 0 : x, real threshold)
ACTIVATION(soft_shrink, x - clipped(x, -threshold, threshold), real threshold)
ACTIVATION(threshold, x <= least ? otherwise : x, real least, real otherwise)
ACTIVATION(sparse_plus, x < 1 ? (clipped(x, -1, 1) + 1) * (clipped(x, -1, 1) + 1) / 4 : x)
ACTIVATION(sparse_sigmoid, (clipped(x, -1, 1) + 1) / 2)
