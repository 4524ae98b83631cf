"""Optimizers, with Keras's names, defaults and formulas."""

from nnscratch.naming import resolve
from nnscratch.optimizers.adam import Adam
from nnscratch.optimizers.optimizer import Optimizer
from nnscratch.optimizers.rmsprop import RMSprop
from nnscratch.optimizers.sgd import SGD

OPTIMIZERS: dict[str, type[SGD] | type[RMSprop] | type[Adam]] = {
    "adam": Adam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def get(identifier: str | Optimizer) -> Optimizer:
    """An optimizer from its name with Keras's defaults, or itself.

    Raises:
        ValueError: no optimizer has this name.
        TypeError: neither a name nor an optimizer.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            f"optimizer is a name such as 'adam' or an optimizer such as Adam(0.001), got "
            f"{identifier!r}: give one of these."
        )
    return resolve("optimizer", identifier, OPTIMIZERS)()


__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "get"]
