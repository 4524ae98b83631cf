"""Layers, with Keras's names, defaults and formulas."""

from nnscratch.layers.dense import Dense
from nnscratch.layers.layer import Layer
from nnscratch.layers.symbolic import Input

__all__ = ["Dense", "Input", "Layer"]
