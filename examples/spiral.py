"""Three spiral arms: watch the decision boundary curl up.

The data are made up here: three arms of 200 points each, wound around each other with some noise,
a classic since Lang and Witbrock's two spirals (1988). No straight line tells them apart.
"""

import sys

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch.optimizers import Adam

ns.random.seed(7)  # the same numbers run after run

# 1. The data: on each arm the angle grows with the radius; a quarter is held out.
random = np.random.default_rng(7)
arm = np.repeat([0, 1, 2], 200)
radius = np.tile(np.linspace(0.05, 1, 200), 3)
angle = 2 * np.pi * (arm / 3 + 0.8 * radius) + random.normal(scale=0.15, size=600)
points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
x_train, x_test, y_train, y_test = train_test_split(points, arm, stratify=arm, random_state=7)

# 2. The network; between its lessons it colours the whole plane.
model = Sequential()
model.add(Dense(64, activation="tanh", input_dim=2))
model.add(Dense(64, activation="tanh"))
model.add(Dense(3, activation="softmax"))
model.compile(Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])

side = np.linspace(-1.15, 1.15, 240)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
colors = np.array([[0.85, 0.25, 0.20], [0.15, 0.50, 0.75], [0.95, 0.70, 0.15]])
figure, panels = plt.subplots(2, 3, figsize=(11, 7.6), layout="constrained")
done = 0
for panel, epochs in zip(panels.flat, (1, 40, 50, 60, 100, 300), strict=True):
    model.fit(x_train, y_train, epochs=epochs, initial_epoch=done, verbose=0)
    done = epochs
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"after {epochs:3} epochs: held out loss {loss:.4f}, accuracy {accuracy:.4f}")
    mixed = model.predict(plane, batch_size=8192).reshape(240, 240, 3) @ colors
    panel.imshow(1 - (1 - mixed) * 0.6, origin="lower", extent=(-1.15, 1.15, -1.15, 1.15))
    panel.scatter(*x_train.T, s=6, c=colors[y_train])
    panel.scatter(*x_test.T, s=18, c=colors[y_test], edgecolor="black", linewidth=0.6)
    panel.set(xticks=[], yticks=[], title=f"epoch {epochs}: held out {accuracy:.3f}")
figure.suptitle("Three arms; the points with a rim are held out")

print(f"\n{'':>10}{'accuracy':>12}{'precision':>12}{'recall':>12}    (means over the arms)")
for name, x, y in (("training", x_train, y_train), ("held out", x_test, y_test)):
    answer = model.predict(x).argmax(axis=1)
    precision = precision_score(y, answer, average="macro")
    recall = recall_score(y, answer, average="macro")
    print(f"{name:>10}{accuracy_score(y, answer):>12.4f}{precision:>12.4f}{recall:>12.4f}")

picture = sys.argv[1] if len(sys.argv) > 1 else "spiral.png"
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
