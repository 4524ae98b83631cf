// The ladder of the softmax: a block of THREADS threads for each row; gpu_softmax.py tells what
// each rung changes.

constexpr int THREADS = 512;

// What every number of a row is above or equal to; with -inf, -inf - -inf would be NaN.
__device__ __forceinline__ float lowest(float) { return -3.40282347e38f; }
__device__ __forceinline__ double lowest(double) { return -1.7976931348623157e308; }

extern "C" __global__ void __launch_bounds__(THREADS)
    three_passes(long long columns, const real* __restrict__ xs, real* __restrict__ ys) {
    const real* x = xs + blockIdx.x * columns;
    real* y = ys + blockIdx.x * columns;
    real peak = lowest(real()), total = 0;
    for (long long j = threadIdx.x; j < columns; j += THREADS) peak = larger_or_nan(peak, x[j]);
    peak = block_max(peak);
    for (long long j = threadIdx.x; j < columns; j += THREADS) total += exp(x[j] - peak);
    total = block_sum(total);
    for (long long j = threadIdx.x; j < columns; j += THREADS) y[j] = exp(x[j] - peak) / total;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    two_passes(long long columns, const real* __restrict__ xs, real* __restrict__ ys) {
    const real* x = xs + blockIdx.x * columns;
    real* y = ys + blockIdx.x * columns;
    real peak = lowest(real()), total = 0;
    for (long long start = 0; start < columns; start += THREADS) {
        const long long j = start + threadIdx.x;
        const real value = j < columns ? x[j] : lowest(real());
        const real higher = larger_or_nan(peak, block_max(value));
        total = total * exp(peak - higher) + (j < columns ? exp(value - higher) : real(0));
        peak = higher;
    }
    total = block_sum(total);
    for (long long j = threadIdx.x; j < columns; j += THREADS) y[j] = exp(x[j] - peak) / total;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    online(long long columns, const real* __restrict__ xs, real* __restrict__ ys) {
    const real* x = xs + blockIdx.x * columns;
    real* y = ys + blockIdx.x * columns;
    real own_peak = lowest(real()), own_total = 0;
    for (long long j = threadIdx.x; j < columns; j += THREADS) {
        const real value = x[j], higher = larger_or_nan(own_peak, value);
        own_total = own_total * exp(own_peak - higher) + exp(value - higher);
        own_peak = higher;
    }
    const real peak = block_max(own_peak);
    const real total = block_sum(own_total * exp(own_peak - peak));
    for (long long j = threadIdx.x; j < columns; j += THREADS) y[j] = exp(x[j] - peak) / total;
}
