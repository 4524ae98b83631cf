"""Small helpers under Keras's names."""

from __future__ import annotations

import random as python_random

import numpy as np

from nnscratch import random


def set_random_seed(seed: int) -> None:
    """Fix Python's, NumPy's and nnscratch's random numbers, as `keras.utils.set_random_seed`."""
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 # the user's own np.random calls draw from it
    random.seed(seed)
