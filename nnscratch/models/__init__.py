"""Models: layers that are trained together."""

from nnscratch.models.functional import Functional
from nnscratch.models.keras_files import load_keras_weights
from nnscratch.models.loading import load_model
from nnscratch.models.model import Model
from nnscratch.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "load_keras_weights", "load_model"]
