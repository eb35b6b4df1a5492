"""The rows of an operator as images, filtered and held."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from untrained.sims.operators import Operator
from untrained.sims.runtime import memory_available

BLOCK = 1 << 24
"""Entries of A that are looked at at once."""
DIRECT = 10_000
"""The most measurements for which an m x m system is factorised."""
DENSE = "gaussian", "gaussian-seeded", "user"
"""Operators whose products cost as much as a dense matrix's; those of the others are fast transforms."""


def worth_holding(operator: Operator, device: torch.device, structured: int) -> bool:
    """Whether to hold m filtered rows of n float32: they fit, and there are not too many of them.

    Too many are over 10000, or over `structured` where the operator is a fast transform.
    """
    available = memory_available(device)
    most = DIRECT if operator.name in DENSE else structured
    return operator.m <= most and (available is None or 8 * operator.m * operator.n <= available)


def filtered_rows(
    operator: Operator, transform: Callable[[torch.Tensor], torch.Tensor], device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    """Return (m, n): each row of A, as an image, transformed."""
    rows = torch.empty(operator.m, operator.n, device=device, dtype=dtype)
    for place in row_blocks(operator):
        rows[place] = transform(_images(operator, place, device, dtype)).flatten(1)
    return rows


def row_blocks(operator: Operator) -> Iterator[slice]:
    """Return consecutive slices of the rows, each of few enough to be held as images."""
    block = max(1, BLOCK // operator.n)
    return (slice(start, min(start + block, operator.m)) for start in range(0, operator.m, block))


def _images(operator: Operator, place: slice, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    matrix = getattr(operator, "matrix", None)
    if matrix is not None:
        return matrix[place].to(dtype).unflatten(-1, operator.shape)
    units = torch.zeros(place.stop - place.start, operator.m, device=device, dtype=dtype)
    units[:, place].fill_diagonal_(1.0)
    return operator.adjoint(units)
