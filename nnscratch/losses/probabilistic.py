"""Losses of distributions and counts: the Kullback-Leibler divergence and the Poisson loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch.losses.base import EPSILON, BuiltInLoss


class KLDivergence(BuiltInLoss):
    """L = Σ_j y_j ln(y_j / ŷ_j), both clipped to [1e-7, 1] (Kullback and Leibler 1951)."""

    pointwise = False

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, classes) to (batch,)."""
        target, prediction = np.clip(y_true, EPSILON, 1), np.clip(y_pred, EPSILON, 1)
        return np.sum(target * np.log(target / prediction), axis=-1)


class Poisson(BuiltInLoss):
    """L = mean over outputs of ŷ - y ln(ŷ + 1e-7): counts y whose expectation is ŷ."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) to (batch,)."""
        return np.mean(y_pred - y_true * np.log(y_pred + EPSILON), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """The L of `KLDivergence` for each sample."""
    return KLDivergence().each(y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """The L of `Poisson` for each sample."""
    return Poisson().each(y_true, y_pred)
