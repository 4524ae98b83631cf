// Layer normalization of the rows of a matrix, and its gradient: a team of threads for each row.

#include "matrix.cuh"

#define HELD 4  // elements of a row that a thread of the gradient holds, beside its sums

// γ g, rounded by itself: fused with the subtraction of the mean it would not cancel it in a row of
// one element.
__device__ __forceinline__ float product(float a, float b) {
    return __fmul_rn(a, b);
}
__device__ __forceinline__ double product(double a, double b) {
    return __dmul_rn(a, b);
}

// Mean μ and 1 / √(v + ε) of a row.
struct Scaling {
    real mean, scale;
};

__device__ __forceinline__ Scaling scaling_of(
    const Team& team, const Moments<real>& own, long long length, real epsilon) {
    real mean = team.sum(own.total) / real(length > 0 ? length : 1);
    real apart = own.count > 0 ? own.total / own.count - mean : 0;
    real squares = team.sum(own.squares + own.count * apart * apart);
    return {mean, 1 / sqrt(squares / real(length > 0 ? length : 1) + epsilon)};
}

// y = γ (s - μ) / √(v + ε) + β with s = x, or s = x + residual, which is written too.
template <bool WITH_RESIDUAL>
__device__ __forceinline__ void normalize(
    long long rows, long long columns, const real* __restrict__ x,
    const real* __restrict__ residual, const real* __restrict__ gamma,
    const real* __restrict__ beta, real* __restrict__ y, real* __restrict__ sum, real epsilon) {
    Team team;
    long long tile = (long long)team.size * VALUES;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, start = 0;
        const real *of_x = x + row * columns, *of_residual = residual + row * columns;
        real *out = y + row * columns, *of_sum = sum + row * columns;
        real values[VALUES];
        Moments<real> own = {0, 0, 0};
        for (; start < length; start += tile) {
            team.read(of_x, start, length, values);
            if (WITH_RESIDUAL) {
                real others[VALUES];
                team.read(of_residual, start, length, others);
                team.each<VALUES>(start, length, [&](int k, long long j) {
                    values[k] += others[k];
                    of_sum[j] = values[k];
                });
            }
            own += moments_of(values, team.count<VALUES>(start, length));
        }
        Scaling row_scaling = scaling_of(team, own, length, epsilon);
        long long last = start - tile;
        for (start = last; start >= 0; start -= tile) {
            if (start < last)
                team.each<VALUES>(start, length, [&](int k, long long j) {
                    values[k] = WITH_RESIDUAL ? of_sum[j] : of_x[j];
                });
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = (values[k] - row_scaling.mean) * row_scaling.scale * gamma[j] + beta[j];
            });
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) layer_normalization(
    long long rows, long long columns, const real* x, const real* gamma, const real* beta, real* y,
    real epsilon) {
    normalize<false>(rows, columns, x, x, gamma, beta, y, y, epsilon);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) residual_layer_normalization(
    long long rows, long long columns, const real* x, const real* residual, const real* gamma,
    const real* beta, real* y, real* sum, real epsilon) {
    normalize<true>(rows, columns, x, residual, gamma, beta, y, sum, epsilon);
}

// dx = r (γ g - mean(γ g) - x̂ mean(γ g x̂)) + `more`, for the rows of each part of `part_rows` rows.
//
// dγ = Σ g x̂ and dβ = Σ g: where a tile is a whole row, each thread keeps its columns, so it adds
// them up on the way; `of_gamma` and `of_beta` get a row for each part. Longer rows leave μ and r
// in `means` and `scales`, for `sums_of_columns`.
template <bool LONG>
__device__ __forceinline__ void gradient_of_rows(
    long long rows, long long columns, long long part_rows, const real* __restrict__ g,
    const real* __restrict__ x, const real* __restrict__ gamma, int with_more,
    const real* __restrict__ more, real* __restrict__ of_x, real* __restrict__ of_gamma,
    real* __restrict__ of_beta, real* __restrict__ means, real* __restrict__ scales, real epsilon) {
    Team team;
    long long tile = (long long)team.size * HELD;
    for (long long part = blockIdx.x; part * part_rows < rows; part += gridDim.x) {
        long long end = (part + 1) * part_rows < rows ? (part + 1) * part_rows : rows;
        real sum_gamma[HELD] = {}, sum_beta[HELD] = {};
        for (long long first = part * part_rows; first < end; first += blockDim.y) {
            long long row = first + threadIdx.y, length = row < end ? columns : 0, start = 0;
            const real *cotangents = g + row * columns, *elements = x + row * columns;
            real values[HELD], slopes[HELD];
            Moments<real> own = {0, 0, 0};
            for (; start < length; start += tile) {
                team.read(elements, start, length, values);
                team.read(cotangents, start, length, slopes);
                own += moments_of(values, team.count<HELD>(start, length));
            }
            Scaling scaling = scaling_of(team, own, length, epsilon);
            if (LONG && team.rank == 0 && row < end) {
                means[row] = scaling.mean;
                scales[row] = scaling.scale;
            }
            real total = 0, along = 0;
            long long last = start - tile;
            for (start = last; start >= 0; start -= tile) {
                if (start < last) {
                    team.read(elements, start, length, values);
                    team.read(cotangents, start, length, slopes);
                }
                team.each<HELD>(start, length, [&](int k, long long j) {
                    real weighted = product(slopes[k], gamma[j]);
                    total += weighted;
                    along += weighted * ((values[k] - scaling.mean) * scaling.scale);
                });
            }
            total = team.sum(total) / real(columns);
            along = team.sum(along) / real(columns);
            for (start = 0; start < length; start += tile) {
                if (start > 0) {
                    team.read(elements, start, length, values);
                    team.read(cotangents, start, length, slopes);
                }
                team.each<HELD>(start, length, [&](int k, long long j) {
                    real normalized = (values[k] - scaling.mean) * scaling.scale;
                    real weighted = product(slopes[k], gamma[j]);
                    real slope = (weighted - total - normalized * along) * scaling.scale;
                    of_x[row * columns + j] = with_more ? slope + more[row * columns + j] : slope;
                    sum_gamma[k] += slopes[k] * normalized;
                    sum_beta[k] += slopes[k];
                });
            }
        }
        if (!LONG) {
#pragma unroll
            for (int k = 0; k < HELD; ++k) {
                long long place = part * columns + team.rank + k * team.size;
                real in_gamma = column_total(sum_gamma[k]), in_beta = column_total(sum_beta[k]);
                if (threadIdx.y == 0 && team.rank + k * team.size < columns) {
                    of_gamma[place] = in_gamma;
                    of_beta[place] = in_beta;
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) layer_gradient(
    long long rows, long long columns, long long part_rows, const real* g, const real* x,
    const real* gamma, int with_more, const real* more, real* of_x, real* of_gamma, real* of_beta,
    real epsilon) {
    gradient_of_rows<false>(
        rows, columns, part_rows, g, x, gamma, with_more, more, of_x, of_gamma, of_beta, nullptr,
        nullptr, epsilon);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) layer_gradient_of_long_rows(
    long long rows, long long columns, long long part_rows, const real* g, const real* x,
    const real* gamma, int with_more, const real* more, real* of_x, real* means, real* scales,
    real epsilon) {
    gradient_of_rows<true>(
        rows, columns, part_rows, g, x, gamma, with_more, more, of_x, nullptr, nullptr, means,
        scales, epsilon);
}

// Σ g x̂ and Σ g of each column over the rows of each part, from the μ and r of rows.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) sums_of_columns(
    long long rows, long long columns, long long part_rows, const real* __restrict__ g,
    const real* __restrict__ x, const real* __restrict__ means, const real* __restrict__ scales,
    real* __restrict__ of_gamma, real* __restrict__ of_beta) {
    long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x, part = blockIdx.y;
    long long end = (part + 1) * part_rows < rows ? (part + 1) * part_rows : rows;
    real total_gamma = 0, total_beta = 0;
    if (column < columns)
        for (long long row = part * part_rows + threadIdx.y; row < end; row += blockDim.y) {
            real slope = g[row * columns + column];
            total_gamma += slope * ((x[row * columns + column] - means[row]) * scales[row]);
            total_beta += slope;
        }
    total_gamma = column_total(total_gamma);
    total_beta = column_total(total_beta);
    if (threadIdx.y == 0 && column < columns) {
        of_gamma[part * columns + column] = total_gamma;
        of_beta[part * columns + column] = total_beta;
    }
}

// The sum over all parts, for every column of matrix blockIdx.y: Σ g x̂ and Σ g.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) sum_of_parts(
    long long parts, long long columns, const real* __restrict__ sums, real* __restrict__ total) {
    long long column = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const real* of_parts = sums + blockIdx.y * parts * columns;
    double own = 0;
    if (column < columns)
        for (long long part = threadIdx.y; part < parts; part += blockDim.y)
            own += of_parts[part * columns + column];
    own = column_total(own);
    if (threadIdx.y == 0 && column < columns) total[blockIdx.y * columns + column] = real(own);
}
