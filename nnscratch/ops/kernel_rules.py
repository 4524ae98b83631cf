"""Gradient rules that are one kernel on arrays, and recorded NumPy on tensors.

A rule sees tensors when its own gradient may be asked for (`create_graph`); it is written in ops
then. Otherwise one kernel does the same in fewer passes over memory.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from nnscratch.autograd import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[..., Any]


def is_recorded(y: Any) -> bool:
    """Whether a rule runs on tensors, by the result that it was given: then that is one."""
    return isinstance(y, Tensor)


def by_kernel(kernel: Rule, rule: Rule) -> Rule:
    """The rule of a function of one array, `(g, y, x, **parameters)`.

    Args:
        kernel: what does it on arrays, `(g, x, y, **parameters)`.
        rule: what does it on tensors.
    """

    @wraps(rule)
    def either(g: Any, y: Any, x: Any, **parameters: Any) -> Any:
        if isinstance(y, Tensor):
            return rule(g, y, x, **parameters)
        return kernel(g, x, y, **parameters)

    return either
