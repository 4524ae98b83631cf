"""Kernels: arrays in, arrays out.

They know nothing of tensors, gradients or layers. `numpy_kernels` is the complete and readable
reference; `numba_kernels` has what Numba makes faster on the CPU, `cupy_kernels` what runs on a
GPU; `auto` has every kernel, and chooses between them from call to call, as `which` explains and
`backend` overrules.
"""

from nnscratch_kernels.devices import device
from nnscratch_kernels.dispatch import Choice, backend, which
from nnscratch_kernels.threads import set_thread_count, thread_count

__all__ = ["Choice", "backend", "device", "set_thread_count", "thread_count", "which"]
