"""What 1/N has to do with the learning rate.

A loss can be the sum over N examples, or their mean. The two differ by a factor, 1/N, and so do all
gradients. With it the length of a step does not depend on how many examples were looked at. That is
why we may look at a few of them only, a batch: its gradient is a noisy guess at that of all.
"""

import numpy as np
from sklearn.datasets import load_digits

import nnscratch as ns

digits = load_digits()
x = digits.data / 16 - 0.5
y = np.eye(10)[digits.target]
random = np.random.default_rng(7)
w = ns.Tensor(random.normal(scale=0.1, size=(64, 10)), requires_grad=True)
b = ns.Tensor(np.zeros(10), requires_grad=True)

# Lesson 7 in one word. `from_logits` says that it gets z, and does the softmax itself.
the_mean = ns.losses.CategoricalCrossentropy(from_logits=True)
the_sum = ns.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")


def gradients(loss_of, rows):
    """The gradients of w and b for these rows."""
    w.zero_grad()
    b.zero_grad()
    loss_of(y[rows], x[rows] @ w + b).backward()
    return w.grad.data, b.grad.data


def train(loss_of, batch_size, learning_rate, epochs=3):
    """Look `epochs` times at all the digits, in batches; gives the mean loss at the end."""
    random = np.random.default_rng(7)
    w.data, b.data = np.zeros((64, 10)), np.zeros(10)
    for _ in range(epochs):
        for rows in np.split(random.permutation(len(x)), range(batch_size, len(x), batch_size)):
            for tensor, gradient in zip((w, b), gradients(loss_of, rows), strict=True):
                tensor.data = tensor.data - learning_rate * gradient
    return the_mean(y, x @ w.data + b.data).item()


page = ns.explain(the_mean(y[:8], x[:8] @ w + b), "08_mean_loss.html", title="Lesson 8: 1/N")

# 1. The sum grows with every example. The mean does not, and its noise fades: with four times as
#    many examples it comes twice as near to the gradient of all of them.
of_all, _ = gradients(the_mean, np.arange(len(x)))
print("The gradient of w for a batch, how long it is on average (and how far from that of all)\n")
print("batch   of the sum   of the mean")
for size in (1, 4, 16, 64, 256, 1024):
    batches = [random.choice(len(x), size) for _ in range(30)]
    sums = [gradients(the_sum, rows)[0] for rows in batches]
    means = [gradients(the_mean, rows)[0] for rows in batches]
    length = np.linalg.norm(sums, axis=(1, 2)).mean(), np.linalg.norm(means, axis=(1, 2)).mean()
    far = np.linalg.norm(means - of_all, axis=(1, 2)).mean()
    print(f"{size:5}{length[0]:13.2f}{length[1]:14.2f}   ({far:.2f})")

# 2. So the sum wants a smaller learning rate the larger the batch, or it overshoots. For the mean
#    the rates stay in one range, and a larger batch, less noisy, can afford a larger one.
rates = (0.003, 0.03, 0.3, 3.0)
print(f"\nThe mean loss after three looks at all digits (at first it is {np.log(10):.2f})\n")
print("      learning rate", *(f"{rate:8g}" for rate in rates))
for name, loss_of in {"the sum": the_sum, "the mean": the_mean}.items():
    for size in (8, 64, 512):
        losses = [train(loss_of, size, rate) for rate in rates]
        print(f"{name:>8}, batch {size:4}", *(f"{loss:8.2f}" for loss in losses))
print(f"\nSee where 1/N comes in: open {page.path} in a browser.")

# Exercise 1. Somebody trains well with the sum, batches of 32 and a learning rate of 0.01. Which
# learning rate gives the same steps with the mean?
answer_1 = None

# Exercise 2. A batch is too large for the memory, so it is cut into parts. Given is the gradient of
# the mean loss of each part, and each part's size, which may differ. What is the gradient of the
# mean loss of the whole batch? def answer_2(gradients, sizes), with lists of arrays and of numbers.
answer_2 = None
