"""Phase retrieval with a decoder, from magnitudes |A u|: Algorithm 2, or descent on || |A G(w)| - y ||^2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.net_fit import NetGD, NetPGD
from untrained.sims.recovery.net_gd import ADAM, descent_estimate, recovered, tuned
from untrained.sims.recovery.net_settings import NetPhaseSettings
from untrained.sims.recovery.result import Recovery

PRESETS = {
    "paper": NetPhaseSettings(),
    "best": NetPhaseSettings(
        **ADAM | {"learning_rate": 0.1, "witnesses": 0},
        tv_weight=0.05,
        restarts=8,
        combine="best",
        inner_steps=10,
        tolerance=1e-3,
        eta=0.1,
        outer_momentum=0.9,
    ),
}
"""`paper`: the published code's settings. `best`: Adam within, from a centred blob, the restart of least loss."""


def preset(name: str, operator: Operator) -> NetPhaseSettings:
    """Return the settings that a preset's name stands for when an image is recovered from these measurements.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    return tuned(PRESETS, name, operator)


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: NetPhaseSettings = NetPhaseSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Progress | None = None,
    truth: torch.Tensor | None = None,
) -> Recovery:
    """Recover one image from y = |A u|, y (m,); u = G(w; z) on [0, 1] is no -u', so that no sign is left open.

    The certificate has the share of restarts whose misfit is ten times the least one: those in another basin.

    Raises
    ------
    ValueError
        where y is negative or zero throughout, the operator takes no magnitudes, or the network does not fit it.

    Source: jagatap19 Algorithm 2.
    """
    return recover_batch(
        [operator], y[None], settings, seeds=[seed], watch=watch, truths=None if truth is None else truth[None]
    )[0]


def recover_batch(
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: NetPhaseSettings = NetPhaseSettings(),  # noqa: B008
    *,
    seeds: Sequence[int],
    watch: Progress | None = None,
    truths: torch.Tensor | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image, truths (I, C, H, W)."""
    for operator, y in zip(operators, ys, strict=False):
        check_magnitudes(operator, y)
    kind = NetPGD if settings.algorithm == "pgd" else NetGD
    name = f"net-{settings.algorithm}-phase"
    done = recovered(name, kind, operators, ys, settings, seeds, watch, truths, linear=False)
    return [replace(one, certificate={**one.certificate, "other_basin": _other_basin(one)}) for one in done]


def check_magnitudes(operator: Operator, y: torch.Tensor) -> None:
    """Refuse what phase retrieval cannot start from.

    Raises
    ------
    ValueError
        where the operator is linear, or y is negative somewhere or zero throughout.
    """
    if operator.linear:
        raise ValueError(f"operator must take magnitudes for phase retrieval, got the linear {operator.name}")
    if bool((y < 0).any()):
        raise ValueError(f"y must be magnitudes of at least 0, got {float(y.min()):.4g}")
    if not bool((y > 0).any()):
        raise ValueError("y must have a magnitude above 0, got zeros throughout: that is the image of zeros")


def _other_basin(recovery: Recovery) -> float:
    """The share of restarts whose misfit is above ten times the least one."""
    misfits = recovery.trace["restart_misfits"]
    return sum(misfit > 10 * min(misfits) for misfit in misfits) / len(misfits)


estimate = partial(descent_estimate, recover)
"""What a fit takes, from the times of its first few steps; see `descent_estimate`."""
