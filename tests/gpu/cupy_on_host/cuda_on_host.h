// CUDA C++ as NVRTC knows it, for a C++ compiler of the host: what stands before a kernel's source.
//
// Like NVRTC it includes no header, so INFINITY, int64_t and std:: are unknown here too, and maths
// functions have one overload for float and one for double: exp(1) is refused in both. How threads
// run is in cuda_on_host.cpp. Names and meanings: CUDA C++ Programming Guide, "C++ Language
// Extensions"; CUDA Math API.

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
// Static and in one section: the runtime fills it with garbage before each block.
#define __shared__ static __attribute__((section("cuda_shared")))

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

struct uint3 {
    unsigned int x, y, z;
};

struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};

// The runtime: the thread at hand, and the places where it waits for others.
extern "C" {
extern const uint3 threadIdx, blockIdx;
extern const dim3 blockDim, gridDim;
void cuda_block_wait(const char* function, int line);
const unsigned long long* cuda_warp_exchange(
    const char* function, int line, unsigned int mask, unsigned long long value);
}

namespace {

const int warpSize = 32;

// ---- Vectors ------------------------------------------------------------------------------------

#define CUDA_VECTORS(type, name, two, four)                                                       \
    struct alignas(two) name##2 {                                                                 \
        type x, y;                                                                                \
    };                                                                                            \
    struct alignas(four) name##4 {                                                                \
        type x, y, z, w;                                                                          \
    };                                                                                            \
    inline name##2 make_##name##2(type x, type y) { return {x, y}; }                              \
    inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
CUDA_VECTORS(unsigned char, uchar, 2, 4)
CUDA_VECTORS(unsigned short, ushort, 4, 8)
CUDA_VECTORS(int, int, 8, 16)
CUDA_VECTORS(unsigned int, uint, 8, 16)
CUDA_VECTORS(float, float, 8, 16)
CUDA_VECTORS(long long, longlong, 16, 16)
CUDA_VECTORS(unsigned long long, ulonglong, 16, 16)
CUDA_VECTORS(double, double, 16, 16)

// ---- Bits ---------------------------------------------------------------------------------------

template <typename To, typename From>
inline To cuda_same_bits(From value) {
    static_assert(sizeof(To) >= sizeof(From), "bits would be lost");
    To result = To();
    __builtin_memcpy(&result, &value, sizeof(From));
    return result;
}

inline int __float_as_int(float x) { return cuda_same_bits<int>(x); }
inline unsigned int __float_as_uint(float x) { return cuda_same_bits<unsigned int>(x); }
inline float __int_as_float(int x) { return cuda_same_bits<float>(x); }
inline float __uint_as_float(unsigned int x) { return cuda_same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return cuda_same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return cuda_same_bits<double>(x); }

inline int __popc(unsigned int x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned int __umulhi(unsigned int a, unsigned int b) {
    return (unsigned int)((unsigned long long)a * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

// ---- Memory: caches make no difference here -----------------------------------------------------

template <typename T>
inline T __ldg(const T* address) { return *address; }
template <typename T>
inline T __ldcs(const T* address) { return *address; }
template <typename T>
inline void __stcs(T* address, T value) { *address = value; }
inline void __threadfence() {}

// ---- Maths --------------------------------------------------------------------------------------

#define CUDA_MATHS_1(name)                                                                        \
    inline float name##f(float x) { return __builtin_##name##f(x); }                              \
    inline float name(float x) { return __builtin_##name##f(x); }                                 \
    inline double name(double x) { return __builtin_##name(x); }
#define CUDA_MATHS_2(name)                                                                        \
    inline float name##f(float x, float y) { return __builtin_##name##f(x, y); }                  \
    inline float name(float x, float y) { return __builtin_##name##f(x, y); }                     \
    inline double name(double x, double y) { return __builtin_##name(x, y); }
#define CUDA_PREDICATE(name)                                                                      \
    inline bool name(float x) { return __builtin_##name(x); }                                     \
    inline bool name(double x) { return __builtin_##name(x); }

CUDA_MATHS_1(acos) CUDA_MATHS_1(acosh) CUDA_MATHS_1(asin) CUDA_MATHS_1(asinh)
CUDA_MATHS_1(atan) CUDA_MATHS_1(atanh) CUDA_MATHS_1(cbrt) CUDA_MATHS_1(ceil)
CUDA_MATHS_1(cos) CUDA_MATHS_1(cosh) CUDA_MATHS_1(erf) CUDA_MATHS_1(erfc)
CUDA_MATHS_1(exp) CUDA_MATHS_1(exp10) CUDA_MATHS_1(exp2) CUDA_MATHS_1(expm1)
CUDA_MATHS_1(fabs) CUDA_MATHS_1(floor) CUDA_MATHS_1(lgamma) CUDA_MATHS_1(log)
CUDA_MATHS_1(log10) CUDA_MATHS_1(log1p) CUDA_MATHS_1(log2) CUDA_MATHS_1(nearbyint)
CUDA_MATHS_1(rint) CUDA_MATHS_1(round) CUDA_MATHS_1(sin) CUDA_MATHS_1(sinh)
CUDA_MATHS_1(sqrt) CUDA_MATHS_1(tan) CUDA_MATHS_1(tanh) CUDA_MATHS_1(tgamma)
CUDA_MATHS_1(trunc)
CUDA_MATHS_2(atan2) CUDA_MATHS_2(copysign) CUDA_MATHS_2(fdim) CUDA_MATHS_2(fmax)
CUDA_MATHS_2(fmin) CUDA_MATHS_2(fmod) CUDA_MATHS_2(hypot) CUDA_MATHS_2(nextafter)
CUDA_MATHS_2(pow) CUDA_MATHS_2(remainder)
CUDA_PREDICATE(isfinite) CUDA_PREDICATE(isinf) CUDA_PREDICATE(isnan) CUDA_PREDICATE(signbit)

inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
// Never fused with what is added to them.
inline float __fmul_rn(float x, float y) { volatile float product = x * y; return product; }
inline double __dmul_rn(double x, double y) { volatile double product = x * y; return product; }
inline float ldexpf(float x, int n) { return __builtin_ldexpf(x, n); }
inline float ldexp(float x, int n) { return __builtin_ldexpf(x, n); }
inline double ldexp(double x, int n) { return __builtin_ldexp(x, n); }
inline float pow(float x, int n) { return __builtin_powf(x, (float)n); }
inline double pow(double x, int n) { return __builtin_pow(x, n); }
inline double normcdf(double x) { return 0.5 * erfc(-0.7071067811865476 * x); }
inline float normcdff(float x) { return (float)normcdf((double)x); }
inline float normcdf(float x) { return normcdff(x); }
inline void sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline void sincos(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline void sincos(double x, double* s, double* c) { *s = sin(x), *c = cos(x); }

inline int abs(int x) { return __builtin_abs(x); }
inline long abs(long x) { return __builtin_labs(x); }
inline long long abs(long long x) { return __builtin_llabs(x); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }

#define CUDA_MIN_MAX(type, a_type, b_type)                                                        \
    inline type min(a_type a, b_type b) { return (type)a < (type)b ? (type)a : (type)b; }         \
    inline type max(a_type a, b_type b) { return (type)a > (type)b ? (type)a : (type)b; }
#define CUDA_MIN_MAX_INTEGERS(type)                                                               \
    CUDA_MIN_MAX(type, type, type)                                                                \
    CUDA_MIN_MAX(unsigned type, unsigned type, unsigned type)                                     \
    CUDA_MIN_MAX(unsigned type, type, unsigned type)                                              \
    CUDA_MIN_MAX(unsigned type, unsigned type, type)
CUDA_MIN_MAX_INTEGERS(int) CUDA_MIN_MAX_INTEGERS(long) CUDA_MIN_MAX_INTEGERS(long long)
// Of NaN and a number they give the number.
inline float min(float a, float b) { return __builtin_fminf(a, b); }
inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
inline double min(double a, double b) { return __builtin_fmin(a, b); }
inline double max(double a, double b) { return __builtin_fmax(a, b); }
inline double min(float a, double b) { return __builtin_fmin(a, b); }
inline double max(float a, double b) { return __builtin_fmax(a, b); }
inline double min(double a, float b) { return __builtin_fmin(a, b); }
inline double max(double a, float b) { return __builtin_fmax(a, b); }

// ---- Atomics: threads take turns, so plain reads and writes are atomic --------------------------

#define CUDA_ATOMIC(name, type, ...)                                                              \
    inline type name(type* address, type value) {                                                 \
        type old = *address;                                                                      \
        *address = __VA_ARGS__;                                                                   \
        return old;                                                                               \
    }
#define CUDA_ATOMIC_CAS(type)                                                                     \
    inline type atomicCAS(type* address, type expected, type value) {                             \
        type old = *address;                                                                      \
        if (old == expected) *address = value;                                                    \
        return old;                                                                               \
    }
#define CUDA_ATOMICS_OF_BITS(type)                                                                \
    CUDA_ATOMIC(atomicMin, type, min(old, value))                                                 \
    CUDA_ATOMIC(atomicMax, type, max(old, value))                                                 \
    CUDA_ATOMIC(atomicAnd, type, old & value)                                                     \
    CUDA_ATOMIC(atomicOr, type, old | value)                                                      \
    CUDA_ATOMIC(atomicXor, type, old ^ value)
// Exactly the types that CUDA has: no atomicAdd on long long.
CUDA_ATOMICS_OF_BITS(int)
CUDA_ATOMICS_OF_BITS(unsigned int)
CUDA_ATOMICS_OF_BITS(long long)
CUDA_ATOMICS_OF_BITS(unsigned long long)
CUDA_ATOMIC(atomicAdd, int, (int)((unsigned int)old + (unsigned int)value))
CUDA_ATOMIC(atomicAdd, unsigned int, old + value)
CUDA_ATOMIC(atomicAdd, unsigned long long, old + value)
CUDA_ATOMIC(atomicAdd, float, old + value)
CUDA_ATOMIC(atomicAdd, double, old + value)
CUDA_ATOMIC(atomicSub, int, (int)((unsigned int)old - (unsigned int)value))
CUDA_ATOMIC(atomicSub, unsigned int, old - value)
CUDA_ATOMIC(atomicExch, int, value)
CUDA_ATOMIC(atomicExch, unsigned int, value)
CUDA_ATOMIC(atomicExch, unsigned long long, value)
CUDA_ATOMIC(atomicExch, float, value)
CUDA_ATOMIC_CAS(unsigned short)
CUDA_ATOMIC_CAS(int)
CUDA_ATOMIC_CAS(unsigned int)
CUDA_ATOMIC_CAS(unsigned long long)

// ---- Threads together ---------------------------------------------------------------------------

inline void __syncthreads(int line = __builtin_LINE()) { cuda_block_wait("__syncthreads", line); }

inline void __syncwarp(unsigned int mask = 0xffffffffu, int line = __builtin_LINE()) {
    cuda_warp_exchange("__syncwarp", line, mask, 0);
}

// The lane that each shuffle reads: PTX ISA, "shfl.sync". `segment` is the first lane of a group of
// `width` lanes.
inline int cuda_lane() {
    unsigned int row = threadIdx.y + blockDim.y * threadIdx.z;
    return (int)((threadIdx.x + blockDim.x * row) % 32);
}
inline int cuda_source(int lane, int segment, int width, int from) {
    return segment + (from & (width - 1));
}
inline int cuda_source_up(int lane, int segment, int width, unsigned int distance) {
    return lane - (int)distance < segment ? lane : lane - (int)distance;
}
inline int cuda_source_down(int lane, int segment, int width, unsigned int distance) {
    return lane + (int)distance >= segment + width ? lane : lane + (int)distance;
}
inline int cuda_source_xor(int lane, int segment, int width, int bits) {
    return (lane ^ bits) >= segment + width ? lane : lane ^ bits;
}

#define CUDA_SHUFFLE(name, source, by, type)                                                      \
    inline type name(unsigned int mask, type value, by which, int width = 32,                     \
                     int line = __builtin_LINE()) {                                               \
        const unsigned long long* of_lanes = cuda_warp_exchange(                                  \
            #name, line, mask, cuda_same_bits<unsigned long long>(value));                        \
        int lane = cuda_lane(), segment = lane & ~(width - 1);                                    \
        type result;                                                                              \
        __builtin_memcpy(&result, of_lanes + source(lane, segment, width, which), sizeof(type));  \
        return result;                                                                            \
    }
#define CUDA_SHUFFLES(type)                                                                       \
    CUDA_SHUFFLE(__shfl_sync, cuda_source, int, type)                                             \
    CUDA_SHUFFLE(__shfl_up_sync, cuda_source_up, unsigned int, type)                              \
    CUDA_SHUFFLE(__shfl_down_sync, cuda_source_down, unsigned int, type)                          \
    CUDA_SHUFFLE(__shfl_xor_sync, cuda_source_xor, int, type)
CUDA_SHUFFLES(int)
CUDA_SHUFFLES(unsigned int)
CUDA_SHUFFLES(long)
CUDA_SHUFFLES(unsigned long)
CUDA_SHUFFLES(long long)
CUDA_SHUFFLES(unsigned long long)
CUDA_SHUFFLES(float)
CUDA_SHUFFLES(double)

inline unsigned int cuda_vote(const char* function, int line, unsigned int mask, bool vote) {
    const unsigned long long* votes = cuda_warp_exchange(function, line, mask, vote);
    unsigned int result = 0;
    for (int lane = 0; lane < 32; ++lane) result |= (unsigned int)votes[lane] << lane;
    return result;
}
inline unsigned int __ballot_sync(unsigned int mask, int vote, int line = __builtin_LINE()) {
    return cuda_vote("__ballot_sync", line, mask, vote);
}
inline int __any_sync(unsigned int mask, int vote, int line = __builtin_LINE()) {
    return cuda_vote("__any_sync", line, mask, vote) != 0;
}
inline int __all_sync(unsigned int mask, int vote, int line = __builtin_LINE()) {
    return cuda_vote("__all_sync", line, mask, vote) == mask;
}

}  // namespace

// ---- What the launcher learns of each kernel ----------------------------------------------------

namespace cuda_on_host {

// `kind` is NumPy's letter for a kind of number, or V for anything else.
struct Parameter {
    int is_pointer, is_constant, size, alignment;
    char kind;
};

struct Kernel {
    const char* name;
    void (*run)(void** arguments);
    long long most_threads;
    int count;
    const Parameter* parameters;
};

template <typename T>
struct Number {
    static const char kind = 'V';
    static const int size = sizeof(T);
};
template <>
struct Number<void> {
    static const char kind = 'V';
    static const int size = 1;
};
#define CUDA_NUMBER(type, letter, element)                                                        \
    template <>                                                                                   \
    struct Number<type> {                                                                         \
        static const char kind = letter;                                                          \
        static const int size = sizeof(element);                                                  \
    };
CUDA_NUMBER(bool, 'b', bool)
CUDA_NUMBER(char, 'i', char)
CUDA_NUMBER(signed char, 'i', char)
CUDA_NUMBER(unsigned char, 'u', char)
CUDA_NUMBER(short, 'i', short)
CUDA_NUMBER(unsigned short, 'u', short)
CUDA_NUMBER(int, 'i', int)
CUDA_NUMBER(unsigned int, 'u', int)
CUDA_NUMBER(long, 'i', long)
CUDA_NUMBER(unsigned long, 'u', long)
CUDA_NUMBER(long long, 'i', long long)
CUDA_NUMBER(unsigned long long, 'u', long long)
CUDA_NUMBER(float, 'f', float)
CUDA_NUMBER(double, 'f', double)
CUDA_NUMBER(int2, 'i', int)
CUDA_NUMBER(int4, 'i', int)
CUDA_NUMBER(uint2, 'u', int)
CUDA_NUMBER(uint4, 'u', int)
CUDA_NUMBER(float2, 'f', float)
CUDA_NUMBER(float4, 'f', float)
CUDA_NUMBER(double2, 'f', double)

template <typename T>
struct Describe {
    static constexpr Parameter parameter{0, 1, Number<T>::size, alignof(T), Number<T>::kind};
};
template <typename T>
struct Describe<T*> {
    static constexpr Parameter parameter{1, 0, Number<T>::size, alignof(T), Number<T>::kind};
};
template <typename T>
struct Describe<const T*> {
    static constexpr Parameter parameter{1, 1, Number<T>::size, alignof(T), Number<T>::kind};
};

template <typename... P>
struct Parameters {
    static constexpr Parameter list[] = {Describe<P>::parameter..., {}};
    static constexpr int count = sizeof...(P);
};

template <typename... P>
constexpr Parameters<P...> parameters_of(void (*)(P...)) {
    return {};
}

template <int... I>
struct Indices {};

template <typename... P, int... I>
__forceinline__ void call(void (*kernel)(P...), void** arguments, Indices<I...>) {
    kernel(*static_cast<P*>(arguments[I])...);
}

template <typename... P>
__forceinline__ void call(void (*kernel)(P...), void** arguments) {
    call(kernel, arguments, Indices<__integer_pack(sizeof...(P))...>());
}

}  // namespace cuda_on_host

// The section exists in every module, so that its bounds do.
extern "C" {
__shared__ __attribute__((used)) char cuda_shared_anchor[16];
extern char __start_cuda_shared[] __attribute__((visibility("hidden")));
extern char __stop_cuda_shared[] __attribute__((visibility("hidden")));
__attribute__((visibility("default")))
char* cuda_shared_memory[] = {__start_cuda_shared, __stop_cuda_shared};
}
