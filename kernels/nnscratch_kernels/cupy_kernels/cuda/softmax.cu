// Softmax, log-softmax, log of the sum of exponentials, and the gradients of the first two: a team of
// threads for each row. A row is read from memory once if it has up to 8 elements for each thread
// of its team; of a longer one all but the last tile is read again, which is then first, since the
// caches hold the end of the row.

#include "matrix.cuh"

extern "C" __global__ void __launch_bounds__(MOST_THREADS) softmax(
    long long rows, long long columns, const real* __restrict__ x, real* __restrict__ y) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, last;
        const real* logits = x + row * columns;
        real* out = y + row * columns;
        real values[VALUES];
        Exponentials sums = exponentials_of(team, logits, length, values, last);
        real factor = 1 / sums.total();
        for (long long start = last; start >= 0; start -= (long long)team.size * VALUES) {
            if (start < last) team.read(logits, start, length, values);
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = exp(values[k] - sums.top) * factor;
            });
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) log_softmax(
    long long rows, long long columns, const real* __restrict__ x, real* __restrict__ y) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, last;
        const real* logits = x + row * columns;
        real* out = y + row * columns;
        real values[VALUES];
        Exponentials sums = exponentials_of(team, logits, length, values, last);
        real logarithm = log(sums.total());
        for (long long start = last; start >= 0; start -= (long long)team.size * VALUES) {
            if (start < last) team.read(logits, start, length, values);
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = (values[k] - sums.top) - logarithm;
            });
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) logsumexp(
    long long rows, long long columns, const real* __restrict__ x, real* __restrict__ y) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, last;
        real values[VALUES];
        Exponentials sums = exponentials_of(team, x + row * columns, length, values, last);
        // Of infinite elements the largest is the result: their exponentials are not compared here.
        if (team.rank == 0 && row < rows) y[row] = sums.top + log(sums.others + sums.ties);
    }
}

// dx = y (g - Σ g y)
extern "C" __global__ void __launch_bounds__(MOST_THREADS) softmax_gradient(
    long long rows, long long columns, const real* __restrict__ g, const real* __restrict__ y,
    real* __restrict__ x) {
    Team team;
    long long tile = (long long)team.size * VALUES;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, start = 0;
        const real *cotangents = g + row * columns, *results = y + row * columns;
        real* out = x + row * columns;
        real of_g[VALUES], of_y[VALUES], total = 0;
        for (; start < length; start += tile) {
            team.read(cotangents, start, length, of_g);
            team.read(results, start, length, of_y);
            team.each<VALUES>(start, length, [&](int k, long long j) { total += of_g[k] * of_y[k]; });
        }
        total = team.sum(total);
        long long last = start - tile;
        for (start = last; start >= 0; start -= tile) {
            if (start < last) {
                team.read(cotangents, start, length, of_g);
                team.read(results, start, length, of_y);
            }
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = of_y[k] * (of_g[k] - total);
            });
        }
    }
}

// dx = g - exp(y) Σ g
extern "C" __global__ void __launch_bounds__(MOST_THREADS) log_softmax_gradient(
    long long rows, long long columns, const real* __restrict__ g, const real* __restrict__ y,
    real* __restrict__ x) {
    Team team;
    long long tile = (long long)team.size * VALUES;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, start = 0;
        const real *cotangents = g + row * columns, *results = y + row * columns;
        real* out = x + row * columns;
        real of_g[VALUES], of_y[VALUES], total = 0;
        for (; start < length; start += tile) {
            team.read(cotangents, start, length, of_g);
            team.each<VALUES>(start, length, [&](int k, long long j) { total += of_g[k]; });
        }
        total = team.sum(total);
        long long last = start - tile;
        for (start = last; start >= 0; start -= tile) {
            if (start < last) team.read(cotangents, start, length, of_g);
            team.read(results, start, length, of_y);
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = of_g[k] - exp(of_y[k]) * total;
            });
        }
    }
}
