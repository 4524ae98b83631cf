"""What is a house worth? A regression, and what it rests on.

The data are 506 districts of Boston with the median price of their houses (Harrison and Rubinfeld,
1978), a CSV file in the package mlxtend. One of its columns, B, was computed from the share of
Black people in a district, on the assumption that prices depend on it in a fixed way; nobody should
price houses by the colour of their neighbours, so the column is dropped before anything is learned.
"""

import sys
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nnscratch as ns
from nnscratch.layers import Dense
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run

# 1. The data: standardised by what the training rows say, a third held out.
names = ["crime", "lots", "industry", "river", "oxides", "rooms", "age", "jobs", "highway", "tax"]
names += ["pupils", "B", "poverty", "price"]
districts = pd.read_csv(files("mlxtend.data") / "data" / "boston_housing.csv", names=names)
districts = districts.drop(columns="B")
x, y = districts.drop(columns="price"), districts["price"]  # in thousands of dollars
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=1 / 3, random_state=7)
scaler = StandardScaler().set_output(transform="pandas").fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

# 2. The network and its training.
model = Sequential()
model.add(Dense(64, activation="relu", input_dim=12))
model.add(Dense(32, activation="relu"))
model.add(Dense(1))
model.compile("adam", "mse", metrics=["mae"])
history = model.fit(x_train, y_train, epochs=150, validation_data=(x_test, y_test), verbose=2)

print(f"\n{'':>10}{'R2':>12}{'mean absolute error':>22}")
for name, inputs, prices in (("training", x_train, y_train), ("held out", x_test, y_test)):
    guess = model.predict(inputs)[:, 0]
    error = mean_absolute_error(prices, guess)
    print(f"{name:>10}{r2_score(prices, guess):>12.4f}{error:>15.4f} 1000 $")

# 3. The picture: the guesses, and how much R2 falls when one column is shuffled among districts.
r2 = r2_score(y_test, guess)
random = np.random.default_rng(7)
falls = {}
for name in x_test:
    shuffled = [
        r2_score(y_test, model.predict(x_test.assign(**{name: random.permutation(x_test[name])})))
        for _ in range(20)
    ]
    falls[name] = r2 - np.mean(shuffled)
picture = sys.argv[1] if len(sys.argv) > 1 else "house_prices.png"
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
left.plot(history.history["mae"], label="training")
left.plot(history.history["val_mae"], label="held out")
left.set(xlabel="epoch", ylabel="mean absolute error (1000 $)", ylim=(0, 10), title="Learning")
left.legend()
middle.scatter(model.predict(x_train), y_train, s=8, alpha=0.4, label="training")
middle.scatter(guess, y_test, s=16, label="held out")
middle.plot([0, 50], [0, 50], color="grey", linestyle=":")
middle.set(xlabel="guess (1000 $)", ylabel="price (1000 $)", title=f"Held out: R2 {r2:.3f}")
middle.legend()
names = sorted(falls, key=falls.get)
right.barh(names, [falls[name] for name in names])
right.set(xlabel="fall of R2 when shuffled", title="What the guesses rest on")
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
