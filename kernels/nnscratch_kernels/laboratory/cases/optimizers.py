"""Cases of the optimizers' steps, in the middle of a training.

PyTorch's are its own optimizers with their fused kernel, where they have one. Its ε stands
elsewhere in some of them, so their numbers differ a little from ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels.laboratory.cases.declaring import Draw, Prepared, Recipe

RATE = {"learning_rate": 1e-3}
ADAM = {**RATE, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {**RATE, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7}
SGD = {**RATE, "momentum": 0.9, "nesterov": False}


def _state(signed: int, positive: int, absent: int = 0) -> Any:
    """Values, gradients and so many slots of either sign, of positive numbers, and None."""

    def arguments(draw: Draw) -> tuple[Any, ...]:
        slots = [draw.normal(scale=0.1) for _ in range(signed)]
        return (
            draw.normal(),
            draw.normal(scale=0.1),
            *slots,
            *(draw.positive() for _ in range(positive)),
            *[None] * absent,
        )

    return arguments


def _torch(name: str, **options: Any) -> Prepared:
    """A step of an optimizer of PyTorch, after one that has made its slots."""

    def make(torch: Any, values: Any, gradients: Any, *_: Any) -> Any:
        values.grad = gradients
        optimizer = getattr(torch.optim, name)([values], lr=1e-3, **options)
        optimizer.step()
        return lambda: optimizer.step()

    return Prepared(make, same=False)


def _step(
    kernel: str,
    state: Any,
    operations: float,
    options: dict[str, Any],
    torch: Prepared | None = None,
) -> Recipe:
    """A case of which all arrays but the gradients are changed."""
    changes = (0, *range(2, len(state(Draw(1, np.dtype(np.float64))))))
    return Recipe(
        kernel,
        state,
        lambda values, *_: operations * values.size,
        options,
        changes,
        torch=torch,
    )


RECIPES = {
    "sgd_step": _step("sgd_step", _state(1, 0), 4, SGD, _torch("SGD", momentum=0.9, fused=True)),
    "sgd_step (plain)": _step(
        "sgd_step", _state(0, 0, 1), 2, {**SGD, "momentum": 0.0}, _torch("SGD", fused=True)
    ),
    "sgd_step (Nesterov)": _step(
        "sgd_step",
        _state(1, 0),
        6,
        {**SGD, "nesterov": True},
        _torch("SGD", momentum=0.9, nesterov=True, fused=True),
    ),
    "rmsprop_step": _step(
        "rmsprop_step", _state(0, 1, 2), 9, RMSPROP, _torch("RMSprop", foreach=True)
    ),
    "rmsprop_step (centered)": _step(
        "rmsprop_step",
        lambda draw: (*_state(0, 1)(draw), 0.1 * draw.positive(), None),
        12,
        {**RMSPROP, "epsilon": 0.1},
        _torch("RMSprop", centered=True, foreach=True),
    ),
    "rmsprop_step (centered, momentum)": _step(
        "rmsprop_step",
        lambda draw: (*_state(0, 1)(draw), 0.1 * draw.positive(), draw.normal(scale=0.1)),
        16,
        {**RMSPROP, "momentum": 0.9, "epsilon": 0.1},
        _torch("RMSprop", centered=True, momentum=0.9, foreach=True),
    ),
    "adam_step": _step(
        "adam_step",
        _state(1, 1, 1),
        12,
        {**ADAM, "step": 5},
        _torch("Adam", fused=True),
    ),
    "adam_step (AMSGrad)": _step(
        "adam_step",
        _state(1, 2),
        13,
        {**ADAM, "step": 5},
        _torch("Adam", amsgrad=True, fused=True),
    ),
    "adagrad_step": _step(
        "adagrad_step", _state(0, 1), 7, {**RATE, "epsilon": 1e-7}, _torch("Adagrad", fused=True)
    ),
    "adadelta_step": _step(
        "adadelta_step",
        _state(0, 2),
        15,
        {**RATE, "rho": 0.95, "epsilon": 1e-7},
        _torch("Adadelta", foreach=True),
    ),
    "adamax_step": _step(
        "adamax_step", _state(1, 1), 9, {**ADAM, "step": 5}, _torch("Adamax", foreach=True)
    ),
    "nadam_step": _step(
        "nadam_step",
        _state(1, 1),
        17,
        {**ADAM, "step": 5, "decay": 0.9, "next_decay": 0.9, "decay_product": 0.6},
        _torch("NAdam", foreach=True),
    ),
    "ftrl_step": _step(
        "ftrl_step",
        lambda draw: (draw.normal(), draw.normal(), draw.positive(), draw.normal()),
        20,
        {
            **RATE,
            "learning_rate_power": -0.5,
            "l1": 0.01,
            "l2": 0.01,
            "l2_shrinkage": 0.01,
            "beta": 0.1,
        },
    ),
    "lion_step": _step("lion_step", _state(1, 0), 8, {**RATE, "beta_1": 0.9, "beta_2": 0.99}),
}
