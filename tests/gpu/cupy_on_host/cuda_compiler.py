"""CUDA sources as libraries of the host: found kernels, g++, and a cache of what it made."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from nnscratch_kernels.compile_cache import private_folder
from nnscratch_kernels.folders import base

HERE = Path(__file__).parent
HEADER = (HERE / "cuda_on_host.h").read_text(encoding="utf-8")
RUNTIME = (HERE / "cuda_on_host.cpp").read_text(encoding="utf-8")

# No FORTIFY: it takes a change of stacks for an error.
FLAGS = ("-O1", "-shared", "-fPIC", "-fno-exceptions", "-fno-rtti", "-U_FORTIFY_SOURCE")
# Hidden, for a kernel may have the name of a function of the C library. No default libraries, for
# what the checks call is in the runtime.
KERNEL_FLAGS = (
    "-fvisibility=hidden",
    # As CUDA's compiler does it, x·y + z becomes one fused operation wherever it can.
    "-ffp-contract=fast",
    "-fexpensive-optimizations",
    "-fstack-clash-protection",
    "-fsanitize=bounds,alignment,signed-integer-overflow,integer-divide-by-zero,shift",
    "-fno-sanitize-recover=all",
    "-Werror=return-type",
    "-nodefaultlibs",
)
LIBRARIES = ("-lm", "-lc", "-lgcc")

IGNORED = re.compile(
    r"--?(use_fast_math|fmad=\w+|lineinfo|generate-line-info|restrict|default-device|dlcm=\w+)"
    r"|--?(gpu-architecture|arch)=\w+"
)
STANDARD = re.compile(r"--?std=(c\+\+(?:11|14|17|20))")
DEFINITION = re.compile(r"(?:-D|--define-macro=)(\w+(?:=.*)?)")

KERNEL = re.compile(r'extern\s*"C"\s*__global__\b')
# A thread has up to 255 of the 65536 registers of a multiprocessor, unless bounds are declared.
THREADS_WITHOUT_BOUNDS = "256"
WORD = re.compile(r"\s*(\w+)\s*")


class CompilerMissingError(RuntimeError):
    """Kernels cannot run on this machine's processor."""


class CompileError(Exception):
    """The source does not compile; the text is the compiler's."""


class Declaration(NamedTuple):
    """A kernel as its source declares it."""

    name: str
    parameters: list[str]
    most_threads: str


@cache
def compiler() -> str | None:
    """Path of the compiler that makes kernels run on the host, or None if there is none."""
    return shutil.which("g++") if sys.platform == "linux" else None


@cache
def _compiler_version() -> str:
    return _run("--version")


@cache
def _flags_for_garbage() -> tuple[str, ...]:
    """What fills local variables with garbage: g++ 12 and later can."""
    flag = "-ftrivial-auto-var-init=pattern"
    known = _run("-Q", "--help=common").find("-ftrivial-auto-var-init=") >= 0
    return (flag,) if known else ()


@cache
def fused_operations() -> tuple[str, ...]:
    """What lets the compiler use the fused multiply-add of processors that need not have one."""
    if compiler() is None:
        return ()
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return ("-mfma",) if flags and "fma" in flags[1].split() else ()


def _run(*arguments: str, source: str | None = None) -> str:
    """What g++ prints.

    Raises:
        CompilerMissingError: there is no g++ here.
        CompileError: it failed.
    """
    program = compiler()
    if program is None:
        raise CompilerMissingError(
            "CUDA kernels run without a GPU only on Linux and with g++: install g++ "
            "(on Debian and Ubuntu: apt install g++)."
        )
    done = subprocess.run(
        [program, *arguments], input=source, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError(done.stderr)
    return done.stdout


def host_options(options: tuple[str, ...]) -> tuple[str, ...]:
    """NVRTC's options as g++ takes them; those that only speed kernels up are dropped."""
    found = ["-std=c++17"]
    for option in options:
        if standard := STANDARD.fullmatch(option):
            found[0] = f"-std={standard[1]}"
        elif definition := DEFINITION.fullmatch(option):
            found.append(f"-D{definition[1]}")
        elif not IGNORED.fullmatch(option):
            raise ValueError(
                f"The option {option!r} means nothing to kernels on the host: "
                f"use -std=…, -DNAME=VALUE or none."
            )
    return tuple(found)


def declarations(code: str, options: tuple[str, ...]) -> list[Declaration]:
    """The kernels of a source, read after its macros are expanded."""
    plain = _run(*options, "-E", "-P", "-x", "c++", "-", source=code)
    return [_declaration(plain, kernel.end()) for kernel in KERNEL.finditer(plain)]


def _declaration(text: str, at: int) -> Declaration:
    """The kernel whose declaration goes on at `at`, after `__global__`."""
    bound = THREADS_WITHOUT_BOUNDS
    while word := WORD.match(text, at):
        at = word.end()
        if text[at : at + 1] != "(":  # void
            continue
        end = _after_bracket(text, at)
        inside = text[at + 1 : end - 1]
        if word[1] != "__launch_bounds__":
            parameters = [" ".join(one.split()) for one in inside.split(",")]
            none = parameters in ([""], ["void"])
            return Declaration(word[1], [] if none else parameters, bound)
        bound, at = inside.split(",")[0].strip(), end
    raise CompileError(f"No kernel is declared here: {text[at : at + 80]!r}")


def _after_bracket(text: str, at: int) -> int:
    """Where the round bracket that opens at `at` has been closed."""
    depth = 0
    for end in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    raise CompileError(f"This bracket is never closed: {text[at : at + 80]!r}")


def host_source(code: str, kernels: list[Declaration]) -> str:
    """The source between our header and a table of its kernels.

    A namespace without a name keeps all of it from the names of other sources and libraries.
    """
    functions, rows = [], []
    for name, _, most_threads in kernels:
        functions.append(
            f"static void run_{name}(void** arguments) "
            f"{{ cuda_on_host::call(&{name}, arguments); }}\n"
            f"using parameters_of_{name} = decltype(cuda_on_host::parameters_of(&{name}));\n"
        )
        rows.append(
            f'    {{"{name}", run_{name}, {most_threads}, '
            f"parameters_of_{name}::count, parameters_of_{name}::list}},\n"
        )
    return (
        f'#line 1 "cuda_on_host.h"\n{HEADER}\nnamespace {{\n#line 1 "kernel.cu"\n{code}\n}}\n'
        f'#line 1 "launching.cpp"\n{"".join(functions)}'
        f'extern "C" {{\n__attribute__((visibility("default")))\n'
        f"cuda_on_host::Kernel cuda_kernels[] = {{\n{''.join(rows)}    {{}}}};\n}}\n"
    )


@cache
def runtime() -> ctypes.CDLL:
    """The library that runs grids; kernels find its functions because it is loaded globally."""
    path = _library(RUNTIME, ("-std=c++17", *FLAGS), ())
    return ctypes.CDLL(str(path), mode=os.RTLD_GLOBAL | os.RTLD_NOW)


def module(code: str, kernels: list[Declaration], options: tuple[str, ...]) -> ctypes.CDLL:
    """A source as a library, loaded."""
    runtime()
    flags = (*options, *FLAGS, *KERNEL_FLAGS, *_flags_for_garbage(), *fused_operations())
    return ctypes.CDLL(str(_library(host_source(code, kernels), flags, LIBRARIES)))


def _library(source: str, flags: tuple[str, ...], libraries: tuple[str, ...]) -> Path:
    """Path of a compiled library, from the cache or made now."""
    key = "\0".join([_compiler_version(), *flags, *libraries, source])
    folder = private_folder(base() / "cuda-on-host")
    path = folder / f"{sha256(key.encode()).hexdigest()}.so"
    if not path.exists():
        # Under another name first: several processes may be at it.
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            made = Path(workshop) / "made.so"
            _run(*flags, "-x", "c++", "-", "-o", str(made), *libraries, source=source)
            made.replace(path)
    return path
