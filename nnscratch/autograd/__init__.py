"""The autograd core.

Read it in this order: `tensor` (an array that remembers how it was made), `op` (what an op
declares, and what a call records), `tape` (the record), `backward` (the walk back), then
`transforms` (gradients of functions) and `gradcheck` (the proof by finite differences). Where
arrays are is the business of `placement`.
"""

from nnscratch.autograd.gradcheck import GradcheckError, gradcheck
from nnscratch.autograd.modes import detect_anomaly, enable_grad, no_grad
from nnscratch.autograd.op import OPS, Composite, Op, composite, op
from nnscratch.autograd.placement import DeviceError
from nnscratch.autograd.samples import Sample, SampleSource, call
from nnscratch.autograd.tensor import Parameter, Tensor, tensor
from nnscratch.autograd.transforms import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)

__all__ = [
    "OPS",
    "Composite",
    "DeviceError",
    "GradcheckError",
    "Op",
    "Parameter",
    "Sample",
    "SampleSource",
    "Tensor",
    "call",
    "composite",
    "detect_anomaly",
    "elementwise_grad",
    "enable_grad",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "op",
    "tensor",
    "value_and_grad",
    "vjp",
]
