"""Kernels: arrays in, arrays out.

They know nothing of tensors, gradients or layers. Every kernel has a complete and readable
reference in plain NumPy, which also runs on CuPy arrays.
"""
