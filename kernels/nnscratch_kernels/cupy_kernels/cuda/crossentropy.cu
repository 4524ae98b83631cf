// Cross-entropies of softmax(z) with labels or distributions, by a team of threads for each row of
// logits z: the loss of the row and, where it is wanted, its gradient times a factor.

#include "matrix.cuh"

// -ln p_l = (M - z_l) + ln Σ exp(z - M), with M = max z; the gradient is p - onehot(l).
template <bool WITH_GRADIENT>
__device__ __forceinline__ void of_labels(
    long long rows, long long columns, const long long* __restrict__ labels,
    const real* __restrict__ logits, real* __restrict__ losses, real* __restrict__ gradient,
    real factor) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, last;
        const real* z = logits + row * columns;
        real values[VALUES];
        Exponentials sums = exponentials_of(team, z, length, values, last);
        long long label = row < rows ? labels[row] : 0;
        bool known = 0 <= label && label < length;
        if (team.rank == 0 && row < rows)
            losses[row] = known ? (sums.top - z[label]) + sums.excess() : not_a_number();
        if (!WITH_GRADIENT) continue;
        real* out = gradient + row * columns;
        real share = known ? 1 / sums.total() : not_a_number();
        for (long long start = last; start >= 0; start -= (long long)team.size * VALUES) {
            if (start < last) team.read(z, start, length, values);
            team.each<VALUES>(start, length, [&](int k, long long j) {
                out[j] = (exp(values[k] - sums.top) * share - (j == label ? 1 : 0)) * factor;
            });
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) label_crossentropy(
    long long rows, long long columns, const long long* labels, const real* logits, real* losses) {
    of_labels<false>(rows, columns, labels, logits, losses, losses, 1);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) label_crossentropy_with_gradient(
    long long rows, long long columns, const long long* labels, const real* logits, real* losses,
    real* gradient, real factor) {
    of_labels<true>(rows, columns, labels, logits, losses, gradient, factor);
}

// -Σ t ln p = Σ t (M - z) + Σ t · ln Σ exp(z - M); the gradient is p Σ t - t.
template <bool WITH_GRADIENT>
__device__ __forceinline__ void of_distributions(
    long long rows, long long columns, const real* __restrict__ target,
    const real* __restrict__ logits, real* __restrict__ losses, real* __restrict__ gradient,
    real factor) {
    Team team;
    for (long long first = team.row; first < rows; first += team.step) {
        long long row = first + threadIdx.y, length = row < rows ? columns : 0, last;
        const real *z = logits + row * columns, *t = target + row * columns;
        real* out = gradient + row * columns;
        real values[VALUES], shares[VALUES], weight = 0, behind = 0;
        Exponentials sums = exponentials_of(team, z, length, values, last);
        for (long long start = 0; start < length; start += (long long)team.size * VALUES) {
            team.read(t, start, length, shares);
            team.each<VALUES>(start, length, [&](int k, long long j) { weight += shares[k]; });
        }
        weight = team.sum(weight);
        real share = weight / sums.total();
        for (long long start = last; start >= 0; start -= (long long)team.size * VALUES) {
            if (start < last) {
                team.read(z, start, length, values);
                team.read(t, start, length, shares);
            }
            team.each<VALUES>(start, length, [&](int k, long long j) {
                behind += shares[k] * (sums.top - values[k]);
                if (WITH_GRADIENT) out[j] = (exp(values[k] - sums.top) * share - shares[k]) * factor;
            });
        }
        behind = team.sum(behind);
        if (team.rank == 0 && row < rows) losses[row] = behind + weight * sums.excess();
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) distribution_crossentropy(
    long long rows, long long columns, const real* target, const real* logits, real* losses) {
    of_distributions<false>(rows, columns, target, logits, losses, losses, 1);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) distribution_crossentropy_with_gradient(
    long long rows, long long columns, const real* target, const real* logits, real* losses,
    real* gradient, real factor) {
    of_distributions<true>(rows, columns, target, logits, losses, gradient, factor);
}

// Take 1 from the element of each row that the label names; a row without such an element becomes
// NaN.
extern "C" __global__ void minus_one_at_labels(
    long long rows, long long columns, const long long* __restrict__ labels,
    real* __restrict__ values) {
    for (long long row = first_element(); row < rows; row += element_step()) {
        long long label = labels[row];
        real* out = values + row * columns;
        if (0 <= label && label < columns)
            out[label] -= 1;
        else
            for (long long j = 0; j < columns; ++j) out[j] = not_a_number();
    }
}
