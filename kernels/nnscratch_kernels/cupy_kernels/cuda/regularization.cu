// Dropout in one pass: the random words are made where they are used, and never stored.

// Four neighbouring elements, which a thread loads and stores at once where the array allows it.
template <typename T>
struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) Four {
    T of[4];
};

__device__ __forceinline__ bool takes_four(const void* array) {
    return (unsigned long long)array % 16 == 0;
}

// The words 4n to 4n + 3 of the sequence chosen by seed and offset: Philox 4x32-10 (Salmon et al.
// 2011) of the counter n + 2⁶⁴ · offset under the key `seed`, as in `numpy_kernels.philox`.
__device__ __forceinline__ Four<unsigned int> random_words(
    unsigned long long n, unsigned long long seed, unsigned long long offset) {
    const unsigned long long multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
    unsigned int word_0 = n, word_1 = n >> 32, word_2 = offset, word_3 = offset >> 32;
    unsigned int key_0 = seed, key_1 = seed >> 32;
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        unsigned long long product_0 = multiplier_0 * word_0, product_1 = multiplier_1 * word_2;
        word_0 = (unsigned int)(product_1 >> 32) ^ word_1 ^ key_0;
        word_1 = product_1;
        word_2 = (unsigned int)(product_0 >> 32) ^ word_3 ^ key_1;
        word_3 = product_0;
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
    return {word_0, word_1, word_2, word_3};
}

// By a stored mask. A dropped element is multiplied by 0, not replaced by it: NaN stays NaN.
extern "C" __global__ void dropout(
    long long size, real* __restrict__ ys, const real* __restrict__ xs,
    const bool* __restrict__ mask, real scale) {
    each_element(
        size, [=](real x, bool kept, real& y) { y = x * (kept ? scale : real(0)); },
        Read<real>{xs}, Read<bool>{mask}, Written<real>{ys});
}

// Each thread makes four words, and with them the mask of four neighbouring elements. An element
// is kept if its word is no less than `threshold`, a number up to 2³².
extern "C" __global__ void dropout_mask(
    long long fours, long long size, bool* __restrict__ mask, unsigned long long threshold,
    unsigned long long seed, unsigned long long offset) {
    for (long long n = first_element(); n < fours; n += element_step()) {
        Four<unsigned int> words = random_words(n, seed, offset);
        Four<bool> kept;
#pragma unroll
        for (int k = 0; k < 4; ++k) kept.of[k] = words.of[k] >= threshold;
        if (takes_four(mask) && 4 * n + 4 <= size) {
            ((Four<bool>*)mask)[n] = kept;
        } else {
#pragma unroll
            for (int k = 0; k < 4; ++k)
                if (4 * n + k < size) mask[4 * n + k] = kept.of[k];
        }
    }
}

// Its gradient is the function itself, of the output's gradient.
extern "C" __global__ void seeded_dropout(
    long long fours, long long size, real* __restrict__ ys, const real* __restrict__ xs,
    real scale, unsigned long long threshold, unsigned long long seed, unsigned long long offset) {
    bool in_fours = takes_four(xs) && takes_four(ys);
    for (long long n = first_element(); n < fours; n += element_step()) {
        bool whole = in_fours && 4 * n + 4 <= size;
        Four<real> x = {};
        if (whole) {
            x = ((const Four<real>*)xs)[n];
        } else {
#pragma unroll
            for (int k = 0; k < 4; ++k)
                if (4 * n + k < size) x.of[k] = xs[4 * n + k];
        }
        Four<unsigned int> words = random_words(n, seed, offset);
#pragma unroll
        for (int k = 0; k < 4; ++k) x.of[k] *= words.of[k] >= threshold ? scale : real(0);
        if (whole) {
            ((Four<real>*)ys)[n] = x;
        } else {
#pragma unroll
            for (int k = 0; k < 4; ++k)
                if (4 * n + k < size) ys[4 * n + k] = x.of[k];
        }
    }
}
