"""What broadcasting repeats, the gradient sums.

From here on a tensor is an array. In x * w + b NumPy repeats the small arrays w and b until they
fit x. A number that is repeated 150 times is used 150 times, so it receives 150 contributions, and
they are added. That is all: the gradient is summed over the axes along which NumPy repeated.
"""

import numpy as np
from sklearn.datasets import load_iris

import nnscratch as ns

# 1. 150 irises, four lengths of each in cm. Which length tells an Iris setosa from the two others?
#    Each column of y = x * w + b shall come near the target: -1 for setosa, 1 for the others.
iris = load_iris()
x = iris.data
target = np.where(iris.target == 0, -1.0, 1.0)[:, None]  # (150, 1)
w = ns.Tensor(np.zeros(4), requires_grad=True)
b = ns.Tensor(np.zeros(4), requires_grad=True)


def forward():
    y = (x * w + b).retain_grad()  # (150, 4) * (4,) + (4,): w and b serve all the flowers
    return y, np.sum((y - target) ** 2) / len(x)


y, loss = forward()
page = ns.explain(loss, "04_broadcasting.html", title="Lesson 4: broadcasting")
loss.backward()
g = y.grad.data
print(f"The gradient g of y has the shape {g.shape}. The gradients of w and b:\n")
for name, gradient in {
    "sum of x * g": (x * g).sum(axis=0),  # w grows: the y of each flower grows x times as much
    "w.grad": w.grad.data,
    "sum of g": g.sum(axis=0),  # b grows: the y of each flower grows as much
    "b.grad": b.grad.data,
}.items():
    print(f"{name:>14} {gradient.shape}", *(f"{number:10.4f}" for number in gradient))

# 2. Without the sum nobody would complain: NumPy repeats b, and each flower gets one of its own.
wrong = b.data - 0.05 * g
print(f"\nb has the shape {b.shape}, but b - 0.05 * g has {wrong.shape}: {wrong.size} numbers!")

# 3. With the sum it learns.
for _ in range(3000):
    w.zero_grad()
    b.zero_grad()
    y, loss = forward()
    loss.backward()
    w.data = w.data - 0.02 * w.grad.data
    b.data = b.data - 0.02 * b.grad.data
right = np.mean(np.sign(y.data) == target, axis=0)
print("\nSetosa or not, by one length alone:\n")
for name, share in zip(iris.feature_names, right, strict=True):
    print(f"{name:>20}: {share:4.0%} right")


# 4. Over which axes? NumPy lines shapes up from the right. It repeats along an axis where the array
#    has the length 1, and along those at the left that the array does not have.
def sum_to(shape, g):
    """Sum g to the shape of an array that was repeated; also gives the axes."""
    missing = g.ndim - len(shape)
    padded = (1,) * missing + shape
    axes = tuple(axis for axis in range(g.ndim) if padded[axis] == 1 and g.shape[axis] > 1)
    return g.sum(axis=axes).reshape(shape), axes


print(f"\nTo x of shape {x.shape} we add an array; g is summed over\n")
for shape in ((150, 4), (4,), (1, 4), (150, 1), (1, 1), ()):
    array = ns.Tensor(np.zeros(shape), requires_grad=True)
    (x + array).backward(g)
    summed, axes = sum_to(shape, g)
    same = np.allclose(summed, array.grad.data) and summed.shape == array.grad.shape
    print(f"{shape!s:>14}: {'axes ' + str(axes) if axes else 'no axis':12}", end="")
    print("the same as nnscratch" if same else "nnscratch differs")
print(f"\nSee the sums: open {page.path} in a browser.")

# Exercise 1. x has the shape (8, 1, 5) and w the shape (3, 1). Over which axes of its gradient is
# that of w summed, when y = x * w has the shape (8, 3, 5)? A tuple, as in the list above.
answer_1 = None

# Exercise 2. y = x / n divides each row of x (rows, columns) by its number in n (rows, 1). What is
# the gradient of n, when that of y is g? def answer_2(x, n, g), with NumPy.
answer_2 = None
