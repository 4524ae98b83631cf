// The gradients of the activation functions, each in one pass: g times the slope of y = f(x), by
// the formulas of `numpy_kernels.activation_gradients`.
//
// A product with 0 or 1 stands where the twin has one, so that g = NaN gives NaN here too.

#include "gelu.cuh"

// `z` is what the slope is a function of: x or y.
#define GRADIENT(name, z, formula, ...)                                                         \
    extern "C" __global__ void name(                                                            \
        long long size, real* __restrict__ dxs, const real* __restrict__ gs,                    \
        const real* __restrict__ zs, ##__VA_ARGS__) {                                           \
        each_element(size, [=](real g, real z, real& dx) { dx = formula; }, Read<real>{gs},     \
                     Read<real>{zs}, Written<real>{dxs});                                       \
    }

constexpr real SELU_ALPHA = real(1.6732632423543772);
constexpr real SELU_SCALE = real(1.0507009873554805);

__device__ __forceinline__ real square(real x) {
    return x * x;
}

// (n + 4 x a b² (a + b) / d) / d with e^x = a/b, n = a (a + 2b) and d = n + 2b².
__device__ __forceinline__ real slope_of_mish(real x) {
    real e = exp(-fabs(x));
    real a = x < 0 ? e : real(1), b = x < 0 ? real(1) : e;
    real n = a * (a + 2 * b);
    real inverse = 1 / (n + 2 * b * b);
    return (n + x * (4 * a * b * b * (a + b) * inverse)) * inverse;
}

GRADIENT(relu_gradient, y, g * (y > 0))
GRADIENT(relu_gradient_with_options, x,
         g * (x <= threshold ? slope : real(x > threshold && x >= low && x <= high)),
         real slope, real low, real high, real threshold)
GRADIENT(relu6_gradient, y, g * (y > 0 && y < 6))
GRADIENT(leaky_relu_gradient, x, g * (x > 0 ? 1 : x <= 0 ? slope : 0), real slope)
GRADIENT(elu_gradient, x, g * (x > 0 ? 1 : alpha * exp(x)), real alpha)
GRADIENT(selu_gradient, x, g * (SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * exp(x))))
GRADIENT(celu_gradient, x, g * (x > 0 ? 1 : exp(x / alpha)), real alpha)
GRADIENT(tanh_gradient, y, g * (1 - y * y))
GRADIENT(sigmoid_gradient, y, g * y * (1 - y))
GRADIENT(softplus_gradient, x, g * sigmoid(x))
GRADIENT(log_sigmoid_gradient, x, g * sigmoid(-x))
GRADIENT(gelu_gradient, x, g * slope_of_gelu(x))
GRADIENT(tanh_gelu_gradient, x, g * slope_of_tanh_gelu(x))
GRADIENT(silu_gradient, x, g * (sigmoid(x) + x * slope_of_sigmoid(x)))
GRADIENT(mish_gradient, x, g * slope_of_mish(x))
GRADIENT(hard_sigmoid_gradient, x, g * (fabs(x) < 3) / 6)
GRADIENT(hard_silu_gradient, x, g * (x >= 3 ? 1 : x <= -3 ? 0 : x / 3 + real(0.5)))
GRADIENT(softsign_gradient, x, g * square(1 / (1 + fabs(x))))
GRADIENT(hard_tanh_gradient, x, g * (fabs(x) < 1))
GRADIENT(tanh_shrink_gradient, x, g * square(tanh(x)))
GRADIENT(shrink_gradient, x, g * (fabs(x) > threshold), real threshold)  // hard and soft
GRADIENT(threshold_gradient, x, g * (x > threshold), real threshold)
GRADIENT(sparse_plus_gradient, x, g * ((clipped(x, -1, 1) + 1) / 2))
GRADIENT(sparse_sigmoid_gradient, x, g * (fabs(x) < 1) / 2)

// The only one that reads both x and y: g y / √(x² + b) with roundness √b.
extern "C" __global__ void squareplus_gradient(
    long long size, real* __restrict__ dxs, const real* __restrict__ gs,
    const real* __restrict__ xs, const real* __restrict__ ys, real roundness) {
    each_element(
        size, [=](real g, real x, real y, real& dx) { dx = g * (y / hypot(x, roundness)); },
        Read<real>{gs}, Read<real>{xs}, Read<real>{ys}, Written<real>{dxs});
}
