"""Trains from a memory-mapped file: what `memmap.py` starts and watches.

python benchmarks/memmap_program.py FOLDER BATCH_SIZE VALIDATION_SPLIT

It prints its peak of resident memory before the data were opened and at its end, in KiB.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from nnscratch.layers import Dense
from nnscratch.models import Sequential


def peak() -> int:
    """The most memory that was ever resident, in KiB: pages of files count as well as its own."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """One epoch, in a new order."""
    folder, batch_size, held_out = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(peak())
    x = np.load(folder / "x.npy", mmap_mode="r")
    y = np.load(folder / "y.npy", mmap_mode="r")
    model = Sequential([Dense(64, activation="relu"), Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, batch_size=batch_size, validation_split=held_out, verbose=0)
    print(peak())


if __name__ == "__main__":
    main()
