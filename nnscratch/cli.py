"""The command `nnscratch`: run the bundled examples, measure kernels, and say what works here."""

from __future__ import annotations

import argparse
import ast
import os
import runpy
import sys
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from nnscratch import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


# These two stand as they were written for Keras, without a docstring of their own.
SEED_PROGRAMS = {
    "keras_binary": "The first Keras program, but for its imports: random data.",
    "keras_multiclass": "The second Keras program, but for its imports: a CSV.",
}

LABORATORY = {
    "bench": ("bench_command", "measure kernels beside their peers and this machine's limits"),
    "tune": ("tuning", "find out from which size on Numba is faster on this CPU, and keep it"),
    "warmup": (
        "warming",
        "compile all kernels in advance, for a GPU too: no program waits for it",
    ),
}
"""Commands that `nnscratch_kernels.laboratory` has, each in a module with a parser of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and end without a traceback when it is cut short; gives the exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a sign that a terminal lacks stops nothing
    try:
        try:
            return run_command(sys.argv[1:] if arguments is None else arguments)
        finally:
            print(end="", flush=True)  # now, while a closed pipe can still be told from an error
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has seen enough, as in `nnscratch lessons | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        return 1


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit status."""
    if arguments and arguments[0] in LABORATORY:
        module, _ = LABORATORY[arguments[0]]
        measure = import_module(f"nnscratch_kernels.laboratory.{module}").main
        status: int = measure(arguments[1:])
        return status
    parser = argparse.ArgumentParser(prog="nnscratch", description=__doc__)
    parser.add_argument("--version", action="version", version=f"nnscratch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("examples", help="list the bundled programs, a line each")
    run = commands.add_parser("run", help="run a bundled program in this folder")
    run.add_argument("name", help="its name, as `nnscratch examples` lists it")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program gets")
    explain = commands.add_parser(
        "explain", help="train a bundled program for some steps and write a page that shows them"
    )
    explain.add_argument("name", help="its name, as `nnscratch examples` lists it")
    explain.add_argument("--output", metavar="FILE", help="the page, by default NAME.html")
    explain.add_argument("--steps", type=int, default=20, help="how many, by default 20")
    lessons = commands.add_parser("lessons", help="list the lessons, or run or copy one of them")
    lessons.add_argument("lesson", nargs="?", help="its number or name; without it, list them all")
    lessons.add_argument("--copy", action="store_true", help="put it into this folder instead")
    check = commands.add_parser("check", help="say whether the exercises of a lesson are solved")
    check.add_argument("lesson", help="its number or name, or your copy of it")
    for command, (_, text) in LABORATORY.items():
        commands.add_parser(command, help=text)
    play = commands.add_parser("play", help="watch a small network train, on a page in the browser")
    play.add_argument("--port", type=port, default=0, help="where on 127.0.0.1 (any that is free)")
    play.add_argument("--no-browser", action="store_true", help="print the address alone")
    commands.add_parser("doctor", help="versions, BLAS, threads and GPU, with a remedy for each")
    chosen = parser.parse_args(arguments)
    if chosen.command == "examples":
        return list_examples()
    if chosen.command == "run":
        return run_example(chosen.name, chosen.arguments)
    if chosen.command == "explain":
        return explain_example(chosen.name, chosen.output or f"{chosen.name}.html", chosen.steps)
    if chosen.command == "lessons":
        return open_lesson(chosen.lesson, chosen.copy)
    if chosen.command == "check":
        from nnscratch.lessons.check import check_lesson

        return check_lesson(chosen.lesson, Path.cwd())
    if chosen.command == "play":
        return play_in_browser(chosen.port, browser=not chosen.no_browser)
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
    path = find_example(name)
    if path is None:
        return 2
    sys.argv = [str(path), *arguments]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except ModuleNotFoundError as error:
        print_missing(name, error)
        return 1
    return 0


def explain_example(name: str, output: str, steps: int) -> int:
    """Train a program's first model for some steps and write the page that shows them."""
    path = find_example(name)
    if path is None:
        return 2
    if steps < 1:
        print(f"--steps is a positive number, got {steps}.", file=sys.stderr)
        return 2
    if ".fit(" not in path.read_text("utf-8"):
        print(
            f"The example {name!r} trains no network: there is nothing to explain.", file=sys.stderr
        )
        return 1
    from nnscratch.explainer.first_steps import first_steps

    sys.argv = [str(path)]
    print(f"Training {name} for {steps} {'step' if steps == 1 else 'steps'} …", flush=True)
    try:
        with redirect_stdout(StringIO()):  # what the example says of its scores would mislead
            run = first_steps(lambda: runpy.run_path(str(path), run_name="__main__"), steps)
    except ModuleNotFoundError as error:
        print_missing(name, error)
        return 1
    try:
        run.explain(output, title=f"Training {name}, step by step")
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    if len(run.losses) < steps:
        print(f"The first call of fit in {name} has no more than {len(run.losses)}.")
    print(f"The page is in {output}: open it in a browser.")
    return 0


def find_example(name: str) -> Path | None:
    """Where a program is; None, and a word about near names, if there is none."""
    known = examples()
    if name not in known:
        near = " or ".join(get_close_matches(name, known)) or "one of `nnscratch examples`"
        print(f"There is no example called {name!r}: did you mean {near}?", file=sys.stderr)
    return known.get(name)


def print_missing(name: str, error: ModuleNotFoundError) -> None:
    """Say which package an example needs; a missing part of nnscratch is an error of its own."""
    if error.name is None or error.name.startswith("nnscratch"):
        raise error
    print(
        f"The example {name!r} needs the package {error.name!r}: "
        f"pip install 'nnscratch[data,plot]'.",
        file=sys.stderr,
    )


def open_lesson(name: str | None, copy: bool) -> int:
    """List the lessons if none is named; otherwise run it, or put a copy into this folder."""
    from nnscratch import lessons

    if name is None and not copy:
        return lessons.list_lessons()
    if name is None:
        print("Say which lesson to copy, as in: nnscratch lessons 1 --copy", file=sys.stderr)
        return 2
    try:
        lesson = lessons.find(name)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    if copy:
        return lessons.copy_lesson(lesson, Path.cwd())
    sys.argv = [str(lesson.path)]
    try:
        runpy.run_path(str(lesson.path), run_name="__main__")
    except ModuleNotFoundError as error:
        print_missing(lesson.path.stem, error)
        return 1
    return 0


def port(text: str) -> int:
    """A port to listen on that needs no special rights, or 0 for any.

    Raises:
        argparse.ArgumentTypeError: something else.
    """
    if text == "0" or (text.isdecimal() and 1024 <= int(text) <= 65535):
        return int(text)
    raise argparse.ArgumentTypeError(f"give a number from 1024 to 65535, got {text!r}")


def play_in_browser(port: int, browser: bool) -> int:
    """Show the page of `nnscratch play` until Ctrl-C."""
    try:
        from nnscratch.play.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("nnscratch"):
            raise
        print(
            f"nnscratch play needs the package {error.name!r}: pip install 'nnscratch[play]'.",
            file=sys.stderr,
        )
        return 1
    return serve(port, browser)
