"""A whole engine in forty lines teaches a neuron.

A neuron multiplies, adds and bends: y = tanh(w1 * x1 + w2 * x2 + b). To learn, it must know by how
much the loss grows when w1 grows a little, or w2, or b: their gradients. The class below finds all
of them in one walk, and nnscratch finds the same.
"""

import numpy as np

import nnscratch as ns


# 1. The engine: numbers that remember what they were made from.
class Value:
    """A number, its parents (what it was made from), and how steeply it grows with each."""

    count = 0

    def __init__(self, data, parents=(), slopes=()):
        self.data, self.grad = data, 0.0
        self.parents, self.slopes = parents, slopes
        self.serial = Value.count = Value.count + 1  # always greater than those of its parents

    def __add__(self, other):  # one summand grows by a bit: the sum grows by that bit
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):  # one factor grows by a bit: the product by that times the other
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):  # the derivative of tanh(z) is 1 - tanh(z)²
        y = np.tanh(self.data)
        return Value(y, (self,), (1 - y * y,))

    def backward(self):
        """Fill `grad` of every value that this one was made from."""
        found, waiting = {self}, [self]
        while waiting:
            new = set(waiting.pop().parents) - found
            found |= new
            waiting += new
        self.grad = 1.0  # a number grows as fast as itself
        for value in sorted(found, key=lambda value: value.serial, reverse=True):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad += value.grad * slope  # the chain rule: slopes along a path multiply


# 2. A neuron that shall learn the word "and"; 1 means yes, -1 means no.
AND = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, -1)]  # x1, x2, and what y should be


def loss_of(kind, w1, w2, b, examples=AND):
    """The sum of the squared errors, computed with one kind of number: Value or ns.Tensor."""
    loss = kind(0.0)
    for x1, x2, target in examples:
        y = np.tanh(w1 * kind(x1) + w2 * kind(x2) + b)  # NumPy asks each kind for its own tanh
        error = y + kind(-target)
        loss = loss + error * error
    return loss


start = [0.5, -0.75, 0.25]  # w1, w2, b
ours = [Value(number) for number in start]
theirs = w1, w2, b = [ns.Tensor(number, requires_grad=True) for number in start]

# 3. The gradients. To be sure of them: turn one number a little, and look what the loss does.
our, their = loss_of(Value, *ours), loss_of(ns.Tensor, *theirs)
our.backward()
their.backward()
turned = []
for i in range(3):
    nearby = [Value(number + 1e-6 * (i == j)) for j, number in enumerate(start)]
    turned.append((loss_of(Value, *nearby).data - our.data) / 1e-6)
print("gradient of             w1       w2        b")
print("turned a little", *(f"{slope:9.4f}" for slope in turned))
print("our engine     ", *(f"{number.grad:9.4f}" for number in ours))
print("nnscratch      ", *(f"{number.grad:9.4f}" for number in theirs))

# 4. Learning: turn every number against its gradient, again and again.
print("\nstep       loss: our engine   nnscratch")
for step in range(101):
    if step % 25 == 0:
        print(f"{step:4}{our.data:23.4f}{their:12.4f}")
    ours = [Value(number.data - 0.1 * number.grad) for number in ours]
    theirs = [ns.Tensor(n.data - 0.1 * n.grad.data, requires_grad=True) for n in theirs]
    our, their = loss_of(Value, *ours), loss_of(ns.Tensor, *theirs)
    our.backward()
    their.backward()

loss = loss_of(ns.Tensor, w1, w2, b, AND[:1])
page = ns.explain(loss, "01_one_neuron.html", title="Lesson 1: one neuron")
print(f"\nThe first example, step by step: open {page.path} in a browser.")

# Exercise 1. y = tanh(w * x + b), with w = 2, x = 0.75 and b = -1. What is the gradient of y with
# respect to x? By hand or with Value: put the number, to three digits, in place of None.
answer_1 = None

# Exercise 2. Teach the engine the exponential function: def answer_2(value), which gives a Value.
# np.exp(z) is everywhere as steep as it is high.
answer_2 = None
