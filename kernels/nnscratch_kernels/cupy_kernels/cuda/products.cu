// What goes with the matrix products of a dense layer: its bias and activation on the way forward,
// the slope of the activation and the gradient of the bias on the way back.

#include "gelu.cuh"

// Of each element of a matrix, the element of a row that stands in its column.
struct Across {
    const real* row;
    long long units;
    real of[AT_ONCE];

    __device__ __forceinline__ void load(long long first, int left) {
        long long column = first % units;
        const int step = (int)(TILE_THREADS % units);
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k) {
            of[k] = k * TILE_THREADS < left ? row[column] : real(0);
            column += step;
            if (column >= units) column -= units;
        }
    }
    __device__ __forceinline__ void store(long long, int) {}
};

// y = φ(z) with z = products + bias, over the products; or beside them, which then become z.
#define DENSE(name, of_z)                                                                       \
    extern "C" __global__ void dense_##name(                                                    \
        long long size, long long units, const real* __restrict__ bias,                         \
        real* __restrict__ products) {                                                          \
        each_element(size,                                                                      \
                     [](real& y, real b) {                                                      \
                         real z = y + b;                                                        \
                         y = of_z;                                                              \
                     },                                                                         \
                     Changed<real>{products}, Across{bias, units});                             \
    }                                                                                           \
    extern "C" __global__ void dense_##name##_beside(                                           \
        long long size, long long units, const real* __restrict__ bias,                         \
        real* __restrict__ products, real* __restrict__ ys) {                                   \
        each_element(size,                                                                      \
                     [](real& z, real& y, real b) {                                             \
                         z += b;                                                                \
                         y = of_z;                                                              \
                     },                                                                         \
                     Changed<real>{products}, Written<real>{ys}, Across{bias, units});          \
    }

DENSE(linear, z)
DENSE(relu, z < 0 ? 0 : z)
DENSE(sigmoid, sigmoid(z))
DENSE(tanh, tanh(z))
DENSE(gelu, gelu_of(z))
DENSE(gelu_tanh, tanh_gelu_of(z))

// A block adds up 32 columns of `chunk` rows; every thread takes each sixteenth row of a column,
// four at a time. Row blockIdx.y of `sums` gets the result. How the rows are divided depends on
// their number alone, so every run adds in the same order.
constexpr int COLUMNS = 32, GROUPS = 16, SUMMING_THREADS = COLUMNS * GROUPS;

template <bool WRITES, typename Function>
__device__ __forceinline__ void sum_columns(
    long long rows, long long units, long long chunk, const real* __restrict__ g,
    const real* __restrict__ saved, real* __restrict__ through, real* __restrict__ sums,
    Function function) {
    __shared__ double of_groups[GROUPS][COLUMNS];
    const int lane = threadIdx.x % COLUMNS, group = threadIdx.x / COLUMNS;
    const long long column = (long long)blockIdx.x * COLUMNS + lane;
    const long long first = blockIdx.y * chunk;
    const long long end = first + chunk < rows ? first + chunk : rows;
    double total = 0;
    for (long long row = first + group; row < end && column < units; row += AT_ONCE * GROUPS) {
        const long long at = row * units + column, step = GROUPS * units;
        real of_g[AT_ONCE], of_saved[AT_ONCE], sum = 0;
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k) {
            const bool is_row = row + k * GROUPS < end;
            of_g[k] = is_row ? g[at + k * step] : real(0);
            of_saved[k] = WRITES && is_row ? saved[at + k * step] : real(0);
        }
#pragma unroll
        for (int k = 0; k < AT_ONCE; ++k) {
            const real value = function(of_g[k], of_saved[k]);  // 0 where there is no row
            if (WRITES && row + k * GROUPS < end) through[at + k * step] = value;
            sum += value;
        }
        total += sum;
    }
    of_groups[group][lane] = total;
    __syncthreads();
    if (group == 0 && column < units) {
        for (int other = 1; other < GROUPS; ++other) total += of_groups[other][lane];
        sums[blockIdx.y * units + column] = real(total);
    }
}

extern "C" __global__ void __launch_bounds__(SUMMING_THREADS, 1) column_sums(
    long long rows, long long units, long long chunk, const real* __restrict__ a,
    real* __restrict__ sums) {
    sum_columns<false>(rows, units, chunk, a, nullptr, nullptr, sums,
                       [](real value, real) { return value; });
}

// g φ'(z), of what `dense_gradient` calls saved: y or z.
#define THROUGH(name, saved_as, result)                                                         \
    extern "C" __global__ void __launch_bounds__(SUMMING_THREADS, 1) through_##name(            \
        long long rows, long long units, long long chunk, const real* __restrict__ gs,          \
        const real* __restrict__ saved, real* __restrict__ through, real* __restrict__ sums) {  \
        sum_columns<true>(rows, units, chunk, gs, saved, through, sums,                         \
                          [](real g, real saved_as) { return result; });                        \
    }

THROUGH(relu, y, g * real(y > 0))
THROUGH(sigmoid, y, g * y * (1 - y))
THROUGH(tanh, y, g * (1 - y * y))
THROUGH(gelu, z, g * slope_of_gelu(z))
THROUGH(gelu_tanh, z, g * slope_of_tanh_gelu(z))
