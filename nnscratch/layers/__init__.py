"""Layers, with Keras's names, defaults and formulas."""

from nnscratch.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from nnscratch.layers.dense import Dense
from nnscratch.layers.embedding import Embedding
from nnscratch.layers.layer import Layer
from nnscratch.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from nnscratch.layers.normalization import (
    BatchNormalization,
    LayerNormalization,
    UnitNormalization,
)
from nnscratch.layers.pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from nnscratch.layers.preprocessing import Normalization, Rescaling
from nnscratch.layers.regularization import (
    ActivityRegularization,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from nnscratch.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from nnscratch.layers.shape_preserving import Identity
from nnscratch.layers.symbolic import Input

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Identity",
    "Input",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
    "UnitNormalization",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
