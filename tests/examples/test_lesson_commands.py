"""`nnscratch lessons` and `nnscratch check`, and whatever a learner's program may do to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnscratch.lessons.check import LessonStoppedError, verdicts
from tests.examples.lesson_claims import Printed, topological_order
from tests.examples.lesson_programs import ALL, RIGHT, answered, nnscratch


def test_lessons_lists_each_on_a_line(tmp_path):
    done = nnscratch("lessons", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    for lesson, line in zip(ALL, lines, strict=False):
        assert line.split(maxsplit=2) == [str(lesson.number), lesson.name, lesson.says]
    how = ["nnscratch lessons 1", "nnscratch lessons 1 --copy", "nnscratch check 1"]
    assert [line.partition(":")[2].strip() for line in lines[13:]] == how


@pytest.mark.parametrize(
    "name", ["2", "02", "the_tape", "02_the_tape", "02_the_tape.py", "the_tape.py"]
)
def test_a_lesson_has_several_names(name, tmp_path):
    done = nnscratch("lessons", name, "--copy", folder=tmp_path)
    assert done.returncode == 0
    (copy,) = tmp_path.iterdir()
    assert copy.name == "02_the_tape.py"
    assert copy.read_bytes() == ALL[1].path.read_bytes()
    assert "nnscratch check 2" in done.stdout


def test_lessons_runs_one_in_this_folder(tmp_path):
    done = nnscratch("lessons", "3", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    topological_order(Printed(done.stdout))
    assert [path.name for path in tmp_path.iterdir()] == ["03_topological_order.html"]


def test_a_copy_is_never_overwritten(tmp_path):
    mine = tmp_path / "01_one_neuron.py"
    mine.write_text("answer_1 = 1\n")
    done = nnscratch("lessons", "1", "--copy", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "01_one_neuron.py is here already and was left as it is" in done.stderr
    assert mine.read_text() == "answer_1 = 1\n"


@pytest.mark.parametrize("command", [["lessons"], ["lessons", "--copy"], ["check"]])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("13", "There is no lesson '13': they have the numbers 1 to 12."),
        ("0", "There is no lesson '0': they have the numbers 1 to 12."),
        (
            "topologic_order",
            "There is no lesson 'topologic_order': did you mean topological_order?",
        ),
    ],
)
def test_an_unknown_lesson_is_one_sentence(command, name, says, tmp_path):
    done = nnscratch(*command, name, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{says}\n")


def test_copying_without_a_name_says_what_is_missing(tmp_path):
    done = nnscratch("lessons", "--copy", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "Say which lesson to copy, as in: nnscratch lessons 1 --copy\n"


def test_check_without_a_copy_checks_the_bundled_lesson(tmp_path):
    done = nnscratch("check", "3", folder=tmp_path)
    assert done.returncode == 1
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "Lesson 3, the bundled 03_topological_order.py",
        "",
        "Exercise 1  not answered",
        "Exercise 2  not answered",
        "",
        "To answer them, get a copy: nnscratch lessons 3 --copy",
    ]
    assert list(tmp_path.iterdir()) == []


def test_check_takes_a_file_and_looks_at_each_exercise_by_itself(tmp_path):
    (tmp_path / "mine").mkdir()
    answered(ALL[2], tmp_path / "mine", "30", "'fedcb'")
    done = nnscratch("check", "mine/03_topological_order.py", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("Lesson 3, your 03_topological_order.py\n")
    assert "Exercise 1  not yet  In topological order it would be that many." in done.stdout
    assert "Exercise 2  right" in done.stdout
    assert "Change the answers at the end of 03_topological_order.py" in done.stdout
    missing = nnscratch("check", "yours/03_topological_order.py", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == "There is no file 'yours/03_topological_order.py'.\n"


def states(path: Path, **seconds: float) -> list[tuple[str, str]]:
    """What is said of the two exercises of the third lesson."""
    return [(verdict.state, verdict.hint) for verdict in verdicts(path, ALL[2], **seconds)]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("def answer_2():\n    while True:\n        pass", "a string of five letters"),
        ("__import__('os')", "a string of five letters"),
        ("''", "once"),
    ],
)
def test_what_is_no_answer_at_all_is_not_yet_right(answer, says, tmp_path):
    (one, _), (two, hint) = states(answered(ALL[2], tmp_path, "None", answer))
    assert (one, two) == ("not answered", "not yet")
    assert says in hint


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while True: pass", "It took longer than 2 seconds: is there a loop without end?"),
        ("return sum(range(10**12))", "It took longer than 2 seconds"),  # never lets others run
        ("raise KeyError('w')", "The function stopped with KeyError: 'w'"),
        ("raise SystemExit(3)", "The function stopped with SystemExit: 3"),
        ("return answer_2(x, w, g)", "The function stopped with RecursionError"),
        ("input('w? ')", "The function stopped with EOFError"),
        ("g.T @ x", "The function gives None: it should end with `return ...`."),
        ("__import__('os')._exit(7)", "It ended the process that ran it (exit status 7)."),
        ("x[:] = w[:] = g[:] = 0", "The function gives None"),
    ],
)
def test_whatever_a_function_does_gets_a_sentence(body, says, tmp_path):
    lesson = ALL[4]
    path = answered(lesson, tmp_path, "[[1, 1], [2, 2]]", f"def answer_2(x, w, g):\n    {body}\n")
    one, two = verdicts(path, lesson, seconds_for_exercise=2.0)
    assert one.state == "right"
    assert two.state == "not yet"
    assert says in two.hint


def test_the_second_exercise_is_checked_although_the_first_has_no_end(tmp_path):
    lesson = ALL[0]
    endless = "type('X', (), {'__array__': lambda *a, **k: exec('while True: pass')})()"
    path = answered(lesson, tmp_path, endless, RIGHT["one_neuron"][1])
    one, two = verdicts(path, lesson, seconds_for_exercise=2.0)
    assert (one.state, two.state) == ("not yet", "right")
    assert "longer than 2 seconds" in one.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 / 0", r"stopped before .*: ZeroDivisionError in line \d+: division by zero$"),
        ("answer_1 = = 2", r"stopped before .*: SyntaxError in line \d+: invalid syntax$"),
        ("import no_such_package", "needs the package 'no_such_package': pip install"),
        ("while True: pass", "took longer than 4 seconds: is there a loop"),
        ("exit()", "stopped before .*: SystemExit in line"),
        ("__import__('os')._exit(7)", r"ended the process that ran it \(exit status 7\)"),
    ],
)
def test_a_lesson_that_does_not_reach_its_end_says_why(line, says, tmp_path):
    path = answered(ALL[2], tmp_path)
    path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    with pytest.raises(LessonStoppedError, match=says) as stopped:
        verdicts(path, ALL[2], seconds_for_lesson=4.0)
    assert "\n" not in str(stopped.value)
    assert str(stopped.value).startswith("03_topological_order.py ")


def test_check_prints_why_a_lesson_stopped(tmp_path):
    path = answered(ALL[2], tmp_path)
    path.write_text(f"import no_such_package\n{path.read_text('utf-8')}", "utf-8")
    done = nnscratch("check", "3", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "03_topological_order.py needs the package 'no_such_package': "
        "pip install 'nnscratch[data,plot]'.\n"
    )


def test_a_lesson_may_use_files_and_modules_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("ORDER = 'fdecb'\n")
    path = answered(ALL[2], tmp_path, "2**30 - 1", "__import__('beside').ORDER")
    assert states(path) == [("right", ""), ("right", "")]


def test_an_answer_that_was_removed_counts_as_not_answered(tmp_path):
    path = answered(ALL[2], tmp_path, "2**30 - 1")
    path.write_text(path.read_text("utf-8").replace("answer_2 = None\n", ""), "utf-8")
    assert states(path) == [("right", ""), ("not answered", "")]
