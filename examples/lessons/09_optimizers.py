"""SGD, momentum, RMSprop and Adam race: a film.

The gradient says which way is down, not how far to go. This valley is bent, steep across and nearly
flat along. Four rules make different steps out of the gradients g of step t. Two of them remember:
m, a mean of the gradients so far, and v, a mean of their squares.
"""

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import nnscratch as ns


def sgd(g, t, m, v):  # against the gradient
    return -0.1 * g, m, v


def momentum(g, t, m, v):  # a ball: it keeps most of its speed, and the gradient pushes it
    m = 0.9 * m - 0.03 * g
    return m, m, v


def rmsprop(g, t, m, v):  # each number's step is divided by the usual size of its gradients
    v = 0.9 * v + 0.1 * g**2
    return -0.1 * g / np.sqrt(v + 1e-7), m, v


def adam(g, t, m, v):  # both; and since m and v start at 0, they are made larger in the first steps
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    larger = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return -0.2 * larger * m / (np.sqrt(v) + 1e-7), m, v


rules = {sgd: ns.optimizers.SGD(0.1), momentum: ns.optimizers.SGD(0.03, momentum=0.9)}
rules |= {rmsprop: ns.optimizers.RMSprop(0.1), adam: ns.optimizers.Adam(0.2)}


def height(w):
    """The floor of the valley is w[1] = sin(w[0]); it falls towards (0, 0)."""
    return (w[1] - np.sin(w[0])) ** 2 + 0.05 * w[0] ** 2


# 1. The race: our rule, and beside it the optimizer of nnscratch that bears its name.
steps = 120
paths = {}
print("height after  step 0      10      30      60     120   apart from nnscratch")
for rule, optimizer in rules.items():
    m = v = 0.0
    path = [np.array([-6.0, 2.0])]
    w = ns.Parameter(path[0].copy(), name="w")
    for t in range(1, steps + 1):
        step, m, v = rule(ns.grad(height)(path[-1]), t, m, v)
        path.append(path[-1] + step)
        w.zero_grad()
        height(w).backward()
        optimizer.apply_gradients([(w.grad, w)])
    heights = (f"{height(path[t]):8.4f}" for t in (0, 10, 30, 60, 120))
    print(f"{rule.__name__:>12}", *heights, f"{np.abs(path[-1] - w.data).max():14.0e}", sep="")
    paths[rule.__name__] = np.array(path)
page = ns.explain(height(w), "09_optimizers.html", title="Lesson 9: the valley")

# 2. The film. The valley is drawn once, the racers on top of it again and again.
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
plane = np.stack(np.meshgrid(np.linspace(-7, 1.5, 300), np.linspace(-1.8, 2.6, 150)))
axes.contourf(*plane, np.sqrt(height(plane)), levels=12, cmap="Greys", alpha=0.5)
axes.plot(0, 0, "k*", markersize=14)
axes.set(xlabel="w[0]", ylabel="w[1]", title="Four optimizers in one valley")
look = {"markevery": [-1], "markersize": 8, "markeredgecolor": "white", "animated": True}
signs = dict(zip(paths, ("o-", "s-", "^-", "D-"), strict=True))
racers = [axes.plot([], [], sign, label=name, **look)[0] for name, sign in signs.items()]
clock = axes.text(-6.8, 2.25, "", animated=True, size="large")
axes.legend(loc="upper right")
figure.canvas.draw()
valley = figure.canvas.copy_from_bbox(figure.bbox)
film = []
for t in [*range(0, steps + 1, 2), *[steps] * 15]:
    figure.canvas.restore_region(valley)
    clock.set_text(f"step {t}")
    axes.draw_artist(clock)
    for racer, path in zip(racers, paths.values(), strict=True):
        racer.set_data(*path[: t + 1].T)
        axes.draw_artist(racer)
    frame = Image.fromarray(np.array(figure.canvas.buffer_rgba()))
    film.append(frame.convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
film[0].save("09_optimizers.gif", save_all=True, append_images=film[1:], duration=80, loop=0)
print("\nWatch the film: open 09_optimizers.gif in a browser, and", page.path)

# Exercise 1. On a long even slope the gradient is 1 at every step. How long do the steps of
# `momentum` above become in the end?
answer_1 = None

# Exercise 2. At the first step, t = 1, the gradient is only 0.01. How long is the first step of
# `sgd`, and that of `adam`? Two numbers: answer_2 = (..., ...)
answer_2 = None
