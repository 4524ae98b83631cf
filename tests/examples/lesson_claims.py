"""What each lesson claims, looked up in what it prints: a function for each, by its name."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nnscratch as ns


class Printed:
    """What a lesson prints, by line."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def numbers(self, label: str) -> list[float]:
        """The numbers on the only line that starts with a label and then a number."""
        line = rf"^ *{re.escape(label)}( +(?:\(.*?\) +)?-?\d.*)$"
        found = re.findall(line, self.text, flags=re.MULTILINE)
        assert len(found) == 1, f"{label!r} in {self.text}"
        cells = re.sub(r"\([^()]*\)", "", found[0]).replace(",", "").replace("%", "").split()
        return [float(cell) for cell in cells if re.fullmatch(r"-?[\d.]+(e[-+]\d+)?|nan", cell)]


def one_neuron(printed: Printed) -> None:
    turned, ours, theirs = map(printed.numbers, ("turned a little", "our engine", "nnscratch"))
    assert ours == theirs
    assert turned == pytest.approx(ours, abs=2e-4)
    steps = [printed.numbers(str(step)) for step in (0, 25, 50, 75, 100)]
    assert all(ours == theirs for ours, theirs in steps)
    assert steps[0][0] > 6 > 0.03 > steps[-1][0]


def the_tape(printed: Printed) -> None:
    assert "node 2 is add: b and b make 12" in printed
    assert printed.text.count("b sends 2 to a, which has 4 now") == 1
    assert printed.text.count("b sends 1 to a, which has 1 now") == 2
    assert "added 4, replaced 1, nnscratch 4: when a grows by 0.001, c grows by 0.004." in printed
    assert printed.numbers("emptied") == pytest.approx(
        [5 - 5 * 0.6**k for k in range(1, 11)], abs=0.051
    )
    assert max(abs(w - 5) for w in printed.numbers("not emptied")[-3:]) > 3


def topological_order(printed: Printed) -> None:
    assert "depth_first: gradient of a   8, visiting d, b, c\n" in printed
    assert "along_every_path: gradient of a  16, visiting d, b, c, b\n" in printed
    assert "topological: gradient of a  16, visiting d, c, b\n" in printed
    assert "nnscratch: gradient of a  16" in printed
    for nodes in (1, 2, 4, 8, 16):
        assert printed.numbers(str(nodes)) == [2**nodes - 1, nodes]


def broadcasting(printed: Printed) -> None:
    assert printed.numbers("sum of x * g") == printed.numbers("w.grad")
    assert printed.numbers("sum of g") == printed.numbers("b.grad")
    assert "b has the shape (4,), but b - 0.05 * g has (150, 4): 600 numbers!" in printed
    right = [float(share) for share in re.findall(r"\(cm\): +(\d+)% right", printed.text)]
    assert len(right) == 4
    assert right[3] >= 99 > 90 > min(right) > 75
    assert printed.text.count("the same as nnscratch") == 6
    assert "(150, 1): axes (1,) " in printed


def matrix_product(printed: Printed) -> None:
    (x_gradient,) = {tuple(printed.numbers(name)) for name in ("g @ w.T", "x.grad")}
    (w_gradient,) = {tuple(printed.numbers(name)) for name in ("x.T @ g", "w.grad")}
    assert len(x_gradient) == len(w_gradient) == 4
    (apart,) = re.findall(r"differ by (\S+) at most", printed.text)
    assert float(apart) < 1e-12
    losses, right = zip(*(printed.numbers(str(k)) for k in range(0, 501, 100)), strict=True)
    assert sorted(losses, reverse=True) == list(losses)
    assert right[-1] > 80 > right[0]


def activations(printed: Printed) -> None:
    number = r" +([\d.e-]+)"
    slopes = {
        name: re.search(rf"^ *{name}{number * 7}$", printed.text, flags=re.MULTILINE).groups()
        for name in ("sigmoid", "tanh", "relu", "leaky relu")
    }
    z = np.array([-20.0, -8.0, -2.0, 0.0, 2.0, 8.0, 20.0])
    for name, function in (("sigmoid", ns.ops.sigmoid), ("relu", ns.ops.relu), ("tanh", np.tanh)):
        shown = [float(slope) for slope in slopes[name]]
        np.testing.assert_allclose(shown, ns.elementwise_grad(function)(z), rtol=0.05)
    trained = {
        name: [float(cell.rstrip("%")) for cell in cells]
        for name, *cells in re.findall(
            r"^ *(sigmoid|tanh|relu|leaky relu) +(\S+) +(\S+%) +(\S+) +(\S+%)$",
            printed.text,
            flags=re.MULTILINE,
        )
    }
    assert trained["relu"][2] == 0
    assert trained["tanh"][2] < trained["sigmoid"][2] < 0.01 < trained["leaky relu"][2]
    assert max(trained[name][3] for name in ("relu", "tanh", "sigmoid")) < 70
    assert min(trained["leaky relu"][3], trained["relu"][1], trained["tanh"][1]) > 92
    (straight,) = re.findall(r"^ *no bend +\S+ +(\d+)%$", printed.text, flags=re.MULTILINE)
    assert 80 <= int(straight) <= 90


def softmax_cross_entropy(printed: Printed) -> None:
    p, y, difference, gradient = map(printed.numbers, ("p", "y", "p - y", "z.grad"))
    assert difference == gradient
    assert gradient == pytest.approx(np.subtract(p, y), abs=0.0011)
    assert y.count(1) == 1
    sure, flat = map(printed.numbers, ("cross-entropy", "squared error of p"))
    assert sorted(sure) == sure
    assert sure[-1] == pytest.approx(1, abs=1e-3)
    assert flat[-1] < 0.001
    assert printed.numbers("300")[1] > 95


def mean_loss(printed: Printed) -> None:
    sizes = (1, 4, 16, 64, 256, 1024)
    sums, means = zip(*(printed.numbers(str(size)) for size in sizes), strict=True)
    far = [float(part) for part in re.findall(r"\((\d+\.\d+)\)", printed.text)]
    assert sums[-1] / sums[0] > 100
    np.testing.assert_allclose(np.divide(sums, sizes), means, atol=0.006)
    np.testing.assert_allclose(np.divide(far, far[0]), 1 / np.sqrt(sizes), rtol=0.2)
    large_sum, large_mean = (printed.numbers(f"the {name}, batch  512") for name in ("sum", "mean"))
    assert np.argmin(large_sum) == 1
    assert np.argmin(large_mean) == 3
    assert large_sum[3] > 100 > 1 > large_mean[3]


def optimizers(printed: Printed) -> None:
    rules = {name: printed.numbers(name) for name in ("sgd", "momentum", "rmsprop", "adam")}
    for *heights, apart in rules.values():
        assert len(heights) == 5
        assert heights[0] == pytest.approx(4.7604, abs=1e-4)
        assert apart < 1e-4
    assert rules["sgd"][4] > 0.1 > 0.05 > max(rules[name][4] for name in ("momentum", "adam"))


def initialisation(printed: Printed) -> None:
    zero, alike, small, right, large = (
        printed.numbers(f"{name}")
        for name in ("all 0", "all 0.02", "random 0.05", "random 0.177", "random 0.5")
    )
    assert zero[-1] == alike[-1] == 1
    assert small[-1] == right[-1] == large[-1] == 64
    assert max(zero[:3]) == max(zero[4:6]) == 0
    assert small[5] < 1e-5 * small[3]
    assert 0.1 * right[3] < right[5] < 10 * right[3]
    assert large[5] > 100 * large[3]
    assert right[7] > 85 > 30 > max(zero[7], alike[7], small[7], large[7])


def overfitting(printed: Printed) -> None:
    in_training = printed.numbers("dropout of 0.25 in training")
    assert set(in_training) == {0.0, 1.33}
    assert set(printed.numbers("dropout of 0.25 afterwards")) == {1.0}
    plain, stopped, dropout, both = (
        printed.numbers(name)
        for name in (
            "no dropout",
            "no dropout, stopped early",
            "dropout",
            "dropout, stopped early",
        )
    )
    assert plain[5] > 1.4 * min(plain[:6])
    assert plain[-2] > 99 > plain[-1] + 15
    assert min(stopped[-1], dropout[-1], both[-1]) > plain[-1] + 3


def fine_tuning(printed: Printed) -> None:
    moved = re.findall(r"^(first|middle|last) +(yes|no) +(\S+) +(\S+)$", printed.text, flags=re.M)
    assert [row[:2] for row in moved] == [("first", "yes"), ("middle", "no"), ("last", "yes")]
    assert moved[1][2:] == ("none", "0.0000")
    assert min(float(cell) for row in moved[::2] for cell in row[2:]) > 0
    (from_zero,), (new_head,), (tuned,) = map(
        printed.numbers, ("from zero", "new head", "fine-tuned")
    )
    assert from_zero < new_head < tuned
    assert tuned > from_zero + 2
