"""Benign or malignant? The first program, on real data.

The data are 569 biopsies of breast tumours with 30 measurements each (Wolberg, Street and
Mangasarian, University of Wisconsin 1995), which scikit-learn carries.
"""

import sys

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.metrics import Precision, Recall
from nnscratch.models import Sequential
from nnscratch.optimizers import RMSprop

ns.random.seed(7)  # the same numbers run after run

# 1. The data: standardised by what the training rows say, a quarter held out.
measurements, benign = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    measurements, 1 - benign, test_size=0.25, stratify=benign, random_state=7
)  # 1 means malignant
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

# 2. The network and its training.
model = Sequential()
model.add(Dense(64, activation="relu", input_dim=30))
model.add(Dense(1, activation="sigmoid"))
model.compile(
    loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy", Precision(), Recall()]
)
print(f"Training on {len(x_train)} tumours")
first = model.fit(x_train, y_train, epochs=20, batch_size=32, validation_data=(x_test, y_test))

print(f"\nHeld out: {len(x_test)} tumours that the network has not seen")
before = model.evaluate(x_test, y_test, return_dict=True)

# 3. Fine-tuning: the same weights go on learning, in steps of a third.
print("\nFine-tuning with a third of the learning rate")
model.compile(
    loss="binary_crossentropy",
    optimizer=RMSprop(learning_rate=0.0003),
    metrics=["accuracy", Precision(), Recall()],
)
second = model.fit(x_train, y_train, epochs=30, initial_epoch=20, validation_data=(x_test, y_test))
after = model.evaluate(x_test, y_test, return_dict=True)

print(f"\n{'held out':>12}{'trained':>12}{'fine-tuned':>12}")
for name in ("loss", "accuracy", "precision", "recall"):
    print(f"{name:>12}{before[name]:>12.4f}{after[name]:>12.4f}")

# 4. The picture: how it learned, and what it says of each tumour held out.
picture = sys.argv[1] if len(sys.argv) > 1 else "breast_cancer.png"
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
epochs = range(1, 31)
left.plot(epochs, first.history["loss"] + second.history["loss"], label="training")
left.plot(epochs, first.history["val_loss"] + second.history["val_loss"], label="held out")
left.axvline(20.5, color="grey", linestyle=":", label="fine-tuning starts")
left.set(xlabel="epoch", ylabel="binary cross-entropy", ylim=(0, None), title="Learning")
left.legend(loc="center right")
probability = model.predict(x_test)[:, 0]
bins = [i / 20 for i in range(21)]
right.hist(
    [probability[y_test == 0], probability[y_test == 1]],
    bins, stacked=True, label=["benign", "malignant"],
)  # fmt: skip
right.set(xlabel="predicted probability of malignancy", ylabel="tumours held out")
right.set_title(f"Held out: accuracy {after['accuracy']:.3f}, recall {after['recall']:.3f}")
right.legend()
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
