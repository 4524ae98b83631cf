// The largest elements of rows, by a team of threads for each row.

#include "matrix.cuh"

// An element and its place. NaN comes before all numbers, larger before smaller ones, and of equal
// elements the first.
struct Entry {
    real value;
    long long place;  // a row's length or more: no element
};

__device__ __forceinline__ bool comes_before(const Entry& a, const Entry& b, long long length) {
    if (a.place >= length || b.place >= length) return a.place < b.place;
    bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
    if (a_is_nan != b_is_nan) return a_is_nan;
    if (a.value > b.value) return true;
    if (a.value < b.value) return false;
    return a.place < b.place;
}

// The first in order of this thread's elements.
__device__ __forceinline__ Entry first_of_own(
    const Team& team, const real* row, long long length) {
    Entry best = {-infinity(), length};
    for (long long start = 0; start < length; start += (long long)team.size * VALUES) {
        real values[VALUES];
        team.read(row, start, length, values);
        team.each<VALUES>(start, length, [&](int k, long long j) {
            if (best.value == best.value && !(values[k] <= best.value)) best = {values[k], j};
        });
    }
    // Nothing is larger than -inf if all elements are.
    if (best.place == length && team.rank < length) best.place = team.rank;
    return best;
}

// The same of its elements that come after `taken`.
__device__ __forceinline__ Entry next_of_own(
    const Team& team, const real* row, long long length, const Entry& taken) {
    Entry best = {0, length};
    for (long long start = 0; start < length; start += (long long)team.size * VALUES) {
        real values[VALUES];
        team.read(row, start, length, values);
        team.each<VALUES>(start, length, [&](int k, long long j) {
            Entry entry = {values[k], j};
            if (comes_before(taken, entry, length) && comes_before(entry, best, length))
                best = entry;
        });
    }
    return best;
}

// The first in order of the members' entries; each member gets it.
__device__ __forceinline__ Entry first_of_team(const Team& team, const Entry& own, long long length) {
    bool is_entry = own.place < length;
    real top = team.max(is_entry ? own.value : -infinity());
    bool is_top = is_entry && (own.value == top || (own.value != own.value && top != top));
    long long place = -team.max(is_top ? -own.place : -length);
    return {top, place};
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) argmax(
    long long rows, long long columns, const real* __restrict__ x, long long* __restrict__ places) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0;
        Entry own = first_of_own(team, x + row * columns, length);
        Entry best = first_of_team(team, own, length);
        if (team.rank == 0 && row < rows) places[row] = best.place;
    }
}

// The k first in order, one after the other. Every thread knows the first of its own elements that
// is not taken yet, so only the thread whose element was taken looks at its elements again.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) top_k(
    long long rows, long long columns, long long k, const real* __restrict__ x,
    real* __restrict__ values, long long* __restrict__ places) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0;
        const real* elements = x + row * columns;
        Entry own = first_of_own(team, elements, length);
        for (long long i = 0; i < k; ++i) {
            Entry best = first_of_team(team, own, length);
            if (team.rank == 0 && row < rows) {
                values[row * k + i] = elements[best.place];  // not the value: -0 is told from 0
                places[row * k + i] = best.place;
            }
            if (best.place == own.place && i + 1 < k)
                own = next_of_own(team, elements, length, best);
        }
    }
}
