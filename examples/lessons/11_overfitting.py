"""Learned by heart; dropout and early stopping.

A network with many weights can learn its examples by heart, mistakes and all: the loss on them goes
to zero, while on others it grows. So we hold others out, and look at those. Dropout switches units
off at random, so that none can rely on a few others. Early stopping goes back to the best epoch.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.callbacks import EarlyStopping
from nnscratch.layers import Dense, Dropout
from nnscratch.models import Sequential

# 1. 300 digits to learn from, of which somebody has labelled about one in five at random.
digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.data / 16 - 0.5, digits.target, train_size=300, stratify=digits.target, random_state=7
)
random = np.random.default_rng(7)
careless = random.random(300) < 0.2
y_train[careless] = random.integers(10, size=careless.sum())

# 2. Dropout, on a row of ones: what is left is made larger, so that the sum stays about the same.
#    After training it does nothing.
ns.random.seed(7)
row = np.ones((1, 12))
for when, training in (("in training", True), ("afterwards", False)):
    dropped = Dropout(0.25)(row, training=training)
    print(f"dropout of 0.25 {when:11}", *(f"{number:5.2f}" for number in dropped[0]))

# 3. The same network four times. What is held out tells when it begins to learn by heart. (Here it
#    also chooses the epoch to go back to; to judge a real network, hold out a third part.)
epochs = (1, 5, 10, 20, 40, 80)
print(f"\n{'':25}loss on the held out after epoch           right in the end")
print(f"{'':25}", *(f"{epoch:5}" for epoch in epochs), "   training  held out")
for rate, patience in ((0.0, None), (0.0, 10), (0.5, None), (0.5, 10)):
    ns.random.seed(7)
    model = Sequential([Dense(128, activation="relu"), Dropout(rate)])
    model.add(Dense(128, activation="relu"))
    model.add(Dropout(rate))
    model.add(Dense(10, activation="softmax"))
    adam = ns.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    # Stops when 10 epochs have brought nothing better, and goes back to the best one.
    stop = [EarlyStopping(patience=patience, restore_best_weights=True)] if patience else []
    held_out = (x_test, y_test)
    fit = model.fit(
        x_train, y_train, epochs=80, validation_data=held_out, callbacks=stop, verbose=0
    )
    losses = dict(zip(range(1, 81), fit.history["val_loss"], strict=False))
    scores = [model.evaluate(*data, verbose=0)[1] for data in ((x_train, y_train), held_out)]
    name = ("dropout" if rate else "no dropout") + (", stopped early" if patience else "")
    cells = (f"{losses[epoch]:5.2f}" if epoch in losses else "    -" for epoch in epochs)
    print(f"{name:25}", *cells, *(f"{score:10.1%}" for score in scores))
loss = ns.losses.SparseCategoricalCrossentropy()(y_train[:8], model(x_train[:8], training=True))
page = ns.explain(loss, "11_overfitting.html", title="Lesson 11: dropout")
print(f"\nSee what dropout switches off: open {page.path} in a browser.")

# Exercise 1. A unit has the output 3, and dropout of 0.2 lets it pass. What is passed on?
answer_1 = None

# Exercise 2. After which epoch was the best one, if training stops when `patience` epochs in a row
# have brought no lower loss? def answer_2(losses, patience) gives its number, the first one is 1.
# Later epochs do not count, even if they would have been better: they were never run.
answer_2 = None
