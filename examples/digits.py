"""Digits of 8 by 8 dots, and which of them it confuses.

The data are 1,797 digits written by 43 people on a tablet (Alpaydin and Kaynak, 1998), which
scikit-learn carries; an image is 64 numbers from 0 to 16.
"""

import sys

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.layers import Dense, Dropout
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run

# 1. The data: dots from 0 to 1, a quarter of the images held out.
images, digit = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images / 16, digit, test_size=0.25, stratify=digit, random_state=7
)

# 2. The network and its training.
model = Sequential()
model.add(Dense(128, activation="relu", input_dim=64))
model.add(Dropout(0.3))
model.add(Dense(64, activation="relu"))
model.add(Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=40, batch_size=32, validation_data=(x_test, y_test))

print(f"\n{'':>10}{'accuracy':>12}{'precision':>12}{'recall':>12}    (means over the digits)")
for name, x, y in (("training", x_train, y_train), ("held out", x_test, y_test)):
    answer = model.predict(x).argmax(axis=1)
    precision = precision_score(y, answer, average="macro")
    recall = recall_score(y, answer, average="macro")
    print(f"{name:>10}{accuracy_score(y, answer):>12.4f}{precision:>12.4f}{recall:>12.4f}")

# 3. The picture: how it learned, what it confuses, and the images that it found hardest.
probability = model.predict(x_test)
answer = probability.argmax(axis=1)
hardest = np.argsort(probability[np.arange(len(y_test)), y_test])[:20]
picture = sys.argv[1] if len(sys.argv) > 1 else "digits.png"
figure = plt.figure(figsize=(14, 4.6), layout="constrained")
left, middle, right = figure.subfigures(1, 3)
axes = left.subplots()
axes.plot(history.history["accuracy"], label="training, with dropout")
axes.plot(history.history["val_accuracy"], label="held out")
axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0.8, 1), title="Learning")
axes.legend()
ConfusionMatrixDisplay.from_predictions(
    y_test, answer, ax=middle.subplots(), colorbar=False, cmap="Blues"
)
middle.suptitle(f"Held out: accuracy {accuracy_score(y_test, answer):.3f}")
for axes, i in zip(right.subplots(4, 5).flat, hardest, strict=True):
    axes.imshow(x_test[i].reshape(8, 8), cmap="gray_r")
    if answer[i] == y_test[i]:
        axes.set_title(f"{answer[i]}", fontsize=9)
    else:
        axes.set_title(f"{y_test[i]} read as {answer[i]}", fontsize=9, color="red")
    axes.set(xticks=[], yticks=[])
right.suptitle("The hardest of those held out")
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
