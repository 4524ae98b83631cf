// The ladder of the matrix product, c = a b, up to what the threads' own registers give.
// The grid has a block for each tile of c; gpu_matmul.py tells what each rung changes.

constexpr int SIDE = 32;  // of a tile with one thread for each number

extern "C" __global__ void __launch_bounds__(SIDE * SIDE) naive(
    long long rows, long long inner, long long columns,
    const real* __restrict__ a, const real* __restrict__ b, real* __restrict__ c) {
    const long long i = (long long)blockIdx.x * SIDE + threadIdx.x;
    const long long j = (long long)blockIdx.y * SIDE + threadIdx.y;
    if (i >= rows || j >= columns) return;
    real total = 0;
    for (long long k = 0; k < inner; ++k) total += a[i * inner + k] * b[k * columns + j];
    c[i * columns + j] = total;
}

extern "C" __global__ void __launch_bounds__(SIDE * SIDE) coalesced(
    long long rows, long long inner, long long columns,
    const real* __restrict__ a, const real* __restrict__ b, real* __restrict__ c) {
    const long long i = (long long)blockIdx.x * SIDE + threadIdx.y;
    const long long j = (long long)blockIdx.y * SIDE + threadIdx.x;
    if (i >= rows || j >= columns) return;
    real total = 0;
    for (long long k = 0; k < inner; ++k) total += a[i * inner + k] * b[k * columns + j];
    c[i * columns + j] = total;
}

extern "C" __global__ void __launch_bounds__(SIDE * SIDE) shared_tiles(
    long long rows, long long inner, long long columns,
    const real* __restrict__ a, const real* __restrict__ b, real* __restrict__ c) {
    __shared__ real of_a[SIDE][SIDE], of_b[SIDE][SIDE];
    const int x = threadIdx.x, y = threadIdx.y;
    const long long i = (long long)blockIdx.x * SIDE + y, j = (long long)blockIdx.y * SIDE + x;
    real total = 0;
    for (long long start = 0; start < inner; start += SIDE) {
        of_a[y][x] = i < rows && start + x < inner ? a[i * inner + start + x] : real(0);
        of_b[y][x] = start + y < inner && j < columns ? b[(start + y) * columns + j] : real(0);
        __syncthreads();
        for (int k = 0; k < SIDE; ++k) total += of_a[y][k] * of_b[k][x];
        __syncthreads();  // before the next tiles are written over these
    }
    if (i < rows && j < columns) c[i * columns + j] = total;
}

constexpr int TILE = 128, DEPTH = 8, EACH = 8;  // a thread has EACH × EACH numbers of a tile
constexpr int THREADS = TILE / EACH * (TILE / EACH);

// A row or column of a thread in its tile: two groups of four neighbours, which are read at once.
__device__ __forceinline__ int place(int thread, int m) {
    return m / 4 * (TILE / 2) + thread * 4 + m % 4;
}

extern "C" __global__ void __launch_bounds__(THREADS, sizeof(real) == 4 ? 2 : 1) register_tiles(
    long long rows, long long inner, long long columns,
    const real* __restrict__ a, const real* __restrict__ b, real* __restrict__ c) {
    alignas(16) __shared__ real of_a[DEPTH][TILE + 4];  // transposed
    alignas(16) __shared__ real of_b[DEPTH][TILE];
    const int x = threadIdx.x % (TILE / EACH), y = threadIdx.x / (TILE / EACH);
    const int i_of_a = threadIdx.x / DEPTH, k_of_a = threadIdx.x % DEPTH;
    const int k_of_b = threadIdx.x / TILE, j_of_b = threadIdx.x % TILE;
    const long long top = (long long)blockIdx.x * TILE, left = (long long)blockIdx.y * TILE;
    real total[EACH][EACH] = {};
    for (long long start = 0; start < inner; start += DEPTH) {
        for (int m = i_of_a; m < TILE; m += THREADS / DEPTH) {
            const long long i = top + m, k = start + k_of_a;
            of_a[k_of_a][m] = i < rows && k < inner ? a[i * inner + k] : real(0);
        }
        for (int m = k_of_b; m < DEPTH; m += THREADS / TILE) {
            const long long k = start + m, j = left + j_of_b;
            of_b[m][j_of_b] = k < inner && j < columns ? b[k * columns + j] : real(0);
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            real column[EACH], row[EACH];
            for (int m = 0; m < EACH; ++m) column[m] = of_a[k][place(y, m)];
            for (int n = 0; n < EACH; ++n) row[n] = of_b[k][place(x, n)];
            for (int m = 0; m < EACH; ++m)
                for (int n = 0; n < EACH; ++n) total[m][n] += column[m] * row[n];
        }
        __syncthreads();
    }
    for (int m = 0; m < EACH; ++m)
        for (int n = 0; n < EACH; ++n) {
            const long long i = top + place(y, m), j = left + place(x, n);
            if (i < rows && j < columns) c[i * columns + j] = total[m][n];
        }
}
