"""What the tests of the core share: the check that an error is one helpful sentence."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_sentence(error_type: type[Exception], *fragments: str) -> Iterator[None]:
    """The block raises `error_type` with one sentence that contains every fragment."""
    with pytest.raises(error_type) as caught:
        yield
    message = str(caught.value)
    assert message.endswith("."), message
    assert not re.search(r"\. [A-Z]|\n", message), message
    for fragment in fragments:
        assert fragment in message, message


@pytest.fixture
def says():
    """`with says(TypeError, "use np.where"):` checks the error and its words."""
    return one_sentence
