// The optimizers' steps over flat arrays, in place and in one pass: each number is read once and
// written once. The formulas are those of `numpy_kernels.optimizer_steps`.
//
// w is a value and g its gradient. Every step uses w · value_factor and g · gradient_factor.

#define STEP(name, ...)                                                                         \
    extern "C" __global__ void name(long long size, real* __restrict__ values,                  \
                                    const real* __restrict__ gradients, real value_factor,      \
                                    real gradient_factor, __VA_ARGS__)

typedef Changed<real> Slot;

// A slot that may be absent, as `present` says: then it is zero, and its array, which may be any, is
// not touched.
struct OptionalSlot : Slot {
    int present;

    __device__ __forceinline__ void load(long long first, int left) {
        Slot::load(first, present ? left : 0);
    }
    __device__ __forceinline__ void store(long long first, int left) {
        Slot::store(first, present ? left : 0);
    }
};

// mean ← mean + share (target - mean)
__device__ __forceinline__ void move_mean(real& mean, real target, real share) {
    mean += (target - mean) * share;
}

// Without momentum its buffer is absent, and `nesterov` is 0.
STEP(sgd, real rate, real momentum, int nesterov, real* momentum_buffer, int present) {
    each_element(
        size,
        [=](real& w, real g, real& m) {
            real change = g * gradient_factor * rate;
            m = m * momentum - change;
            w = w * value_factor + (nesterov ? m * momentum - change : m);
        },
        Slot{values}, Read<real>{gradients}, OptionalSlot{{momentum_buffer}, present});
}

// `share` is 1 - ρ.
STEP(rmsprop, real rate, real share, real momentum, real epsilon, real* __restrict__ velocity,
     real* average_gradient, int centered, real* momentum_buffer, int with_momentum) {
    each_element(
        size,
        [=](real& w, real g, real& v, real& a, real& m) {
            g *= gradient_factor;
            move_mean(v, g * g, share);
            if (centered) move_mean(a, g, share);
            m = m * momentum + g / sqrt(v - a * a + epsilon) * rate;
            w = w * value_factor - m;
        },
        Slot{values}, Read<real>{gradients}, Slot{velocity},
        OptionalSlot{{average_gradient}, centered}, OptionalSlot{{momentum_buffer}, with_momentum});
}

// α is η √(1 - β₂ᵗ) / (1 - β₁ᵗ), and the shares are 1 - β₁ and 1 - β₂.
STEP(adam, real alpha, real share_1, real share_2, real epsilon, real* __restrict__ momentum,
     real* __restrict__ velocity, real* largest_velocity, int amsgrad) {
    each_element(
        size,
        [=](real& w, real g, real& m, real& v, real& largest) {
            g *= gradient_factor;
            move_mean(m, g, share_1);
            move_mean(v, g * g, share_2);
            largest = amsgrad ? larger_or_nan(largest, v) : v;
            w = w * value_factor - m / (sqrt(largest) + epsilon) * alpha;
        },
        Slot{values}, Read<real>{gradients}, Slot{momentum}, Slot{velocity},
        OptionalSlot{{largest_velocity}, amsgrad});
}

STEP(adagrad, real rate, real epsilon, real* __restrict__ accumulator) {
    each_element(
        size,
        [=](real& w, real g, real& n) {
            g *= gradient_factor;
            n += g * g;
            w = w * value_factor - g / sqrt(n + epsilon) * rate;
        },
        Slot{values}, Read<real>{gradients}, Slot{accumulator});
}

// `share` is 1 - ρ.
STEP(adadelta, real rate, real share, real epsilon, real* __restrict__ accumulated_gradient,
     real* __restrict__ accumulated_change) {
    each_element(
        size,
        [=](real& w, real g, real& n, real& d) {
            g *= gradient_factor;
            move_mean(n, g * g, share);
            real change = sqrt((d + epsilon) / (n + epsilon)) * g;
            move_mean(d, change * change, share);
            w = w * value_factor - change * rate;
        },
        Slot{values}, Read<real>{gradients}, Slot{accumulated_gradient}, Slot{accumulated_change});
}

// α is η / (1 - β₁ᵗ), and share_1 is 1 - β₁.
STEP(adamax, real alpha, real share_1, real beta_2, real epsilon, real* __restrict__ momentum,
     real* __restrict__ norm) {
    each_element(
        size,
        [=](real& w, real g, real& m, real& u) {
            g *= gradient_factor;
            move_mean(m, g, share_1);
            u = larger_or_nan(u * beta_2, fabs(g));
            w = w * value_factor - m / (u + epsilon) * alpha;
        },
        Slot{values}, Read<real>{gradients}, Slot{momentum}, Slot{norm});
}

// `of_mean` and `of_gradient` are what m and g count in η m̂; the shares are 1 - β₁ and 1 - β₂, the
// correction is 1 - β₂ᵗ.
STEP(nadam, real of_mean, real of_gradient, real share_1, real share_2, real correction,
     real epsilon, real* __restrict__ momentum, real* __restrict__ velocity) {
    each_element(
        size,
        [=](real& w, real g, real& m, real& v) {
            g *= gradient_factor;
            move_mean(m, g, share_1);
            move_mean(v, g * g, share_2);
            real change = m * of_mean + g * of_gradient;
            w = w * value_factor - change / (sqrt(v / correction) + epsilon);
        },
        Slot{values}, Read<real>{gradients}, Slot{momentum}, Slot{velocity});
}

// nᵖ; with p = 1/2, the usual power, in a tenth of the time.
__device__ __forceinline__ real raised(real n, real power) {
    return power == real(0.5) ? sqrt(n) : pow(n, power);
}

STEP(ftrl, real rate, real power, real l1, real twice_l2, real twice_shrinkage, real beta,
     real* __restrict__ accumulator, real* __restrict__ linear) {
    each_element(
        size,
        [=](real& w, real g, real& n, real& z) {
            w *= value_factor;
            g *= gradient_factor;
            real before = raised(n, power);
            n += g * g;
            real after = raised(n, power);
            z += g + w * twice_shrinkage - (after - before) / rate * w;
            w = (clipped(z, -l1, l1) - z) / ((after + beta) / rate + twice_l2);
        },
        Slot{values}, Read<real>{gradients}, Slot{accumulator}, Slot{linear});
}

// The shares are 1 - β₁ and 1 - β₂.
STEP(lion, real rate, real beta_1, real share_1, real beta_2, real share_2,
     real* __restrict__ momentum) {
    each_element(
        size,
        [=](real& w, real g, real& m) {
            g *= gradient_factor;
            // The sign of β₁ m + (1 - β₁) g by a comparison: in a sum one product would be left
            // unrounded (a fused multiply-add), so that equal ones would not give 0.
            real kept = m * beta_1, opposed = -(g * share_1);
            real step = kept > opposed ? rate : kept < opposed ? -rate : 0 * kept + 0 * opposed;
            w = w * value_factor - step;
            m = m * beta_2 + g * share_2;
        },
        Slot{values}, Read<real>{gradients}, Slot{momentum});
}
