"""Keep what was learned: freeze it, then thaw it.

A network that reads all ten digits has learned to see strokes and bows. Asked something new it need
not start from zero: a new last layer on top of the old ones needs few examples. At first the old
layers are frozen: they are not updated, but gradients still pass. Then they thaw, for small steps.
"""

import numpy as np
from sklearn.datasets import load_digits

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential

ns.random.seed(7)
digits = load_digits()
x = digits.data / 16 - 0.5


def network(outputs):
    model = Sequential()
    model.add(Dense(64, activation="relu", name="first", input_dim=64))
    model.add(Dense(32, activation="relu", name="middle"))
    model.add(Dense(outputs, activation="softmax", name="last"))
    return model


def train(model, rows, y, learning_rate, epochs=60):
    adam = ns.optimizers.Adam(learning_rate)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[rows], y[rows], batch_size=16, epochs=epochs, verbose=0)


# 1. The old task: which of ten digits is it? The new one: is it even?
base = network(10)
train(base, np.arange(900), digits.target, 0.003, epochs=15)
y = (digits.target % 2 == 0).astype(int)


def with_new_head():
    """The two learned layers, frozen, and a last layer that has learned nothing yet."""
    model = network(2)
    for layer, learned in zip(model.layers, base.layers[:2], strict=False):
        layer.set_weights(learned.get_weights())
        layer.trainable = False
    return model


# 2. Frozen is not cut off. Suppose that only the layer in the middle is frozen. It gets no gradient
#    of its own and does not move, but it lets gradients through: the layer before it learns.
model = with_new_head()
model.layers[0].trainable = True
before = [layer.kernel.numpy().copy() for layer in model.layers]
loss = ns.losses.SparseCategoricalCrossentropy()(y[:8], model(x[:8]))
page = ns.explain(loss, "12_fine_tuning.html", title="Lesson 12: a frozen layer")
loss.backward()
gradients = [layer.kernel.grad for layer in model.layers]
train(model, np.arange(900, 940), y, 0.003, epochs=1)
print("layer     trainable   gradient    moved by")
for layer, gradient, old in zip(model.layers, gradients, before, strict=True):
    slope = "none" if gradient is None else f"{np.abs(gradient.data).max():.3f}"
    moved = np.abs(layer.kernel.data - old).max()
    print(f"{layer.name:10}{'yes' if layer.trainable else 'no':>9}{slope:>11}{moved:12.4f}")

# 3. Only 40 examples of the new task; five times, with another 40 each time. Was it worth keeping?
scores = {"from zero": [], "new head": [], "fine-tuned": []}
for draw in range(5):
    few, others = np.split(np.random.default_rng(draw).permutation(np.arange(900, 1797)), [40])

    def right(model, others=others):
        return model.evaluate(x[others], y[others], verbose=0)[1]

    model = network(2)
    train(model, few, y, 0.003)
    scores["from zero"].append(right(model))
    model = with_new_head()
    train(model, few, y, 0.01)
    scores["new head"].append(right(model))
    model.trainable = True  # thawed; small steps, so as not to spoil what is there
    train(model, few, y, 0.0003)
    scores["fine-tuned"].append(right(model))
print("\nEven or odd, learned from 40 examples: right of the 857 others, mean of five draws\n")
for name, shares in scores.items():
    print(f"{name:>12} {np.mean(shares):7.1%}")
print(f"\nSee where the gradient stops: open {page.path} in a browser.")

# Exercise 1. The first two layers of network(2) are frozen. How many numbers does training change?
answer_1 = None

# Exercise 2. Freeze every layer of a model but the last `count`, and thaw those:
# def answer_2(model, count).
answer_2 = None
