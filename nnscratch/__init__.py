"""nnscratch: neural networks from scratch on NumPy, in Keras's words.

    import nnscratch as ns

`ns.Tensor` remembers how it was made, NumPy's functions work on it, `ns.grad` and its kin
differentiate functions; `ns.models`, `ns.layers`, `ns.losses`, `ns.metrics`, `ns.optimizers` and
`ns.callbacks` train networks; `ns.explain` shows the backward pass of a loss, `ns.record` the steps
of a training; `ns.sklearn` makes them scikit-learn estimators; `ns.backend` chooses
what computes, `ns.device` where.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nnscratch import ops, random
from nnscratch.autograd import (
    GradcheckError,
    Parameter,
    Tensor,
    detect_anomaly,
    elementwise_grad,
    enable_grad,
    grad,
    gradcheck,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    tensor,
    value_and_grad,
    vjp,
)
from nnscratch.ops.joining import array
from nnscratch_kernels import backend, device

if TYPE_CHECKING:
    from nnscratch import (
        activations,
        callbacks,
        constraints,
        initializers,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plot,
        regularizers,
        schedules,
        sklearn,
        utils,
    )
    from nnscratch.explainer import backward_source, explain, explain_text, graph, record
    from nnscratch.models import Model, Sequential, load_keras_weights, load_model

__version__ = "0.1.0"

__all__ = [
    "GradcheckError",
    "Model",
    "Parameter",
    "Sequential",
    "Tensor",
    "activations",
    "array",
    "backend",
    "backward_source",
    "callbacks",
    "constraints",
    "detect_anomaly",
    "device",
    "elementwise_grad",
    "enable_grad",
    "explain",
    "explain_text",
    "grad",
    "gradcheck",
    "graph",
    "hessian",
    "hvp",
    "initializers",
    "jacobian",
    "jvp",
    "layers",
    "load_keras_weights",
    "load_model",
    "losses",
    "metrics",
    "models",
    "no_grad",
    "ops",
    "optimizers",
    "plot",
    "random",
    "record",
    "regularizers",
    "schedules",
    "sklearn",
    "tensor",
    "utils",
    "value_and_grad",
    "vjp",
]

# What trains networks loads when it is first asked for: `import nnscratch` stays about as quick as
# `import numpy`, and scikit-learn is not needed by those who do not use it.
_MODULES = {
    "activations",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plot",
    "regularizers",
    "schedules",
    "sklearn",
    "utils",
}
_FROM_MODELS = {"Model", "Sequential", "load_keras_weights", "load_model"}
_FROM_EXPLAINER = {"backward_source", "explain", "explain_text", "graph", "record"}


def __getattr__(name: str) -> Any:
    """Load what is not loaded yet.

    Raises:
        AttributeError: there is no such name.
    """
    if name in _MODULES:
        return import_module(f"nnscratch.{name}")
    if name in _FROM_MODELS:
        return getattr(import_module("nnscratch.models"), name)
    if name in _FROM_EXPLAINER:
        return getattr(import_module("nnscratch.explainer"), name)
    raise AttributeError(f"module 'nnscratch' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
