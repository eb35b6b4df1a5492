"""The house's operators as a physics of deepinv, for its algorithms; deepinv is imported where it is asked for."""

from __future__ import annotations

from typing import Any

from untrained.sims.operators.base import Operator


def as_physics(operator: Operator) -> Any:
    """Return a `deepinv.physics.LinearPhysics` from images (batch, C, H, W) to measurements (batch, m), without noise.

    Raises
    ------
    ValueError
        where the operator is not linear, or deepinv cannot be imported.
    """
    if not operator.linear:
        raise ValueError(f"operator must be linear to be a LinearPhysics of deepinv, got {operator.name}")
    try:
        from deepinv.physics import LinearPhysics
    except (ImportError, RuntimeError) as error:  # a torchvision that does not fit torch raises the latter
        raise ValueError(f"deepinv must be installed (pip install 'untrained[deepinv]'), got '{error}'") from error

    return LinearPhysics(
        A=lambda x, **_: operator.forward(x), A_adjoint=lambda y, **_: operator.adjoint(y), img_size=operator.shape
    )
