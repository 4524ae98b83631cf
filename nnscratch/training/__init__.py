"""Training: the loop over batches, its callbacks and what it prints."""

from nnscratch.callbacks import Callback, History
from nnscratch.training.trainer import Trainer

__all__ = ["Callback", "History", "Trainer"]
