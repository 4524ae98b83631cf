"""nnscratch: neural networks from scratch on NumPy, in Keras's words.

    import nnscratch as ns

`ns.Tensor` remembers how it was made, NumPy's functions work on it, `ns.grad` and its kin
differentiate functions; `ns.models`, `ns.layers`, `ns.losses`, `ns.metrics` and `ns.optimizers`
train networks.
"""

from nnscratch import (
    activations,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
)
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
from nnscratch.models import Model, Sequential
from nnscratch.ops.joining import array

__version__ = "0.1.0"

__all__ = [
    "GradcheckError",
    "Model",
    "Parameter",
    "Sequential",
    "Tensor",
    "activations",
    "array",
    "detect_anomaly",
    "elementwise_grad",
    "enable_grad",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "initializers",
    "jacobian",
    "jvp",
    "layers",
    "losses",
    "metrics",
    "models",
    "no_grad",
    "ops",
    "optimizers",
    "random",
    "tensor",
    "value_and_grad",
    "vjp",
]
