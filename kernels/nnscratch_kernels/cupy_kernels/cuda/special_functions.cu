// The special functions that go element by element, in one pass: `numpy_kernels.special_functions`.

#define FUNCTION(name, formula, ...)                                                            \
    extern "C" __global__ void name(                                                            \
        long long size, real* __restrict__ ys, const real* __restrict__ xs, ##__VA_ARGS__) {    \
        each_element(size, [=](real x, real& y) { y = formula; }, Read<real>{xs},               \
                     Written<real>{ys});                                                        \
    }

// The relu with all of its options: what is above the threshold is kept from leaving [low, high].
FUNCTION(relu,
         clipped(x <= threshold ? 0 : x, low, high)
             - (slope != 0 ? slope * (x < threshold ? threshold - x : 0) : 0),
         real slope, real low, real high, real threshold)
FUNCTION(logistic, sigmoid(x))
FUNCTION(softplus, (x > 0 ? x : 0) + log1p(exp(-fabs(x))))
FUNCTION(error_function, erf(x))
FUNCTION(complementary_error_function, erfc(x))
