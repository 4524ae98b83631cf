"""The instrument itself: what runs CUDA kernels on the host computes, and finds, what it should."""

from __future__ import annotations

import math
import platform
from typing import Any

import numpy as np
import pytest

from tests.gpu import cupy_on_host as cupy
from tests.gpu.cupy_on_host import cuda_compiler, raw

pytestmark = pytest.mark.skipif(
    raw.compiler() is None, reason="kernels run on the host only on Linux and with g++"
)

FUSES = platform.machine() == "aarch64" or cuda_compiler.fused_operations()

TILED_MATMUL = """
#define TILE 8
extern "C" __global__ void __launch_bounds__((TILE) * (TILE)) tiled_matmul(
    int m, int n, int k, const float* __restrict__ a, const float* b, float* __restrict__ c) {
    __shared__ float of_a[TILE][TILE], of_b[TILE][TILE + 1];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0;
    for (int first = 0; first < k; first += TILE) {
        int at_a = first + threadIdx.x, at_b = first + threadIdx.y;
        of_a[threadIdx.y][threadIdx.x] = row < m && at_a < k ? a[row * k + at_a] : 0.f;
        of_b[threadIdx.y][threadIdx.x] = at_b < k && column < n ? b[at_b * n + column] : 0.f;
        __syncthreads();  // filled
        for (int i = 0; i < TILE; ++i) sum += of_a[threadIdx.y][i] * of_b[i][threadIdx.x];
        __syncthreads();  // read
    }
    if (row < m && column < n) c[row * n + column] = sum;
}
"""


@pytest.fixture(autouse=True)
def same_orders():
    raw.restart_orders()


def kernel(parameters: str, body: str) -> raw.RawKernel:
    code = f'extern "C" __global__ void subject({parameters}) {{\n{body}\n}}\n'
    return raw.RawModule(code=code).get_function("subject")


def device(*values: Any, dtype: Any = np.float32) -> Any:
    return cupy.asarray(np.array(values, dtype))


# ---- It computes what a GPU would ----------------------------------------------------------------


def test_a_block_sums_with_shuffles_and_shared_memory():
    sums = kernel(
        "int n, const double* x, double* y",
        """__shared__ double of_warps[32];
        double sum = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
        for (int distance = 16; distance; distance /= 2)
            sum += __shfl_xor_sync(0xffffffff, sum, distance);
        if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = sum;
        __syncthreads();
        if (threadIdx.x) return;
        for (int warp = 1; warp < blockDim.x / 32; ++warp) sum += of_warps[warp];
        y[blockIdx.x] = sum;""",
    )
    x = np.random.default_rng(0).normal(size=(37, 501))
    y = cupy.zeros(37)
    sums((37,), (128,), (np.int32(501), cupy.asarray(x), y))
    np.testing.assert_allclose(y.get(), x.sum(axis=1), rtol=1e-12, atol=1e-12)


def tiled_matmul(code: str) -> tuple[Any, Any]:
    """A product of the kernel in `code`, and NumPy's."""
    m, n, k = 19, 13, 21
    random = np.random.default_rng(0)
    a, b = random.normal(size=(m, k)).astype("f"), random.normal(size=(k, n)).astype("f")
    c = cupy.zeros((m, n), np.float32)
    multiply = raw.RawModule(code=code).get_function("tiled_matmul")
    sizes = np.int32(m), np.int32(n), np.int32(k)
    multiply((2, 3), (8, 8), (*sizes, cupy.asarray(a), cupy.asarray(b), c))
    return c.get(), a @ b


def test_tiles_in_two_dimensions():
    np.testing.assert_allclose(*tiled_matmul(TILED_MATMUL), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("comment", ["// filled", "// read"])
def test_a_forgotten_barrier_shows(comment: str):
    result, expected = tiled_matmul(TILED_MATMUL.replace(f"__syncthreads();  {comment}", ""))
    assert not np.allclose(result, expected)


def test_every_shuffle_and_vote_reads_the_lane_that_cuda_says():
    run = kernel(
        "int* y",
        """int lane = threadIdx.x + 8 * threadIdx.y;
        y[lane] = __shfl_sync(0xffffffff, lane, 9, 8);
        y[32 + lane] = __shfl_up_sync(0xffffffff, lane, 3, 8);
        y[64 + lane] = __shfl_down_sync(0xffffffff, lane, 3, 8);
        y[96 + lane] = __shfl_xor_sync(0xffffffff, lane, 12, 8);
        y[128 + lane] = __ballot_sync(0xffffffff, lane % 3 == 0);
        y[160 + lane] = 2 * __any_sync(0xffffffff, lane == 7) + __all_sync(0xffffffff, lane);""",
    )
    y = cupy.zeros((6, 32), np.int32)
    run((1,), (8, 4), (y,))
    lane = np.arange(32)
    votes = sum(1 << int(at) for at in lane[::3])
    expected = [
        lane // 8 * 8 + 1,
        np.where(lane % 8 < 3, lane, lane - 3),
        np.where(lane % 8 > 4, lane, lane + 3),
        np.where(lane % 16 < 8, lane, lane ^ 12),  # only lanes of earlier groups can be read
        np.full(32, votes),
        np.full(32, 2),
    ]
    np.testing.assert_array_equal(y.get().astype(np.uint32), np.array(expected, np.uint32))


@pytest.mark.parametrize(("c_type", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_maths_is_overloaded_for_float_and_double(c_type: str, dtype: Any):
    names = ["exp", "log", "log1p", "expm1", "tanh", "erf", "sqrt", "rsqrt", "rint", "fabs"]
    reference = {"erf": math.erf, "rsqrt": lambda x: x**-0.5}
    calls = "".join(
        f"y[{i}] = {name}(x); size[{i}] = sizeof({name}(x));" for i, name in enumerate(names)
    )
    y, size = cupy.zeros(len(names), dtype), cupy.zeros(len(names), np.int32)
    kernel(f"{c_type} x, {c_type}* y, int* size", calls)((1,), (1,), (dtype(0.3), y, size))
    x = float(dtype(0.3))
    expected = [reference.get(name, getattr(np, name, None))(x) for name in names]
    np.testing.assert_allclose(y.get(), expected, rtol=4 * np.finfo(dtype).eps)
    assert set(size.get()) == {np.dtype(dtype).itemsize}


def test_subnormal_numbers_are_zero_in_single_precision_alone():
    """As CuPy compiles: in operands, results and comparisons, but not where bits are copied."""
    body = "y[0] = x[0]; y[1] = x[0] * 2; y[2] = x[0] > 0; y[3] = x[1] / 4 == 0;"
    for c_type, dtype in (("float", np.float32), ("double", np.float64)):
        tiny = np.finfo(dtype)
        x = np.array([tiny.smallest_subnormal, tiny.smallest_normal], dtype)
        y = cupy.zeros(4, dtype)
        kernel(f"const {c_type}* x, {c_type}* y", body)((1,), (1,), (cupy.asarray(x), y))
        flushed, exact = [x[0], 0, 0, 1], [x[0], 2 * x[0], 1, 0]
        np.testing.assert_array_equal(y.get(), flushed if dtype == np.float32 else exact)
    assert x[0] * 2 > 0  # the host counts as usual again


@pytest.mark.skipif(not FUSES, reason="this processor has no fused multiply-add")
def test_products_are_fused_with_sums_unless_they_are_rounded():
    """As CUDA's compiler does it: what relies on x·y - x·y being 0 must not pass here."""
    third = np.float32(1 / 3)
    for product, is_zero in (("x * x", False), ("__fmul_rn(x, x)", True)):
        y = cupy.zeros(1, np.float32)
        difference = kernel("float x, float rounded, float* y", f"*y = {product} - rounded;")
        difference((1,), (1,), (third, third * third, y))
        assert (y.get()[0] == 0) == is_zero


def test_atomics_lose_nothing():
    count = kernel("const int* x, int* y", "atomicAdd(y + x[threadIdx.x + 64 * blockIdx.x], 1);")
    x = np.random.default_rng(0).integers(0, 5, 640).astype(np.int32)
    y = cupy.zeros(5, np.int32)
    count((10,), (64,), (cupy.asarray(x), y))
    np.testing.assert_array_equal(y.get(), np.bincount(x))


def test_kernels_that_macros_write_and_names_of_the_c_library():
    code = """#define KERNEL(name, value) extern "C" __global__ void name(REAL* y) { *y = value; }
    KERNEL(select, 3)
    KERNEL(signal, 4)"""
    y = device(0)
    raw.RawModule(code=code, options=("-DREAL=float",)).get_function("signal")((1,), (1,), (y,))
    assert y.get() == [4]


# ---- It finds what a GPU would let pass ----------------------------------------------------------


def test_blocks_and_threads_take_turns_in_an_order_that_changes():
    note = kernel("int* n, int* turns", "turns[atomicAdd(n, 1)] = threadIdx.x + 4 * blockIdx.x;")
    orders = []
    for _ in range(2):
        turns = cupy.zeros(40, np.int32)
        note((10,), (4,), (device(0, dtype=np.int32), turns))
        orders.append(turns.get())
    for order in orders:
        blocks, threads = order[::4] // 4, order[:4] % 4
        np.testing.assert_array_equal(np.sort(order), np.arange(40))
        assert (np.diff(blocks) < 0).any()
        assert (np.diff(threads) < 0).any()
    assert (orders[0] != orders[1]).any()


def test_shared_memory_holds_garbage_before_each_block():
    read = kernel(
        "int* y",
        "__shared__ int cell; y[blockIdx.x] = cell; __syncthreads(); cell = 5; __syncthreads();",
    )
    y = cupy.zeros(16, np.int32)
    read((16,), (32,), (y,))
    assert set(y.get()) <= {-1, 0x7F7F7F7F}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("if (threadIdx.x < 7) __syncthreads();", "thread (7, 0, 0) has returned"),
        (
            "if (threadIdx.x < 7)\n__syncthreads();\nelse\n__syncthreads();",
            "__syncthreads in line",
        ),
        ("if (threadIdx.x == 9) return; __syncwarp();", "thread (9, 0, 0) has returned"),
        (
            "if (threadIdx.x < 32) __any_sync(0xffffffff, 1); __syncthreads();",
            "threads are no multiple of 32",
        ),
        (
            "if (threadIdx.x % 2) __shfl_sync(0xffffffff, 1, 0); else __syncwarp();",
            "is for all 32 lanes of the warp",
        ),
        ("__shfl_sync(0xffff, 1, 0);", "mask 0xffff"),
    ],
)
def test_threads_that_do_not_meet_are_named(body: str, complaint: str):
    threads = 31 if "multiple" in complaint else 64
    run, y = kernel("float* y", f"y[0] = 5;\n{body}"), device(1)
    for _ in range(20):  # more threads left behind than there can be
        with pytest.raises(raw.KernelError) as error:
            run((3,), (threads,), (y,))
    assert complaint in str(error.value)
    assert "Kernel 'subject', block (" in str(error.value)
    assert y.get() == [1]  # nothing of a failed launch arrives
    kernel("float* y", "__syncthreads(); y[0] = 2;")((1,), (64,), (y,))  # and the next one runs
    assert y.get() == [2]


@pytest.mark.parametrize("size", [1, 3, 4, 1000, 5000])
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("y[n] = 1;", "0 bytes after the end of 'y'"),
        ("y[n + 5] = 1;", "20 bytes after the end of 'y'"),
        ("y[-1] = 1;", "4 bytes before the begin of 'y'"),
        ("y[0] = y[n + 5];", "20 bytes after the end of 'y'"),
        ("y[-8000000] = 1;", "32000000 bytes before the begin of 'y'"),
    ],
)
def test_addresses_outside_of_arrays_are_named(size: int, body: str, complaint: str):
    around = cupy.zeros(size + 2, np.float32)
    with pytest.raises(raw.KernelError, match=complaint):
        kernel("int n, float* y", body)((1,), (1,), (np.int32(size), around[1:-1]))
    assert not around.get().any()


def test_a_read_just_outside_gives_nan_or_is_named():
    y = device(1, 2, 3)
    kernel("float* y", "y[0] = y[3];")((1,), (1,), (y,))
    assert np.isnan(y.get()[0])


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("__shared__ float s[32]; s[threadIdx.x + 1] = 1; y[0] = s[3];", "index outside"),
        ("float s[2]; s[(int)y[0] + 1] = 1; y[0] = s[0];", "index outside"),
        ("y[0] = 1 / ((int)y[0] - 1);", "divides an integer by zero"),
        ("y[0] = 2147483647 + (int)y[0];", "overflows a signed integer"),
        ("*(float4*)(y + 1) = make_float4(0, 0, 0, 0);", "wrong alignment"),
        ("*(float*)0 = 1;", "far from every array"),
        (
            "float s[90000]; for (int i = 0; i < 90000; ++i) s[i] = y[0]; y[0] = s[(int)y[0]];",
            "256 KB",
        ),
    ],
)
def test_undefined_behaviour_is_named(body: str, complaint: str):
    with pytest.raises(raw.KernelError, match=complaint):
        kernel("float* y", body)((1,), (32,), (device(*[1] * 8),))


FITTING = (np.int64(1), np.float32(2), device(1, 2))


@pytest.mark.parametrize(
    ("place", "argument", "complaint"),
    [
        (0, np.int32(1), "'long long n' takes dtype int64, not numpy.int32"),
        (0, np.uint64(1), "'long long n' takes dtype int64"),
        (0, 1.0, "'long long n' takes dtype int64, not numpy.float64"),
        (0, device(1, dtype=np.int64), "'long long n' takes a NumPy scalar"),
        (1, 2.0, r"'float a' takes dtype float32, not numpy.float64"),
        (1, 2, "'float a' takes dtype float32, not numpy.int64"),
        (2, device(1, dtype=np.float64), r"'float\* y' takes an array of dtype float32"),
        (2, np.ones(2, np.float32), r"'float\* y' takes an array of the GPU, not numpy.ndarray"),
        (2, 12345, r"'float\* y' takes an array of the GPU, not 12345"),
        (2, None, r"'float\* y' takes an array of the GPU, not None"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(place: int, argument: Any, complaint: str):
    run = kernel("long long n, float a, float* y", "y[n] = a;")
    run((1,), (1,), FITTING)
    arguments = [*FITTING[:place], argument, *FITTING[place + 1 :]]
    with pytest.raises(TypeError, match=complaint):
        run((1,), (1,), tuple(arguments))


def test_more_arguments_grids_and_blocks_that_are_refused():
    code = 'extern "C" __global__ void __launch_bounds__(64) subject(float* y) { y[0] = 1; }'
    run = raw.RawModule(code=code).get_function("subject")
    y = cupy.zeros((4, 4), np.float32)
    with pytest.raises(TypeError, match="takes 1 arguments"):
        run((1,), (1,), (y, y))
    with pytest.raises(ValueError, match="not C-contiguous"):
        run((1,), (1,), (y.T[1:],))
    vectors = kernel("float4* y", "y[0] = make_float4(1, 2, 3, 4);")
    vectors((1,), (1,), (y,))
    with pytest.raises(ValueError, match="begin at a multiple of 16 bytes"):
        vectors((1,), (1,), (y.ravel()[1:],))
    with pytest.raises(ValueError, match="a grid has from 1"):
        run((0,), (1,), (y,))
    with pytest.raises(ValueError, match="at most 64 threads in a block, not 65"):
        run((1,), (65,), (y,))
    with pytest.raises(ValueError, match="at most 256 threads in a block, not 257"):
        vectors((1,), (257,), (y,))  # declares no bounds


def test_arrays_that_overlap_stay_so():
    both = cupy.asarray(np.arange(6, dtype=np.float32))
    shift = "for (int i = 0; i < 4; ++i) y[i] = x[i];"
    kernel("const float* x, float* y", shift)((1,), (1,), (both[:4], both[2:]))
    assert both.get().tolist() == [0, 1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="'x' and 'y' share memory, but both are"):
        kernel("const float* __restrict__ x, float* __restrict__ y", shift)(
            (1,), (1,), (both[:4], both[2:])
        )


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [("*y = INFINITY;", "INFINITY"), ("*y = exp(1);", "ambiguous"), ("int64_t n = 1;", "int64_t")],
)
def test_what_nvrtc_does_not_know_does_not_compile(statement: str, complaint: str):
    with pytest.raises(raw.CompileError, match=complaint):
        kernel("float* y", statement)
