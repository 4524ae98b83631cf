"""The gradient of a product is two products.

A layer is y = x @ w + b: each unit has a column of w, and looks at all four lengths of a flower
instead of one. Our two rules are enough to find its gradients: slopes along a path multiply, what
arrives is added. Done for all numbers at once, they make two matrix products again.
"""

import numpy as np
from sklearn.datasets import load_iris

import nnscratch as ns

# 1. 150 irises of three kinds. One unit for each kind: 1 for its own flowers, 0 for the others.
iris = load_iris()
x = ns.Tensor(iris.data - iris.data.mean(axis=0), requires_grad=True)
target = np.eye(3)[iris.target]  # (150, 3)
w = ns.Tensor(np.random.default_rng(7).normal(size=(4, 3)), requires_grad=True)
b = ns.Tensor(np.zeros(3), requires_grad=True)


def forward():
    y = (x @ w + b).retain_grad()  # (150, 4) @ (4, 3) + (3,)
    return y, np.sum((y - target) ** 2) / len(x)


y, loss = forward()
page = ns.explain(loss, "05_matrix_product.html", title="Lesson 5: a layer")
loss.backward()
g = y.grad.data

# 2. With nothing but the two rules. y[i, j] = x[i, 0] * w[0, j] + ... + x[i, 3] * w[3, j] + b[j],
#    so g[i, j] sends a contribution to each x[i, k], and one to each w[k, j].
x_loops, w_loops = np.zeros((150, 4)), np.zeros((4, 3))
for i in range(150):
    for j in range(3):
        for k in range(4):
            x_loops[i, k] += g[i, j] * w.data[k, j]
            w_loops[k, j] += g[i, j] * x.data[i, k]

# 3. All at once. For x the sum runs along j: a row of g meets a row of w, so it is g @ w.T.
#    For w it runs along i: a column of x meets a column of g, so it is x.T @ g.
x_product, w_product = g @ w.data.T, x.data.T @ g
print("The gradient of x (first flower), of shape", x_product.shape)
for name, gradient in (("loops", x_loops), ("g @ w.T", x_product), ("x.grad", x.grad.data)):
    print(f"{name:>9}", *(f"{number:9.5f}" for number in gradient[0]))
print("\nThe gradient of w (first unit), of shape", w_product.shape)
for name, gradient in (("loops", w_loops), ("x.T @ g", w_product), ("w.grad", w.grad.data)):
    print(f"{name:>9}", *(f"{number:9.5f}" for number in gradient[:, 0]))

# The shapes alone would tell: no other product of g, (150, 3), with w or x has the shape needed.
largest = max(np.abs(x_loops - x.grad.data).max(), np.abs(w_loops - w.grad.data).max())
print(f"\nOf all {x.size + w.size} numbers, loops and nnscratch differ by {largest:.0e} at most.")

# 4. The layer learns; the unit that says most wins.
print("\nstep     loss    right")
for step in range(501):
    y, loss = forward()
    if step % 100 == 0:
        right = np.mean(y.data.argmax(axis=1) == iris.target)
        print(f"{step:4}{loss:9.4f}{right:9.1%}")
    w.zero_grad()
    b.zero_grad()
    loss.backward()
    w.data = w.data - 0.05 * w.grad.data
    b.data = b.data - 0.05 * b.grad.data
print(f"\nSee rows meet columns: open {page.path} in a browser.")

# Exercise 1. x = [[1, 2]], w = [[3, 4], [5, 6]], and the loss is the sum of all numbers in x @ w.
# What is the gradient of w? On paper; put nested lists, or an array, in place of None.
answer_1 = None

# Exercise 2. PyTorch keeps the weights of a layer the other way round: y = x @ w.T. What is the
# gradient of w, when that of y is g? def answer_2(x, w, g), with NumPy.
answer_2 = None
