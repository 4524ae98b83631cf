"""The first seed program, written for each contestant: the same data, network and logs.

1000 × 20 random numbers, Dense 64 relu, Dense 1 sigmoid, binary cross-entropy, RMSprop with
η = 0.001 and ρ = 0.9; 20 epochs in batches of 32, in a new order each; loss and accuracy of every
epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from nnscratch.layers import Dense
from nnscratch.models import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Logs = list[tuple[float, float]]  # loss and accuracy of each epoch
    Batches = Callable[[torch.Tensor, torch.Tensor], Iterable[Any]]

EPOCHS = 20
BATCH_SIZE = 32
STEPS = EPOCHS * 32

_generator = np.random.default_rng(0)
X = _generator.random((1000, 20))
Y = _generator.integers(2, size=(1000, 1))


class Nnscratch:
    """The program as it stands in `examples/keras_binary.py`."""

    def __init__(self) -> None:
        self.model = Sequential()
        self.model.add(Dense(64, activation="relu", input_dim=20))
        self.model.add(Dense(1, activation="sigmoid"))
        self.model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])

    def fit(self) -> Logs:
        """20 epochs."""
        logs = self.model.fit(X, Y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0).history
        return list(zip(logs["loss"], logs["accuracy"], strict=True))

    def step(self) -> None:
        """One batch: forward, backward, update, loss and accuracy."""
        self.model.train_on_batch(X[:BATCH_SIZE], Y[:BATCH_SIZE])

    def predict_row(self) -> Any:
        """The output for one row, an array."""
        return self.model.predict(X[:1], verbose=0)


class Keras:
    """The same program with Keras on its PyTorch backend."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.model = keras.Sequential(
            [
                keras.Input((20,)),
                keras.layers.Dense(64, activation="relu"),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        self.model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])

    def fit(self) -> Logs:
        """20 epochs."""
        torch.set_num_threads(self.threads)
        logs = self.model.fit(X, Y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0).history
        return list(zip(logs["loss"], logs["accuracy"], strict=True))

    def step(self) -> None:
        """One batch: forward, backward, update, loss and accuracy."""
        self.model.train_on_batch(X[:BATCH_SIZE], Y[:BATCH_SIZE])

    def predict_row(self) -> Any:
        """The output for one row, an array."""
        return self.model.predict(X[:1], verbose=0)


def loader(x: torch.Tensor, y: torch.Tensor) -> Iterable[Any]:
    """Batches as PyTorch's tutorials make them."""
    return DataLoader(TensorDataset(x, y), batch_size=BATCH_SIZE, shuffle=True)


def index(x: torch.Tensor, y: torch.Tensor) -> Iterable[Any]:
    """Batches by hand: one permutation, and the rows of each batch picked by it."""
    return ((x[i], y[i]) for i in torch.randperm(len(x)).split(BATCH_SIZE))


def permute(x: torch.Tensor, y: torch.Tensor) -> Iterable[Any]:
    """Batches by hand, faster still: all rows put in the new order once, then cut."""
    order = torch.randperm(len(x))
    return zip(x[order].split(BATCH_SIZE), y[order].split(BATCH_SIZE), strict=True)


class Torch:
    """A plain PyTorch loop; the data are in its dtype before the clock starts.

    Attributes:
        batches: how an epoch's batches are made: `loader`, `index` or `permute`.
        threads: of PyTorch.
    """

    def __init__(self, batches: Batches = permute, threads: int = 1, foreach: bool = False) -> None:
        self.batches = batches
        self.threads = threads
        self.network = torch.nn.Sequential(
            torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1), torch.nn.Sigmoid()
        )
        self.loss = torch.nn.BCELoss()
        self.optimizer = torch.optim.RMSprop(
            self.network.parameters(), lr=1e-3, alpha=0.9, eps=1e-7, foreach=foreach
        )
        self.x = torch.tensor(X, dtype=torch.float32)
        self.y = torch.tensor(Y, dtype=torch.float32)
        self.row = X[:1].astype(np.float32)

    def fit(self) -> Logs:
        """20 epochs."""
        torch.set_num_threads(self.threads)
        logs = []
        for _ in range(EPOCHS):
            loss = correct = 0.0
            for x, y in self.batches(self.x, self.y):
                batch_loss, batch_correct = self._learn(x, y)
                loss += batch_loss * len(x)
                correct += batch_correct
            logs.append((loss / len(self.x), correct / len(self.x)))
        return logs

    def step(self) -> None:
        """One batch: forward, backward, update, loss and accuracy."""
        self._learn(self.x[:BATCH_SIZE], self.y[:BATCH_SIZE])

    def predict_row(self) -> Any:
        """The output for one row, an array."""
        with torch.inference_mode():
            return self.network(torch.from_numpy(self.row)).numpy()

    def _learn(self, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        """The mean loss of a batch, and how many samples were on the right side."""
        probabilities = self.network(x)
        loss = self.loss(probabilities, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), ((probabilities > 0.5) == y).sum().item()
