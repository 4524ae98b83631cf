"""Which of three wines? A network that one can look inside.

The data are chemical analyses of 178 wines from Piedmont (Forina, Armanino, Castino and Ubigli,
1986), which scikit-learn carries: 59 of Barolo, 71 of Grignolino, 48 of Barbera.
"""

import sys

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run

# 1. The data: standardised by what the training rows say, a third held out.
analyses, wine = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    analyses, wine, test_size=1 / 3, stratify=wine, random_state=7
)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

# 2. The network: 13 measurements are squeezed through two neurons, a point in a plane.
model = Sequential()
model.add(Dense(16, activation="relu", kernel_regularizer="l2", input_dim=13))
model.add(Dense(2))
model.add(Dense(3, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=80, batch_size=8, validation_data=(x_test, y_test))

print(f"\n{'':>10}{'accuracy':>12}{'precision':>12}{'recall':>12}    (means over the wines)")
for name, x, y in (("training", x_train, y_train), ("held out", x_test, y_test)):
    answer = model.predict(x).argmax(axis=1)
    precision = precision_score(y, answer, average="macro")
    recall = recall_score(y, answer, average="macro")
    print(f"{name:>10}{accuracy_score(y, answer):>12.4f}{precision:>12.4f}{recall:>12.4f}")

# 3. The picture: how it learned, and every wine as the two neurons see it.
squeeze, decide = Sequential(model.layers[:2]), Sequential(model.layers[2:])  # the same weights
picture = sys.argv[1] if len(sys.argv) > 1 else "wine.png"
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.plot(history.history["loss"], label="training")
left.plot(history.history["val_loss"], label="held out")
left.set(xlabel="epoch", ylabel="cross-entropy and penalty", ylim=(0, None), title="Learning")
left.legend()
edge = 1.1 * np.abs(squeeze.predict(x_train)).max()
side = np.linspace(-edge, edge, 200)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
colors = np.array([[0.70, 0.10, 0.20], [0.95, 0.65, 0.20], [0.35, 0.25, 0.65]])
mixed = decide.predict(plane).reshape(200, 200, 3) @ colors
right.imshow(1 - (1 - mixed) / 3, origin="lower", extent=(-edge, edge) * 2, aspect="auto")
for number, name in enumerate(("Barolo", "Grignolino", "Barbera")):
    right.scatter(*squeeze.predict(x_train[y_train == number]).T, s=15, color=colors[number])
    right.scatter(
        *squeeze.predict(x_test[y_test == number]).T,
        s=70, marker="*", color=colors[number], edgecolor="black", label=name,
    )  # fmt: skip
right.set(xlabel="first neuron", ylabel="second neuron", title="Inside; the stars are held out")
right.legend()
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
