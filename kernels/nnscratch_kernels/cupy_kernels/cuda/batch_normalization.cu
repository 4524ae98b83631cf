// Batch normalization of the columns of a matrix, and its gradient.
//
// A block has (columns, lanes) threads. Sums over the batch are taken in two steps: over the rows
// of each part of `part_rows` rows, one block for each, and then over the parts, in double precision.

#include "matrix.cuh"

#define ABREAST 8  // rows of a thread that are read before any is used

struct Part {
    long long column, first, end, step;  // this thread's column, and its rows
};

// The rows of part blockIdx.y that are this thread's: none if it has no column.
__device__ __forceinline__ Part part_of_thread(
    long long rows, long long columns, long long part_rows) {
    long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    long long start = blockIdx.y * part_rows;
    long long end = start + part_rows < rows ? start + part_rows : rows;
    return {column, start + threadIdx.y, column < columns ? end : 0, blockDim.y};
}

__device__ __forceinline__ void read_column(
    const Part& part, const real* x, long long columns, long long row, real (&values)[ABREAST]) {
#pragma unroll
    for (int k = 0; k < ABREAST; ++k) {
        long long i = row + k * part.step;
        if (i < part.end) values[k] = x[i * columns + part.column];
    }
}

// How many of the rows from `row` on that are read at a time there are.
__device__ __forceinline__ int rows_abreast(const Part& part, long long row) {
    int count = 0;
#pragma unroll
    for (int k = 0; k < ABREAST; ++k) count += row + k * part.step < part.end ? 1 : 0;
    return count;
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) moments_of_parts(
    long long rows, long long columns, long long part_rows, const real* __restrict__ x,
    double* __restrict__ totals, double* __restrict__ squares) {
    Part part = part_of_thread(rows, columns, part_rows);
    Moments<double> own = {0, 0, 0};
    for (long long row = part.first; row < part.end; row += ABREAST * part.step) {
        real values[ABREAST];
        read_column(part, x, columns, row, values);
        Moments<real> some = moments_of(values, rows_abreast(part, row));
        own += Moments<double>{some.count, some.total, some.squares};
    }
    own = column_total(own);
    if (threadIdx.y == 0 && part.column < columns) {
        totals[blockIdx.y * columns + part.column] = own.total;
        squares[blockIdx.y * columns + part.column] = own.squares;
    }
}

// Mean μ, variance v and γ / √(v + ε) of each column.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) join_moments(
    long long parts, long long columns, long long rows, long long part_rows,
    const double* __restrict__ totals, const double* __restrict__ squares,
    const real* __restrict__ gamma, real* __restrict__ mean, real* __restrict__ variance,
    real* __restrict__ slope, double epsilon) {
    long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    Moments<double> own = {0, 0, 0};
    if (column < columns)
        for (long long part = threadIdx.y; part < parts; part += blockDim.y) {
            long long left = rows - part * part_rows, place = part * columns + column;
            double count = double(left < part_rows ? left : part_rows);
            own += Moments<double>{count, totals[place], squares[place]};
        }
    own = column_total(own);
    if (threadIdx.y > 0 || column >= columns) return;
    mean[column] = real(own.total / own.count);
    variance[column] = real(own.squares / own.count);
    slope[column] = real(gamma[column] / sqrt(own.squares / own.count + epsilon));
}

// y = (x - μ) slope + β
extern "C" __global__ void __launch_bounds__(MOST_THREADS) scale_columns(
    long long rows, long long columns, long long part_rows, const real* __restrict__ x,
    const real* __restrict__ mean, const real* __restrict__ slope, const real* __restrict__ beta,
    real* __restrict__ y) {
    Part part = part_of_thread(rows, columns, part_rows);
    if (part.column >= columns) return;
    real about = mean[part.column], factor = slope[part.column], shift = beta[part.column];
    for (long long row = part.first; row < part.end; row += ABREAST * part.step) {
        real values[ABREAST];
        read_column(part, x, columns, row, values);
#pragma unroll
        for (int k = 0; k < ABREAST; ++k) {
            long long i = row + k * part.step;
            if (i < part.end) y[i * columns + part.column] = (values[k] - about) * factor + shift;
        }
    }
}

// Σ g and Σ g (x - μ) of each column, over the rows of each part.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) gradient_sums_of_parts(
    long long rows, long long columns, long long part_rows, const real* __restrict__ g,
    const real* __restrict__ x, const real* __restrict__ mean, double* __restrict__ totals,
    double* __restrict__ centered) {
    Part part = part_of_thread(rows, columns, part_rows);
    real about = part.column < columns ? mean[part.column] : real(0);
    double total = 0, along = 0;
    for (long long row = part.first; row < part.end; row += ABREAST * part.step) {
        real slopes[ABREAST], values[ABREAST], some = 0, some_along = 0;
        read_column(part, g, columns, row, slopes);
        read_column(part, x, columns, row, values);
#pragma unroll
        for (int k = 0; k < ABREAST; ++k)
            if (row + k * part.step < part.end) {
                some += slopes[k];
                some_along += slopes[k] * (values[k] - about);
            }
        total += some;
        along += some_along;
    }
    total = column_total(total);
    along = column_total(along);
    if (threadIdx.y == 0 && part.column < columns) {
        totals[blockIdx.y * columns + part.column] = total;
        centered[blockIdx.y * columns + part.column] = along;
    }
}

// dγ = r Σ g (x - μ), dβ = Σ g, and of dx = (g - mean) slope - (x - μ) tilt + shift the factors
// Σ g / n, γ r, (γ r³ Σ g (x - μ) - 2 dv) / n and dμ / n.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) join_gradient_sums(
    long long parts, long long columns, long long rows, const double* __restrict__ totals,
    const double* __restrict__ centered, const real* __restrict__ variance,
    const real* __restrict__ gamma, const real* __restrict__ g_mean,
    const real* __restrict__ g_variance, real* __restrict__ of_gamma, real* __restrict__ of_beta,
    real* __restrict__ g_means, real* __restrict__ slope, real* __restrict__ tilt,
    real* __restrict__ shift, double epsilon) {
    long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    double total = 0, along = 0;
    if (column < columns)
        for (long long part = threadIdx.y; part < parts; part += blockDim.y) {
            total += totals[part * columns + column];
            along += centered[part * columns + column];
        }
    total = column_total(total);
    along = column_total(along);
    if (threadIdx.y > 0 || column >= columns) return;
    double scale = 1 / sqrt(variance[column] + epsilon), factor = gamma[column] * scale;
    of_gamma[column] = real(along * scale);
    of_beta[column] = real(total);
    g_means[column] = real(total / rows);
    slope[column] = real(factor);
    tilt[column] = real((factor * scale * scale * along - 2 * double(g_variance[column])) / rows);
    shift[column] = real(double(g_mean[column]) / rows);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) gradient_of_columns(
    long long rows, long long columns, long long part_rows, const real* __restrict__ g,
    const real* __restrict__ x, const real* __restrict__ mean, const real* __restrict__ g_means,
    const real* __restrict__ slope, const real* __restrict__ tilt, const real* __restrict__ shift,
    real* __restrict__ of_x) {
    Part part = part_of_thread(rows, columns, part_rows);
    if (part.column >= columns) return;
    real about = mean[part.column], about_g = g_means[part.column];
    real factor = slope[part.column], of_centered = tilt[part.column], more = shift[part.column];
    for (long long row = part.first; row < part.end; row += ABREAST * part.step) {
        real slopes[ABREAST], values[ABREAST];
        read_column(part, g, columns, row, slopes);
        read_column(part, x, columns, row, values);
#pragma unroll
        for (int k = 0; k < ABREAST; ++k) {
            long long i = row + k * part.step;
            if (i < part.end)
                of_x[i * columns + part.column] =
                    (slopes[k] - about_g) * factor - (values[k] - about) * of_centered + more;
        }
    }
}
