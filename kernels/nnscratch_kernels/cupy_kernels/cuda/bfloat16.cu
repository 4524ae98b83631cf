// bfloat16, the upper half of a float32, from and to the bits of one: `numpy_kernels.bfloat16`.

// To the nearest, halves to the even one; NaN stays a NaN, with its sign and upper bits.
extern "C" __global__ void to_bfloat16(
    long long size, unsigned short* __restrict__ rounded, const unsigned int* __restrict__ floats) {
    each_element(
        size,
        [=](unsigned int bits, unsigned short& nearest) {
            unsigned int upper = bits >> 16;
            bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
            nearest = is_nan ? upper | 0x40u : (bits + 0x7fffu + (upper & 1u)) >> 16;
        },
        Read<unsigned int>{floats}, Written<unsigned short>{rounded});
}

extern "C" __global__ void from_bfloat16(
    long long size, unsigned int* __restrict__ floats, const unsigned short* __restrict__ numbers) {
    each_element(
        size, [=](unsigned short upper, unsigned int& bits) { bits = (unsigned int)upper << 16; },
        Read<unsigned short>{numbers}, Written<unsigned int>{floats});
}
