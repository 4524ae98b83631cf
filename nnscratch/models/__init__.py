"""Models: layers that are trained together."""

from nnscratch.models.functional import Functional
from nnscratch.models.model import Model
from nnscratch.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
