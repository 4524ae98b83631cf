"""The laboratory: how fast each kernel is, how near to this machine's limits, and beside whom.

`nnscratch bench` measures, `nnscratch tune` finds the sizes from which Numba is faster, `nnscratch
warmup` compiles in advance. Nothing here is imported by the kernels or by a network that trains.
"""
