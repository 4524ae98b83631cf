// Losses element by element, and their sums over parts of `length` elements, one block for each part.

#define THREADS 256
#define ABREAST 4  // elements of a thread that are read before any is used

// max(z, 0) - t z + ln(1 + e^-|z|) and σ(z) - t: with the logits' exponential for both.
template <bool LOSSES, bool SUMS, bool GRADIENT>
__device__ __forceinline__ void binary_crossentropy_of(
    long long count, long long length, const real* __restrict__ target,
    const real* __restrict__ logits, real* __restrict__ losses, double* __restrict__ sums,
    real* __restrict__ gradient, real factor) {
    for (long long first = blockIdx.x * length; first < count; first += gridDim.x * length) {
        long long last = first + length < count ? first + length : count;
        double total = 0;
        for (long long start = first + threadIdx.x; start < last; start += ABREAST * THREADS) {
            real t[ABREAST], z[ABREAST], part = 0;
#pragma unroll
            for (int k = 0; k < ABREAST; ++k) {
                long long i = start + k * THREADS;
                if (i < last) t[k] = target[i], z[k] = logits[i];
            }
#pragma unroll
            for (int k = 0; k < ABREAST; ++k) {
                long long i = start + k * THREADS;
                if (i >= last) continue;
                real small = exp(-fabs(z[k]));
                // 0 for a sure and right answer: the small rest keeps its digits.
                real loss = ((z[k] > 0 ? z[k] : 0) - t[k] * z[k]) + log1p(small);
                part += loss;
                if (LOSSES) losses[i] = loss;
                if (GRADIENT) gradient[i] = ((z[k] < 0 ? small : 1) / (1 + small) - t[k]) * factor;
            }
            total += part;
        }
        if (!SUMS) continue;
        total = block_sum(total);
        if (threadIdx.x == 0) sums[first / length] = total;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) binary_crossentropy(
    long long count, long long length, const real* target, const real* logits, real* losses) {
    binary_crossentropy_of<true, false, false>(
        count, length, target, logits, losses, nullptr, nullptr, 1);
}

extern "C" __global__ void __launch_bounds__(THREADS) binary_crossentropy_with_gradient(
    long long count, long long length, const real* target, const real* logits, real* losses,
    real* gradient) {
    binary_crossentropy_of<true, false, true>(
        count, length, target, logits, losses, nullptr, gradient, 1);
}

extern "C" __global__ void __launch_bounds__(THREADS) sums_of_binary_crossentropy(
    long long count, long long length, const real* target, const real* logits, double* sums) {
    binary_crossentropy_of<false, true, false>(
        count, length, target, logits, nullptr, sums, nullptr, 1);
}

extern "C" __global__ void __launch_bounds__(THREADS) sums_of_binary_crossentropy_with_gradient(
    long long count, long long length, const real* target, const real* logits, double* sums,
    real* gradient, real factor) {
    binary_crossentropy_of<false, true, true>(
        count, length, target, logits, nullptr, sums, gradient, factor);
}

// Sums of (y - t)².
extern "C" __global__ void __launch_bounds__(THREADS) sums_of_squared_errors(
    long long count, long long length, const real* __restrict__ target,
    const real* __restrict__ prediction, double* __restrict__ sums) {
    for (long long first = blockIdx.x * length; first < count; first += gridDim.x * length) {
        long long last = first + length < count ? first + length : count;
        double total = 0;
        for (long long start = first + threadIdx.x; start < last; start += ABREAST * THREADS) {
            real difference[ABREAST], part = 0;
#pragma unroll
            for (int k = 0; k < ABREAST; ++k) {
                long long i = start + k * THREADS;
                difference[k] = i < last ? prediction[i] - target[i] : real(0);
            }
#pragma unroll
            for (int k = 0; k < ABREAST; ++k) part += difference[k] * difference[k];
            total += part;
        }
        total = block_sum(total);
        if (threadIdx.x == 0) sums[first / length] = total;
    }
}
