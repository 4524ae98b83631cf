"""Einstein's summation: any sum of products, written with one letter for each axis."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from nnscratch.autograd import call, op
from nnscratch.autograd.placement import array_module
from nnscratch.ops.arguments import as_array


def explicit_subscripts(subscripts: str, ndims: list[int]) -> list[str]:
    """The letters of each operand and of the result, with ellipses and the arrow spelled out."""
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    if not arrow:
        once = sorted(c for c in set(left) - set(".,") if left.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    terms = left.split(",")
    widths = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    ellipsis = "".join(c for c in ascii_letters if c not in text)[: max(widths)]
    spelled = [
        term.replace("...", ellipsis[len(ellipsis) - width :])
        for term, width in zip(terms, widths, strict=True)
    ]
    return [*spelled, result.replace("...", ellipsis)]


def _einsum_vjp(
    i: int, g: Any, y: Any, subscripts: str, *operands: Any, optimize: Any = False
) -> Any:
    """The sum of products again, with the cotangent in the place of operand `i` - 1."""
    shapes = [as_array(operand).shape for operand in operands]
    *terms, result = explicit_subscripts(subscripts, [len(shape) for shape in shapes])
    own, own_shape = terms.pop(i - 1), shapes.pop(i - 1)
    terms, shapes = [result, *terms], [g.shape, *shapes]
    factors = [g, *operands[: i - 1], *operands[i:]]
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        lengths.update(zip(term, shape, strict=True))
    unused = iter([c for c in ascii_letters if c not in own and c not in "".join(terms)])
    target = ""
    for letter, length in zip(own, own_shape, strict=True):
        if letter in target:  # a diagonal was read: the gradient is zero beside it
            fresh = next(unused)
            terms.append(letter + fresh)
            factors.append(array_module(g).eye(length, dtype=g.dtype))
            target += fresh
            continue
        if lengths.get(letter, 1) == 1:  # summed over here only: the gradient repeats along it
            terms.append(letter)
            factors.append(array_module(g).ones(length, dtype=g.dtype))
        target += letter
    return np.einsum(f"{','.join(terms)}->{target}", *factors, optimize=bool(optimize))


@op(
    "einsum",
    formula=r"y_{\mathrm{result}} = \sum_{\mathrm{other\ indices}} a_{\ldots} b_{\ldots} \cdots",
    derivative=r"\bar a_{\ldots} = \sum_{\mathrm{indices\ not\ in}\ a} "
    r"\bar y_{\mathrm{result}}\, b_{\ldots} \cdots",
    vjps=(_einsum_vjp,),
    variadic=True,
    samples=lambda s: [
        call("ij,jk->ik", s.normal(2, 3), s.normal(3, 2)),
        call("ij,jk", s.normal(2, 3), s.normal(3, 2)),
        call("b i", s.normal(2, 3)),
        call("ba", s.normal(2, 3)),
        call("ii->i", s.normal(3, 3)),
        call("ii", s.normal(3, 3)),
        call("ij->", s.normal(2, 3)),
        call("iij->ji", s.normal(2, 2, 3)),
        call("iii->i", s.normal(2, 2, 2)),
        call("...ij,...jk->...ik", s.normal(2, 1, 2, 3), s.normal(3, 3, 2)),
        call("i...->...", s.normal(2, 3)),
        call("...i,i", s.normal(2, 3), s.normal(3)),
        call("ij,kj->", s.normal(2, 3), s.normal(2, 3)),
        call("i,j,k->kij", s.normal(2), s.normal(3), s.normal(2)),
        call("ij,ij->i", s.normal(2, 3), s.normal(2, 1)),
        call(",i->i", s.normal(), s.normal(3)),
        call("ij,jk,kl,k->il", s.normal(2, 3), s.normal(3, 2), s.normal(2, 2), s.normal(2),
             optimize=True),
        call("ij,jk->ik", s.normal(2, 0), s.normal(0, 2)),
    ],
    torch=lambda torch, subscripts, *operands, optimize=False: torch.einsum(subscripts, *operands),
    numpy=[np.einsum],
)  # fmt: skip
def einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """Sum of products by subscripts, such as "ij,jk->ik".

    Args:
        subscripts: the letters of each operand's axes, and after "->" those of the result; "..."
            stands for axes that broadcast, a letter twice in an operand for its diagonal.
        *operands: the arrays.
        optimize: whether three or more operands are multiplied in the cheapest order, pairwise.

    Raises:
        TypeError: NumPy's other form, lists of axis numbers between the operands.
    """
    if not isinstance(subscripts, str):
        raise TypeError(
            f"einsum on Tensors takes its subscripts as a string first, such as 'ij,jk->ik', got "
            f"{type(subscripts).__name__}: write the lists of axes as letters."
        )
    return np.einsum(subscripts, *operands, optimize=optimize)
