"""Convolutions and poolings around every edge, for NumPy's and Numba's tests."""

from __future__ import annotations

# Shape of the images, of the kernel, strides, padding, dilation.
CONVOLUTIONS = [
    ((2, 5, 6, 3), (3, 3, 3, 4), 1, "valid", 1),
    ((2, 5, 6, 3), (3, 3, 3, 4), 1, "same", 1),
    ((2, 6, 5, 3), (2, 4, 3, 5), 1, "same", 1),  # an even window: one side is padded more
    ((3, 7, 9, 2), (3, 2, 2, 3), (2, 3), "same", 1),
    ((3, 7, 9, 2), (3, 2, 2, 3), (2, 3), "valid", 1),
    ((2, 8, 9, 2), (3, 2, 2, 3), 1, "valid", (2, 3)),
    ((2, 8, 9, 2), (3, 2, 2, 3), 1, "same", (2, 3)),
    ((2, 9, 9, 2), (3, 3, 2, 3), 2, "same", 2),
    ((2, 9, 9, 2), (2, 2, 2, 3), 3, "valid", 1),  # pixels that no window sees
    ((2, 3, 3, 2), (5, 5, 2, 3), 2, "same", 1),  # a window larger than the image
    ((2, 4, 4, 5), (1, 1, 5, 7), 1, "valid", 1),
    ((1, 4, 5, 2), (1, 1, 2, 3), 2, "valid", 1),
    ((1, 1, 1, 1), (1, 1, 1, 1), 1, "valid", 1),
]

# Shape of the images, window, strides, padding.
POOLINGS = [
    ((2, 4, 6, 3), 2, None, "valid"),
    ((2, 5, 7, 3), 2, None, "valid"),  # pixels that no window sees
    ((2, 5, 7, 3), 2, None, "same"),
    ((2, 5, 7, 3), 3, 1, "same"),
    ((2, 5, 7, 3), (3, 2), (2, 3), "same"),
    ((2, 5, 7, 3), (3, 2), (1, 1), "valid"),
    ((2, 5, 4, 3), 1, 3, "valid"),
    ((1, 1, 1, 1), 2, 1, "same"),
]
