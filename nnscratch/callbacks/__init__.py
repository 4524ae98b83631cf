"""Callbacks: what runs at the corners of training, with Keras's names and order."""

from nnscratch.callbacks.callback import Callback, CallbackList, Logs
from nnscratch.callbacks.history import History

__all__ = ["Callback", "CallbackList", "History", "Logs"]
