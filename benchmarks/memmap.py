"""Memory while a model trains from a memory-mapped file of 2 GiB: it should stay within 500 MiB.

python benchmarks/memmap.py

It writes the file, 784 random float32 a row, trains on it for one epoch in a new order, in a
process of its own for each way to cut it, and deletes the file. The process reports its peak of
resident memory as Linux counts it, pages of the file included; `own` and `of files` are the two
parts of it, each at its own peak, as seen from outside every few milliseconds.

Linux keeps what was written in pieces of up to 2 MiB, and may map all of one when a single row of
it is read: a batch of 1024 rows from all over the file can make all of the file resident.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np
from rich.table import Table
from rich.text import Text

from nnscratch_kernels.laboratory.paired import console

FEATURES = 784
ROWS = -(-(2**31) // (4 * FEATURES))  # the first number of rows that fills 2 GiB
CASES = ((32, 0.0), (1024, 0.0), (8192, 0.0), (1024, 0.1))  # batch size, share held out
AT_MOST = 500 * 1024  # KiB
INTERVAL = 0.005  # seconds between two looks at the process
SPARE = 2**30  # bytes that must stay free on the disk


@dataclass
class Memory:
    """What one training took, in KiB and seconds.

    Attributes:
        before: peak before the data were opened.
        peak: peak of it all.
        own: peak of the pages that are of no file.
        of_files: peak of the pages of files: the data's, and those of Python and NumPy.
        seconds: from start to end of the process.
    """

    before: int = 0
    peak: int = 0
    own: int = 0
    of_files: int = 0
    seconds: float = 0.0


def write(folder: Path) -> int:
    """Fill x.npy and y.npy piece by piece; gives the size of x in bytes.

    Raises:
        OSError: too little room on the disk.
    """
    needed, free = 4 * FEATURES * ROWS + SPARE, shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{folder} has {free / 2**30:.1f} GiB free and this needs {needed / 2**30:.1f}: set "
            f"TMPDIR to a folder on another disk."
        )
    generator = np.random.default_rng(0)
    np.save(folder / "y.npy", generator.integers(10, size=ROWS))
    piece = generator.random((8192, FEATURES), dtype=np.float32)
    description = np.lib.format.header_data_from_array_1_0(piece) | {"shape": (ROWS, FEATURES)}
    with (folder / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, description)
        for start in range(0, ROWS, len(piece)):
            file.write(piece[: ROWS - start].data)
        return file.tell()


def train(folder: Path, batch_size: int, held_out: float) -> Memory:
    """Run the program and watch its memory."""
    program = Path(__file__).with_name("memmap_program.py")
    command = [sys.executable, str(program), str(folder), str(batch_size), str(held_out)]
    start = time.perf_counter()
    memory = Memory()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if "RssAnon" in fields:  # a process that has ended has none
                memory.own = max(memory.own, _kib(fields["RssAnon"]))
                memory.of_files = max(memory.of_files, _kib(fields["RssFile"]))
            time.sleep(INTERVAL)
        printed = process.communicate()[0]
    memory.seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{program.name} ended with status {process.returncode}.")
    memory.before, memory.peak = map(int, printed.split())
    return memory


def _kib(field: str) -> int:
    return int(field.split()[0])


def main() -> None:
    """Write the file, train in each way, print the table."""
    if not sys.platform.startswith("linux"):
        raise SystemExit("memmap.py reads /proc, which only Linux has.")
    for name, value in machine.describe().items():
        console().print(f"{name}: {value}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder)
        trained = {case: train(folder, *case) for case in CASES}
    table = Table(
        title=f"One shuffled epoch from a file of {size / 2**30:.2f} GiB, MLP {FEATURES}-64-10, "
        f"memory in MiB",
        title_justify="left",
    )
    for column in ("batch size", "held out", "peak", "before", "own", "of files", "seconds", ""):
        table.add_column(column, justify="right")
    for (batch_size, held_out), memory in trained.items():
        sizes = (memory.peak, memory.before, memory.own, memory.of_files)
        reached = memory.peak <= AT_MOST
        table.add_row(
            str(batch_size),
            f"{held_out:.0%}",
            *(f"{kib / 1024:.0f}" for kib in sizes),
            f"{memory.seconds:.1f}",
            Text("within 500", "green") if reached else Text("above 500", "red"),
        )
    console().print(table)


if __name__ == "__main__":
    main()
