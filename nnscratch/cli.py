"""The command `nnscratch`: run the bundled examples, measure kernels, and say what works here."""

from __future__ import annotations

import argparse
import ast
import runpy
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


# These two stand as they were written for Keras, without a docstring of their own.
SEED_PROGRAMS = {
    "keras_binary": "The first Keras program, but for its imports: random data.",
    "keras_multiclass": "The second Keras program, but for its imports: a CSV.",
}

LABORATORY = {
    "bench": ("bench_command", "measure kernels beside their peers and this machine's limits"),
    "tune": ("tuning", "find out from which size on Numba is faster here, and keep it"),
    "warmup": ("warming", "compile all kernels in advance, so that no program waits for it"),
}
"""Commands that `nnscratch_kernels.laboratory` has, each in a module with a parser of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in LABORATORY:
        module, _ = LABORATORY[arguments[0]]
        run_command = import_module(f"nnscratch_kernels.laboratory.{module}").main
        status: int = run_command(arguments[1:])
        return status
    parser = argparse.ArgumentParser(prog="nnscratch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("examples", help="list the bundled programs, a line each")
    run = commands.add_parser("run", help="run a bundled program in this folder")
    run.add_argument("name", help="its name, as `nnscratch examples` lists it")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program gets")
    for command, (_, text) in LABORATORY.items():
        commands.add_parser(command, help=text)
    commands.add_parser("doctor", help="versions, BLAS, threads and GPU, with a remedy for each")
    chosen = parser.parse_args(arguments)
    if chosen.command == "examples":
        return list_examples()
    if chosen.command == "run":
        return run_example(chosen.name, chosen.arguments)
    from nnscratch.doctor import print_report  # imports every optional package it reports on

    return print_report()


def examples() -> dict[str, Path]:
    """The bundled programs by name: beside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "examples", package.parent / "examples"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.py"))}
    return {}


def list_examples() -> int:
    """Print each program's name and the first line of what it says of itself."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for name, path in examples().items():
        says = SEED_PROGRAMS.get(name) or ast.get_docstring(ast.parse(path.read_text("utf-8")))
        table.add_row(name, (says or "").partition("\n")[0])
    Console().print(table)
    print("Run one with: nnscratch run NAME")
    return 0


def run_example(name: str, arguments: Sequence[str]) -> int:
    """Run a program as if it had been started by Python, in the folder one stands in."""
    known = examples()
    if name not in known:
        near = " or ".join(get_close_matches(name, known)) or "one of `nnscratch examples`"
        print(f"There is no example called {name!r}: did you mean {near}?", file=sys.stderr)
        return 2
    sys.argv = [str(known[name]), *arguments]
    try:
        runpy.run_path(str(known[name]), run_name="__main__")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("nnscratch"):
            raise
        print(
            f"The example {name!r} needs the package {error.name!r}: "
            f"pip install 'nnscratch[data,plot]'.",
            file=sys.stderr,
        )
        return 1
    return 0
