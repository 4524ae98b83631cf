"""A multilayer perceptron of MNIST's size, written for each contestant.

784-512-512-10, relu and softmax, sparse categorical cross-entropy, Adam with η = 0.001; batches of
128 in a new order each epoch. The data are random numbers in float32 before the clock starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from nnscratch.layers import Dense
from nnscratch.models import Sequential
from nnscratch_kernels.devices import checked_device, to_device

EPOCHS = 3
BATCH_SIZE = 128
BATCHES = 20
STEPS = EPOCHS * BATCHES

_generator = np.random.default_rng(0)
X = _generator.random((BATCHES * BATCH_SIZE, 784), dtype=np.float32)
Y = _generator.integers(10, size=len(X))


class Nnscratch:
    """The network as a Keras program has it, on NumPy's BLAS or on a GPU.

    Attributes:
        threads: of BLAS.
    """

    def __init__(self, threads: int = 1, device: str = "cpu") -> None:
        """Make the network, and bring the data to its device."""
        self.threads = threads
        self.blas = ThreadpoolController().select(user_api="blas")
        self.model = Sequential(
            [
                Dense(512, activation="relu", input_shape=(784,)),
                Dense(512, activation="relu"),
                Dense(10, activation="softmax"),
            ]
        )
        self.model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        self.model.to(device)
        self.x, self.y = (to_device(array, checked_device(device)) for array in (X, Y))

    def fit(self) -> list[float]:
        """The mean loss of each epoch."""
        with self.blas.limit(limits=self.threads):
            history = self.model.fit(
                self.x, self.y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0
            )
        losses: list[float] = history.history["loss"]
        return losses

    def step(self) -> None:
        """One batch: forward, backward, update, and the loss."""
        self.model.train_on_batch(self.x[:BATCH_SIZE], self.y[:BATCH_SIZE])


class Torch:
    """The same network in a plain PyTorch loop, with the softmax inside the loss.

    Attributes:
        threads: of PyTorch.
    """

    def __init__(self, threads: int = 1, device: str = "cpu", **implementation: Any) -> None:
        """Choose the threads, the device and Adam's implementation, such as `fused=True`."""
        import torch  # which nnscratch alone can do without

        self.torch = torch
        self.threads = threads
        self.network = torch.nn.Sequential(
            torch.nn.Linear(784, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 10),
        ).to(device)
        self.loss = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=1e-3, eps=1e-7, **implementation
        )
        self.x = torch.from_numpy(X).to(device)
        self.y = torch.from_numpy(Y).to(device)

    def fit(self) -> list[float]:
        """The mean loss of each epoch."""
        self.torch.set_num_threads(self.threads)
        return [self._epoch() / len(self.x) for _ in range(EPOCHS)]

    def step(self) -> None:
        """One batch: forward, backward, update, and the loss."""
        self._learn(self.x[:BATCH_SIZE], self.y[:BATCH_SIZE]).item()

    def _epoch(self) -> float:
        """The sum of the samples' losses; all rows are put in the new order once, then cut."""
        order = self.torch.randperm(len(self.x), device=self.x.device)
        batches: Any = zip(
            self.x[order].split(BATCH_SIZE), self.y[order].split(BATCH_SIZE), strict=True
        )
        total: Any = sum(self._learn(x, y) * len(x) for x, y in batches)
        return float(total.item())  # once, since a GPU is waited for here

    def _learn(self, x: Any, y: Any) -> Any:
        """The mean loss of a batch, a tensor."""
        loss = self.loss(self.network(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()
