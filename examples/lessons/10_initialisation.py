"""Gradients that vanish or explode in ten layers.

Every layer multiplies what goes through it by its weights, forwards and backwards. Half of it is
not bad once; ten times half is a thousandth, and ten times twice is a thousand. So the weights must
start at a size that leaves the size of what goes through as it is. And they must differ.
"""

import numpy as np
from sklearn.datasets import load_digits

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential

digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
loss_of = ns.losses.SparseCategoricalCrossentropy(from_logits=True)  # it takes y as 0 to 9

# A unit of relu adds up 64 products, and about half of the units are off. Weights with the standard
# deviation sqrt(2 / 64) = 0.177 make up for both (He and others, 2015).
starts = {
    "all 0": ns.initializers.Zeros(),
    "all 0.02": ns.initializers.Constant(0.02),
    "random 0.05": ns.initializers.RandomNormal(stddev=0.05),
    "random 0.177": ns.initializers.HeNormal(),
    "random 0.5": ns.initializers.RandomNormal(stddev=0.5),
}


def build(start):
    """Ten layers in Keras's words: a `Dense` is activation(x @ w + b), and w is its kernel."""
    ns.random.seed(7)
    names = [f"layer_{i}" for i in range(1, 11)]
    layers = [Dense(64, "relu", kernel_initializer=start, name=name) for name in names[:9]]
    return Sequential([*layers, Dense(10, kernel_initializer=start, name=names[9])])


def forward(model, x):
    """The results of all layers, and the loss."""
    results = [x]
    for layer in model.layers:
        results.append(layer(results[-1]).retain_grad())
    return results, loss_of(digits.target[: len(x)], results[-1])


print("              size of the results of     and of their gradients,    after 5 epochs")
print("weights       layer 1       5      10     10       5 layer 1      loss  right  unlike units")
for name, start in starts.items():
    model = build(start)
    results, loss = forward(model, ns.Tensor(x))
    loss.backward()
    sizes = [np.std(results[i].data) for i in (1, 5, 10)]
    sizes += [np.std(results[i].grad.data) for i in (10, 5, 1)]
    model.compile(ns.optimizers.SGD(0.02), loss_of, metrics=["accuracy"])
    with np.errstate(all="ignore"):  # let it run into infinity
        logs = model.fit(x, digits.target, epochs=5, verbose=0).history
    # Units that start alike get the same gradients: they stay alike, and do the work of one.
    unlike = len(np.unique(model.layers[5].kernel.data, axis=1)[0])
    print(f"{name:12}", *(f"{size:7.0e}" for size in sizes), end="")
    print(f"{logs['loss'][-1]:10.2f}{logs['accuracy'][-1]:7.0%}{unlike:8}")

model = build(starts["random 0.05"])
_, loss = forward(model, x[:16])
page = ns.explain(loss, "10_initialisation.html", title="Lesson 10: a vanishing gradient")
print(f"\nSee the gradient vanish: open {page.path} in a browser.")

# Exercise 1. Without activations, n inputs and weights of the standard deviation s change the size
# of what goes through by the factor s * sqrt(n). What do 8 layers make of the size 1, when each has
# 100 inputs and s = 0.05?
answer_1 = None

# Exercise 2. Draw the weights of a layer of relu so that the size stays, whatever the number of
# inputs: def answer_2(inputs, units, random), where random.normal(size=...) has the deviation 1.
answer_2 = None
