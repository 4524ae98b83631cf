"""Softmax, and why the gradient is p - y.

Until now each unit aimed at 1 or 0, by the squared error. For kinds there is something better: make
the outputs z probabilities, p = exp(z) / sum(exp(z)), and call it a loss how little of it went to
the truth, -log(p of the truth). Its gradient is as simple as a gradient can be.
"""

import numpy as np
from sklearn.datasets import load_digits

import nnscratch as ns

# 1. One handwritten digit of 8 by 8 dots, and a layer that has learned nothing yet.
digits = load_digits()
x = digits.data / 16 - 0.5  # (1797, 64)
y = np.eye(10)[digits.target]  # (1797, 10): 1 for the truth, 0 elsewhere
random = np.random.default_rng(7)
w = ns.Tensor(random.normal(scale=0.2, size=(64, 10)), requires_grad=True)
b = ns.Tensor(np.zeros(10), requires_grad=True)


def softmax(z):
    """Probabilities, each row's sum is 1."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))  # the same p, but exp cannot overflow
    return e / np.sum(e, axis=-1, keepdims=True)


def cross_entropy(z, y):
    """-log p of the truth, the mean over the rows."""
    return -np.sum(y * np.log(softmax(z))) / len(y)


# 2. One digit, and its gradient. Why p - y? When t is the truth, -log(p[t]) is the same as
#    log(sum(exp(z))) - z[t]. The slope of log is 1 / sum(exp(z)), that of exp is exp: so the first
#    term sends each z[k] exp(z[k]) / sum(exp(z)) = p[k]. The second one sends z[t] -1, that is -y.
z = (x[:1] @ w + b).retain_grad()
loss = cross_entropy(z, y[:1])
page = ns.explain(loss, "07_softmax_cross_entropy.html", title="Lesson 7: p - y")
loss.backward()
p = softmax(z.data)
print(f"The first digit is a {digits.target[0]}; the loss is {loss:.3f}.\n")
print(f"{'':>8}", *(f"{digit:6}" for digit in range(10)))
for name, row in {"p": p, "y": y[:1], "p - y": p - y[:1], "z.grad": z.grad.data}.items():
    print(f"{name:>8}", *(f"{number:6.3f}" for number in row[0]))

# 3. Sure, and wrong: the larger the mistake, the larger the gradient, up to 1. The squared error of
#    p looks sensible too, but softmax is flat there: it learns least from its worst mistakes.
truth = np.array([[0.0, 1.0]])
print("\nThe gradient, when of two outputs the wrong one leads by")
print(f"{'':>20}", *(f"{lead:7}" for lead in (0, 2, 5, 10)))
for name, loss_of in {
    "cross-entropy": cross_entropy,
    "squared error of p": lambda z, y: np.sum((softmax(z) - y) ** 2),
}.items():
    gradients = [ns.grad(loss_of)(np.array([[lead, 0.0]]), truth)[0, 0] for lead in (0, 2, 5, 10)]
    print(f"{name:>20}", *(f"{gradient:7.4f}" for gradient in gradients))

# 4. All digits. With what we know we need no tape: this is the whole backward pass of the layer.
print("\nstep    loss   right")
for step in range(301):
    z = x @ w.data + b.data
    if step % 100 == 0:
        right = np.mean(z.argmax(axis=1) == digits.target)
        print(f"{step:4}{cross_entropy(z, y):8.3f}{right:8.1%}")
    g = (softmax(z) - y) / len(x)  # each row has its share of the mean
    w.data = w.data - 1.0 * (x.T @ g)
    b.data = b.data - 1.0 * g.sum(axis=0)
print(f"\nSee where p - y comes from: open {page.path} in a browser.")

# Exercise 1. The outputs are z = [2, 1, 0] and the truth is the last of the three. What is the
# gradient of the cross-entropy with respect to z? A list of three numbers, to three digits.
answer_1 = None

# Exercise 2. The cross-entropy of one row of outputs, when their place `truth` is the right one:
# def answer_2(z, truth), with NumPy. It will be asked about z = [1000, 0] as well.
answer_2 = None
