// The gelu in both forms and their slopes, by themselves and in dense layers.

constexpr real TANH_GELU_SLOPE = real(1.5957691216057308);  // 2 √(2/π)
constexpr real TANH_GELU_CUBIC = real(0.044715);
constexpr real TANH_GELU_IS_FLAT = real(30);  // beyond ±30 the sigmoid in it is 0 or 1
constexpr real INVERSE_SQRT_TAU = real(0.3989422804014327);  // 1 / √(2π)
constexpr real NORMAL_DENSITY_IS_ZERO = real(40);

// x Φ(x) with the normal distribution Φ.
__device__ __forceinline__ real gelu_of(real x) {
    return x * normcdf(x);
}

// x σ(v) with v = 2 √(2/π) (x + 0.044715 x³).
__device__ __forceinline__ real tanh_gelu_of(real x) {
    return x * sigmoid(TANH_GELU_SLOPE * x * (1 + TANH_GELU_CUBIC * x * x));
}

// σ(x) σ(-x), with a small relative error in both tails.
__device__ __forceinline__ real slope_of_sigmoid(real x) {
    real e = exp(-fabs(x)), inverse = 1 / (1 + e);
    return e * inverse * inverse;
}

// Φ(x) + x φ(x) with the normal density φ.
__device__ __forceinline__ real slope_of_gelu(real x) {
    real near = clipped(x, -NORMAL_DENSITY_IS_ZERO, NORMAL_DENSITY_IS_ZERO);
    return normcdf(x) + near * INVERSE_SQRT_TAU * exp(real(-0.5) * near * near);
}

// σ(v) + x σ(v) σ(-v) dv/dx.
__device__ __forceinline__ real slope_of_tanh_gelu(real x) {
    real near = clipped(x, -TANH_GELU_IS_FLAT, TANH_GELU_IS_FLAT);
    real straight = TANH_GELU_SLOPE * near, cubic = TANH_GELU_CUBIC * near * near;
    real v = straight * (1 + cubic);
    return sigmoid(v) + straight * (1 + 3 * cubic) * slope_of_sigmoid(v);
}
