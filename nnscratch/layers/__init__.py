"""Layers, with Keras's names, defaults and formulas."""

from nnscratch.layers.dense import Dense
from nnscratch.layers.layer import Layer

__all__ = ["Dense", "Layer"]
