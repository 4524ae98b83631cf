// Rows of a table by number, and what flows back to the table, by a team of threads for each index.

#include "matrix.cuh"

#define ABREAST 8  // rows that are read before any is added

// An index that is out of range gives a row of NaN.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) gather(
    long long count, long long length, long long vocabulary, const long long* __restrict__ indices,
    const real* __restrict__ table, real* __restrict__ y) {
    Team team;
    for (long long first = team.row; first < count; first += team.step) {
        long long item = first + threadIdx.y;
        if (item >= count) continue;
        long long index = indices[item];
        bool known = 0 <= index && index < vocabulary;
        const real* source = table + (known ? index : 0) * length;
        real* out = y + item * length;
        for (long long start = 0; start < length; start += (long long)team.size * VALUES) {
            real values[VALUES];
            if (known) team.read(source, start, length, values);
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = known ? values[k] : not_a_number();
            });
        }
    }
}

// `sorted` are the indices in rising order, and `order` says where each stood before; a team whose
// index differs from the one before it adds up the rows of all that are equal, in their order.
// Indices out of range are passed over.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) scatter_add(
    long long count, long long length, long long vocabulary, const long long* __restrict__ sorted,
    const long long* __restrict__ order, const real* __restrict__ gradient,
    real* __restrict__ table) {
    Team team;
    for (long long first = team.row; first < count; first += team.step) {
        long long item = first + threadIdx.y;
        if (item >= count) continue;
        long long index = sorted[item];
        bool begins = item == 0 || sorted[item - 1] != index;
        if (!begins || index < 0 || index >= vocabulary) continue;
        for (long long start = 0; start < length; start += (long long)team.size * VALUES) {
            real total[VALUES] = {};
            long long i = item;
            // Of sorted indices all are equal if the first and the last are.
            for (; i + ABREAST <= count && sorted[i + ABREAST - 1] == index; i += ABREAST) {
                const real* rows[ABREAST];
#pragma unroll
                for (int r = 0; r < ABREAST; ++r) rows[r] = gradient + order[i + r] * length;
                team.each<VALUES>(start, length, [&](int k, long long j) {
                    real of_rows[ABREAST];
#pragma unroll
                    for (int r = 0; r < ABREAST; ++r) of_rows[r] = rows[r][j];
#pragma unroll
                    for (int r = 0; r < ABREAST; ++r) total[k] += of_rows[r];
                });
            }
            for (; i < count && sorted[i] == index; ++i) {
                real values[VALUES];
                team.read(gradient + order[i] * length, start, length, values);
                team.each<VALUES>(start, length, [&](int k, long long j) { total[k] += values[k]; });
            }
            real* out = table + index * length;
            team.each<VALUES>(start, length, [&](int k, long long j) { out[j] = total[k]; });
        }
    }
}
