"""The same computation again and again, each time a little faster: to be read from top to bottom.

`matmul` goes from three loops in Python to what BLAS reaches, `softmax` from three passes over
memory to one running pair. `examples/kernel_ladder.py` measures the rungs and draws them.
"""
