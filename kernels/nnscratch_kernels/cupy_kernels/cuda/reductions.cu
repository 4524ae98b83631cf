// Sums of rows, and sums of squares, by a team of threads for each row, or for each piece of a row
// that is too long for one team. Pieces are numbered along the rows.

#include "matrix.cuh"

template <bool SQUARES, typename Result>
__device__ __forceinline__ void sum_pieces(
    long long items, long long length, long long columns, long long pieces,
    const real* __restrict__ x, Result* __restrict__ sums, double divisor) {
    Team team;
    for (long long first = team.row; first < items; first += team.step) {
        long long item = first + threadIdx.y, row = item, begin = 0;
        if (pieces > 1) row = item / pieces, begin = item % pieces * length;
        long long end = begin + length < columns ? begin + length : columns;
        if (item >= items) end = begin;
        double total = 0;
        for (long long start = begin; start < end; start += (long long)team.size * VALUES) {
            real values[VALUES], part = 0;
            team.read(x + row * columns, start, end, values);
            team.each<VALUES>(start, end, [&](int k, long long j) {
                if (SQUARES)
                    total += double(values[k]) * double(values[k]);
                else
                    part += values[k];
            });
            total += part;
        }
        total = team.sum(total);
        if (team.rank == 0 && item < items) sums[item] = Result(total / divisor);
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) row_sums(
    long long rows, long long columns, const real* x, real* sums, double divisor) {
    sum_pieces<false>(rows, columns, columns, 1, x, sums, divisor);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) piece_sums(
    long long items, long long length, long long columns, long long pieces, const real* x,
    double* sums) {
    sum_pieces<false>(items, length, columns, pieces, x, sums, 1);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) piece_squares(
    long long items, long long length, long long columns, long long pieces, const real* x,
    double* sums) {
    sum_pieces<true>(items, length, columns, pieces, x, sums, 1);
}

// Rows of sums in double precision to one number each.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) totals(
    long long rows, long long columns, const double* __restrict__ sums, real* __restrict__ totals,
    double divisor) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y;
        double total = 0;
        if (row < rows)
            for (long long j = team.rank; j < columns; j += team.size)
                total += sums[row * columns + j];
        total = team.sum(total);
        if (team.rank == 0 && row < rows) totals[row] = real(total / divisor);
    }
}

// The square root of the sum of squares, by one team.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) norm_of_squares(
    long long rows, long long columns, const double* __restrict__ squares,
    double* __restrict__ norm) {
    Team team;
    double total = 0;
    for (long long j = team.rank; j < columns; j += team.size) total += squares[j];
    total = team.sum(total);
    if (team.rank == 0 && threadIdx.y == 0) *norm = sqrt(total);
}

// c / max(‖x‖, c); NaN for a norm that is infinite or not a number.
__device__ __forceinline__ double factor_of(double norm, double limit) {
    if (!(norm - norm == 0)) return norm - norm;
    return limit / (norm > limit ? norm : limit);
}

extern "C" __global__ void clipping_factor(
    long long count, const double* __restrict__ norm, double limit, double* __restrict__ factor) {
    for (long long i = first_element(); i < count; i += element_step())
        factor[i] = factor_of(norm[i], limit);
}

extern "C" __global__ void clip(
    long long count, const real* __restrict__ x, const double* __restrict__ norm, double limit,
    real* __restrict__ y) {
    real factor = real(factor_of(*norm, limit));
#pragma unroll 4
    for (long long i = first_element(); i < count; i += element_step()) y[i] = x[i] * factor;
}
