"""Cases of dropout, by a stored mask and by a seed, and of bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import Prepared, Recipe

RATE = 0.1
SEED = 7


def _torch_dropout(torch: Any, x: Any, *_: Any) -> Any:
    return lambda: torch.nn.functional.dropout(x, RATE)


def _torch_mask(torch: Any, shape: Any, *_: Any) -> Any:
    like = torch.empty(shape, dtype=torch.bool)
    return lambda: torch.empty_like(like).bernoulli_(1 - RATE)


RECIPES = {
    "dropout": Recipe(
        "dropout",
        lambda draw: (draw.normal(), draw.positive() > RATE, RATE),
        lambda x, *_: 2 * x.size,
        torch=lambda torch, x, kept, rate: torch.ops.aten.native_dropout_backward(
            x, kept, 1 / (1 - rate)
        ),
    ),
    "dropout_mask": Recipe(
        "dropout_mask",
        lambda draw: ((draw.count,), RATE, SEED),
        lambda shape, *_: 26 * shape[0],
        moved=lambda shape, *_: shape[0],
        torch=Prepared(_torch_mask, same=False),
    ),
    "seeded_dropout": Recipe(
        "seeded_dropout",
        lambda draw: (draw.normal(), RATE, SEED),
        lambda x, *_: 28 * x.size,
        torch=Prepared(_torch_dropout, same=False),
    ),
    "to_bfloat16": Recipe(
        "to_bfloat16",
        lambda draw: (draw.normal().astype(np.float32),),
        lambda x: 0,
        torch=lambda torch, x: x.bfloat16().view(torch.uint16),
    ),
    "from_bfloat16": Recipe(
        "from_bfloat16",
        lambda draw: (numpy_kernels.to_bfloat16(draw.normal().astype(np.float32)),),
        lambda bits: 0,
        torch=lambda torch, bits: bits.view(torch.bfloat16).float(),
    ),
}
