"""The second seed program, written for each contestant: the data and calls of keras_multiclass.py.

The passengers of the Titanic whose data are complete, Dense 64 relu twice and Dense 3 softmax,
sparse categorical cross-entropy, Adam; 10 epochs in batches of 32, each with an evaluation of the
rows held out; loss and accuracy of both.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import keras
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nnscratch as ns

EPOCHS = 10
BATCH_SIZE = 32

_data = pd.read_csv(str(files("sample_data") / "data" / "titanic.csv"))
_data = _data[["pclass", "survived", "age", "sibsp", "parch", "fare"]].dropna()
_x_train, _x_test, Y_TRAIN, Y_TEST = train_test_split(
    _data.drop(columns="pclass"), _data["pclass"] - 1, test_size=0.2, random_state=42
)
_scaler = StandardScaler()
X_TRAIN = _scaler.fit_transform(_x_train)
X_TEST = _scaler.transform(_x_test)


class Program:
    """The program with the layers and models of one library."""

    def __init__(self, library: Any) -> None:
        """Build and compile with `library.layers` and `library.models`."""
        layers = library.layers
        self.model = library.models.Sequential(
            [
                layers.Input((X_TRAIN.shape[1],)),  # Keras warns about Dense's input_shape
                layers.Dense(64, activation="relu"),
                layers.Dense(64, activation="relu"),
                layers.Dense(3, activation="softmax"),
            ]
        )
        self.model.compile(
            optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
        )

    def fit(self) -> dict[str, list[float]]:
        """10 epochs; the history."""
        logs: dict[str, list[float]] = self.model.fit(
            X_TRAIN,
            Y_TRAIN,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            validation_data=(X_TEST, Y_TEST),
            verbose=0,
        ).history
        return logs

    def predict_row(self) -> Any:
        """The outputs for one row, an array."""
        return self.model.predict(X_TEST[:1], verbose=0)


class Nnscratch(Program):
    """The program as it stands in `examples/keras_multiclass.py`."""

    def __init__(self) -> None:
        super().__init__(ns)

    def call_row(self) -> Any:
        """The outputs for one row by calling the model, an array."""
        with ns.no_grad():
            return self.model(X_TEST[:1]).numpy()


class Keras(Program):
    """The same program with Keras on its PyTorch backend.

    Attributes:
        threads: of PyTorch.
    """

    def __init__(self, threads: int = 1) -> None:
        super().__init__(keras)
        self.threads = threads

    def fit(self) -> dict[str, list[float]]:
        """10 epochs; the history."""
        torch.set_num_threads(self.threads)
        return super().fit()

    def call_row(self) -> Any:
        """The outputs for one row by calling the model, an array."""
        with torch.inference_mode():
            return self.model(X_TEST[:1]).numpy()
