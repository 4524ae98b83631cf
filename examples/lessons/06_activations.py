"""Where an activation is flat, learning ends.

Two layers with nothing between them are no more than one: (x @ w1) @ w2 = x @ (w1 @ w2). So we put
a function with a bend between them. On the way back each gradient is multiplied by its slope, and
where it is flat nothing passes: such a unit of sigmoid or tanh is saturated, one of relu is dead.
"""

import numpy as np
from sklearn.datasets import load_iris

import nnscratch as ns

activations = {
    "no bend": lambda z: z,
    "sigmoid": ns.ops.sigmoid,  # 1 / (1 + exp(-z))
    "tanh": np.tanh,
    "relu": ns.ops.relu,  # z where it is positive, elsewhere 0
    "leaky relu": ns.ops.leaky_relu,  # z where it is positive, elsewhere 0.2 z
}

# 1. How steep they are: the gradient of the sum of all y is the slope at each z.
z = ns.Tensor([-20.0, -8.0, -2.0, 0.0, 2.0, 8.0, 20.0], requires_grad=True)
print(f"{'slope at z =':>14}", *(f"{number:8g}" for number in z.data))
for name, activation in activations.items():
    z.zero_grad()
    np.sum(activation(z)).backward()
    print(f"{name:>14}", *(f"{slope:8.2g}" for slope in z.grad.data))
loss = np.sum(ns.ops.sigmoid(z)) + np.sum(np.tanh(z)) + np.sum(ns.ops.relu(z))
page = ns.explain(loss, "06_activations.html", title="Lesson 6: three activations")

# 2. The irises again, now with 32 units on the way.
iris = load_iris()
x = iris.data - iris.data.mean(axis=0)
target = np.eye(3)[iris.target]


def train(activation, bias):
    """Train two layers; gives the largest gradient in w1 at the start, and the share of right."""
    random = np.random.default_rng(7)
    w1 = ns.Tensor(random.normal(scale=0.5, size=(4, 32)), requires_grad=True)
    b1 = ns.Tensor(np.full(32, bias), requires_grad=True)
    w2 = ns.Tensor(random.normal(scale=0.2, size=(32, 3)), requires_grad=True)
    b2 = ns.Tensor(np.zeros(3), requires_grad=True)
    for step in range(601):
        z = x @ w1 + b1
        y = activation(z) @ w2 + b2
        loss = np.sum((y - target) ** 2) / len(x)
        loss.backward()
        if step == 0:
            largest = np.abs(w1.grad.data).max()
        for weights in (w1, b1, w2, b2):
            weights.data = weights.data - 0.02 * weights.grad.data
            weights.zero_grad()
    return largest, np.mean(y.data.argmax(axis=1) == iris.target)


# From b1 = 0 a bend is worth having. Then suppose that one step was much too large and has left
# every b1 at -8. Now z is about -8 for all the flowers, where three of the activations are flat.
print(f"\n{'600 steps':>14}{'from b1 = 0':>27}{'from b1 = -8':>27}")
print(f"{'':>14}" + f"{'gradient of w1':>20}{'right':>7}" * 2)
for name, activation in activations.items():
    print(f"{name:>14}", end="")
    for bias in (0.0,) if name == "no bend" else (0.0, -8.0):
        largest, right = train(activation, bias)
        print(f"{largest:20.2g}{right:7.0%}", end="")
    print()
print(f"\nSee what passes and what does not: open {page.path} in a browser.")

# Exercise 1. On its way back a gradient passes 5 layers of sigmoid. At best, each of them stands
# where it is steepest. By what factor do the five slopes change the gradient then?
answer_1 = None

# Exercise 2. A unit of relu is dead when its output is 0 for every row of x. How many units of the
# layer x @ w + b are? def answer_2(x, w, b), with NumPy.
answer_2 = None
