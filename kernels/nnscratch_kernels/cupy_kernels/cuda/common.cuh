// What every source begins with: the type that it is compiled for, sums over threads, and loops
// over elements.
// NVRTC compiles it without any header, so nothing is included. CuPy has it take subnormal floats
// for 0 (-ftz=true).

typedef REAL real;

#define WARP 32
#define ALL_LANES 0xffffffffu

// The first element of a thread and the step to its next one, in a grid that strides over all.
__device__ __forceinline__ long long first_element() {
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ long long element_step() {
    return (long long)gridDim.x * blockDim.x;
}

// Sum over the 32 lanes of a warp; every lane gets it, and always in the same order.
template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}

// Largest value of the 32 lanes of a warp; NaN if one of them is NaN.
template <typename T>
__device__ __forceinline__ T larger_or_nan(T a, T b) {
    return (a > b || a != a) ? a : b;
}

template <typename T>
__device__ __forceinline__ T warp_max(T value) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value = larger_or_nan(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

// Sum over a block of up to 1024 threads, a multiple of 32; every thread gets it.
template <typename T>
__device__ T block_sum(T value) {
    __shared__ T of_warps[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    value = warp_sum(value);
    if (lane == 0) of_warps[warp] = value;
    __syncthreads();
    value = warp_sum(lane < warps ? of_warps[lane] : T(0));
    __syncthreads();  // of_warps may be written again
    return value;
}

// Largest value of a block of up to 1024 threads, a multiple of 32; every thread gets it.
template <typename T>
__device__ T block_max(T value) {
    __shared__ T of_warps[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    value = warp_max(value);
    if (lane == 0) of_warps[warp] = value;
    __syncthreads();
    value = warp_max(of_warps[lane < warps ? lane : 0]);
    __syncthreads();  // of_warps may be written again
    return value;
}

// The rest is for kernels that go element by element:
//
//     each_element(size, [=](real x, real& y) { y = x * x; }, Read<real>{xs}, Written<real>{ys});
//
// A block takes tiles of AT_ONCE · TILE_THREADS elements. A thread first loads all of its elements
// of all arrays, so that many loads are under way while the memory answers, and neighbouring
// threads load neighbouring elements.
[[maybe_unused]] constexpr int TILE_THREADS = 256;  // of a block: THREADS of launch.py
constexpr int AT_ONCE = 4;

// One array of such a kernel, and a thread's elements of it in a tile that begins at `first` and
// has `left` elements from there on.
template <typename T>
struct Changed {
    T* array;
    T of[AT_ONCE];

    __device__ __forceinline__ void load(long long first, int left) {
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k)
            of[k] = k * TILE_THREADS < left ? array[first + k * TILE_THREADS] : T(0);
    }
    __device__ __forceinline__ void store(long long first, int left) {
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k)
            if (k * TILE_THREADS < left) array[first + k * TILE_THREADS] = of[k];
    }
};

template <typename T>
struct Read {
    const T* array;
    T of[AT_ONCE];

    __device__ __forceinline__ void load(long long first, int left) {
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k)
            of[k] = k * TILE_THREADS < left ? array[first + k * TILE_THREADS] : T(0);
    }
    __device__ __forceinline__ void store(long long, int) {}
};

template <typename T>
struct Written : Changed<T> {
    __device__ __forceinline__ void load(long long, int) {}
};

template <typename Function, typename... Arrays>
__device__ __forceinline__ void each_element(long long size, Function function, Arrays... arrays) {
    const int tile = AT_ONCE * TILE_THREADS;
    long long first = (long long)blockIdx.x * tile + threadIdx.x;
    for (; first < size; first += (long long)gridDim.x * tile) {
        int left = size - first < tile ? (int)(size - first) : tile;
        (arrays.load(first, left), ...);
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k) function(arrays.of[k]...);
        (arrays.store(first, left), ...);
    }
}

// 1 / (1 + exp(-x)), without overflow and with a small relative error down to the smallest normal number.
__device__ __forceinline__ real sigmoid(real x) {
    real e = exp(-fabs(x));
    return (x < 0 ? e : real(1)) / (1 + e);
}

// min(max(x, low), high); NaN stays.
__device__ __forceinline__ real clipped(real x, real low, real high) {
    return x < low ? low : x > high ? high : x;
}
