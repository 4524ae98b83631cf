"""Optimizers, with Keras's names, defaults and formulas."""

from typing import Any

from nnscratch.configuration import deserialize
from nnscratch.naming import resolve
from nnscratch.optimizers import schedules
from nnscratch.optimizers.adadelta import Adadelta
from nnscratch.optimizers.adagrad import Adagrad
from nnscratch.optimizers.adam import Adam, AdamW
from nnscratch.optimizers.adamax import Adamax
from nnscratch.optimizers.ftrl import Ftrl
from nnscratch.optimizers.lion import Lion
from nnscratch.optimizers.nadam import Nadam
from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.rmsprop import RMSprop
from nnscratch.optimizers.sgd import SGD

_CLASSES = (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion)

OPTIMIZERS: dict[str, Any] = {kind.__name__.lower(): kind for kind in _CLASSES}
"""The optimizers by the names that Keras gives them as strings."""


def get(identifier: str | dict[str, Any] | Optimizer) -> Optimizer:
    """An optimizer from its name with Keras's defaults, from its configuration, or itself.

    Raises:
        ValueError: no optimizer has this name; the message lists the near matches.
        TypeError: none of these.
    """
    if isinstance(identifier, str):
        named: Optimizer = resolve("optimizer", identifier, OPTIMIZERS)()
        return named
    made = identifier
    if isinstance(identifier, dict):
        known = {kind.__name__: kind for kind in _CLASSES}
        known |= {name: getattr(schedules, name) for name in schedules.__all__}
        made = deserialize(identifier, known)
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"optimizer is a name such as 'adam' or an optimizer such as Adam(0.001), got "
            f"{identifier!r}: give one of these."
        )
    return made


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]
