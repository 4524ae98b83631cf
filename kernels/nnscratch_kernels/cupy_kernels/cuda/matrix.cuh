// How the threads of a block share a matrix whose rows are contiguous.
//
// By rows: a block is (members, teams), and each team works on one row at a time. A team is 1, 2, 4,
// … 32 neighbouring lanes of a warp; one with more members is a whole block, so it is alone there.
// By columns: a block is (columns, lanes), and each thread works on rows that are `lanes` apart.

#define MOST_THREADS 512  // of a block
#define VALUES 8  // elements of a row that a thread reads at a time, and holds in registers

__device__ __forceinline__ real infinity() {
    real zero = 0;
    return 1 / zero;
}

__device__ __forceinline__ real not_a_number() {
    return infinity() - infinity();
}

struct Team {
    int size, rank;       // members, and which of them this thread is
    long long row, step;  // the first row of the block's first team, and the way to its next one

    __device__ __forceinline__ Team()
        : size(blockDim.x),
          rank(threadIdx.x),
          row((long long)blockIdx.x * blockDim.y),
          step((long long)gridDim.x * blockDim.y) {}

    // Sum over the members; each gets the same bits.
    template <typename T>
    __device__ __forceinline__ T sum(T value) const {
        if (size > WARP) return block_sum(value);
        for (int distance = size / 2; distance > 0; distance /= 2)
            value += __shfl_xor_sync(ALL_LANES, value, distance);
        return value;
    }

    // Largest of the members' values; NaN if one of them is NaN.
    template <typename T>
    __device__ __forceinline__ T max(T value) const {
        if (size > WARP) return block_max(value);
        for (int distance = size / 2; distance > 0; distance /= 2)
            value = larger_or_nan(value, __shfl_xor_sync(ALL_LANES, value, distance));
        return value;
    }

    // f(k, j) for the k-th element of this member, which is element j of the row, in the tile of
    // size · COUNT elements from `start` on. Neighbouring threads get neighbouring elements.
    template <int COUNT, typename Function>
    __device__ __forceinline__ void each(long long start, long long length, Function f) const {
#pragma unroll
        for (int k = 0; k < COUNT; ++k) {
            long long j = start + rank + k * size;
            if (j < length) f(k, j);
        }
    }

    // How many elements of a tile are this member's.
    template <int COUNT>
    __device__ __forceinline__ int count(long long start, long long length) const {
        int result = 0;
        each<COUNT>(start, length, [&](int k, long long j) { ++result; });
        return result;
    }

    // Read a tile of a row.
    template <int COUNT>
    __device__ __forceinline__ void read(
        const real* row, long long start, long long length, real (&values)[COUNT]) const {
        each<COUNT>(start, length, [&](int k, long long j) { values[k] = row[j]; });
    }
};

// Sum over the threads of a block with the same threadIdx.x, always in the same order; those with
// threadIdx.y == 0 get it. The number of lanes is a power of two.
template <typename T>
__device__ T column_total(T value) {
    __shared__ T of_threads[MOST_THREADS];
    int columns = blockDim.x, place = threadIdx.y * columns + threadIdx.x;
    of_threads[place] = value;
    for (int lanes = blockDim.y / 2; lanes > 0; lanes /= 2) {
        __syncthreads();
        if (threadIdx.y < lanes) {
            value += of_threads[place + lanes * columns];
            of_threads[place] = value;
        }
    }
    __syncthreads();  // of_threads may be written again
    return value;
}

// Sum and sum of squares about the mean of `count` numbers. Two such join as in T. Chan, G. Golub
// and R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
template <typename T>
struct Moments {
    T count, total, squares;

    __device__ __forceinline__ Moments& operator+=(const Moments& other) {
        if (count == 0) return *this = other;
        if (other.count == 0) return *this;
        T all = count + other.count, apart = other.total / other.count - total / count;
        squares += other.squares + apart * apart * (count * other.count / all);
        total += other.total;
        count = all;
        return *this;
    }
};

// The moments of the first numbers of an array that lies in registers.
template <int COUNT>
__device__ __forceinline__ Moments<real> moments_of(const real (&values)[COUNT], int count) {
    Moments<real> result = {real(count), 0, 0};
#pragma unroll
    for (int k = 0; k < COUNT; ++k)
        if (k < count) result.total += values[k];
    real mean = result.total / real(count > 0 ? count : 1);
#pragma unroll
    for (int k = 0; k < COUNT; ++k)
        if (k < count) result.squares += (values[k] - mean) * (values[k] - mean);
    return result;
}

// What the exponentials exp(x - M) of a row add up to, where M is its largest element.
struct Exponentials {
    real top;     // M; NaN is passed over, but makes `others` NaN
    real others;  // the sum over what is smaller than M
    real ties;    // how many elements are M

    // Σ exp(x - M); NaN if M is infinite: infinities have no ratio.
    __device__ __forceinline__ real total() const { return others + ties * (top - top + 1); }

    // ln Σ exp(x - M) with the digits of a small rest.
    __device__ __forceinline__ real excess() const {
        return log1p(others + (ties > 1 ? (ties - 1) * (top - top + 1) : 0));
    }
};

// Read a row once for its largest element and the sum of exponentials, which is scaled down whenever
// a larger element comes (M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax",
// 2018). The last tile, which starts at `last`, stays in `values`.
template <int COUNT>
__device__ __forceinline__ Exponentials exponentials_of(
    const Team& team, const real* row, long long length, real (&values)[COUNT], long long& last) {
    Exponentials own = {-infinity(), 0, 0};
    long long tile = (long long)team.size * COUNT, start = 0;
    for (; start < length; start += tile) {
        team.read(row, start, length, values);
        real top = own.top;
        team.each<COUNT>(start, length, [&](int k, long long j) {
            if (values[k] > top) top = values[k];
        });
        if (top > own.top) own = {top, (own.others + own.ties) * exp(own.top - top), 0};
        team.each<COUNT>(start, length, [&](int k, long long j) {
            if (values[k] == top)
                own.ties += 1;
            else
                own.others += exp(values[k] - top);
        });
    }
    last = start - tile;
    real top = team.max(own.top);
    bool here = own.top == top;
    real others = here ? own.others : (own.others + own.ties) * exp(own.top - top);
    return {top, team.sum(others), team.sum(here ? own.ties : 0)};
}
