"""Who survived the Titanic? Missing ages, text categories.

The data are 891 passengers from the passenger lists of the Encyclopedia Titanica; the package
sample-data carries them as a CSV file. Of 177 passengers the age is missing, of 2 the port.
"""

import sys
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nnscratch as ns
from nnscratch.layers import Dense, Dropout
from nnscratch.metrics import Precision, Recall
from nnscratch.models import Sequential

ns.random.seed(7)  # the same numbers run after run

# 1. The data, three tenths held out. What is missing is filled with what is usual in training.
passengers = pd.read_csv(files("sample_data") / "data" / "titanic.csv")
train, test = train_test_split(
    passengers, test_size=0.3, stratify=passengers["survived"], random_state=7
)
usual = {"age": train["age"].median(), "embarked": train["embarked"].mode()[0]}


def encode(people):
    """As numbers: each category of a text becomes a column of zeros and ones."""
    people = people[["pclass", "sex", "age", "sibsp", "parch", "fare", "embarked"]]
    people = people.assign(age_known=people["age"].notna())
    return pd.get_dummies(people.fillna(usual), columns=["pclass", "sex", "embarked"], dtype=float)


scaler = StandardScaler().set_output(transform="pandas").fit(encode(train))
names = scaler.feature_names_in_
x_train, x_test = scaler.transform(encode(train)), scaler.transform(encode(test)[names])
y_train, y_test = train["survived"], test["survived"]

# 2. The network and its training.
model = Sequential([Dense(64, activation="relu"), Dropout(0.3), Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy", Precision(), Recall()])
history = model.fit(x_train, y_train, epochs=60, validation_data=(x_test, y_test))
scores = {
    "training": model.evaluate(x_train, y_train, verbose=0, return_dict=True),
    "held out": model.evaluate(x_test, y_test, verbose=0, return_dict=True),
}
print(f"\n{pd.DataFrame(scores).T[['accuracy', 'precision', 'recall']].round(4)}")

# 3. The picture: how it learned, and what it thinks of people who were never there.
picture = sys.argv[1] if len(sys.argv) > 1 else "titanic.png"
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.plot(history.history["loss"], label="training, with dropout")
left.plot(history.history["val_loss"], label="held out")
left.set(xlabel="epoch", ylabel="binary cross-entropy")
left.set_title(f"Held out: accuracy {scores['held out']['accuracy']:.3f}")
left.legend()
for sex, style in (("female", "-"), ("male", "--")):
    for pclass, color in ((1, "tab:blue"), (2, "tab:orange"), (3, "tab:red")):
        fare = train.loc[train["pclass"] == pclass, "fare"].median()
        someone = {"sex": sex, "pclass": pclass, "fare": fare, "sibsp": 0, "parch": 1, **usual}
        people = pd.DataFrame([someone | {"age": float(age)} for age in range(81)])
        numbers = scaler.transform(encode(people).reindex(columns=names, fill_value=0.0))
        right.plot(model.predict(numbers)[:, 0], style, color=color, label=f"{sex}, class {pclass}")
right.set(xlabel="age", ylabel="predicted probability of survival", ylim=(0, 1))
right.set_title("What it learned: someone with one parent or child aboard")
right.legend(ncols=2, loc="upper right", bbox_to_anchor=(1, 0.7))
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
