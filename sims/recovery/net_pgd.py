"""Net-PGD, Algorithm 1: gradient steps in the image, each followed by a projection on the range of a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.net_fit import NetPGD
from untrained.sims.recovery.net_gd import ADAM, descent_estimate, recovered, tuned
from untrained.sims.recovery.net_settings import NetPGDSettings
from untrained.sims.recovery.result import Recovery

PRESETS = {
    "paper": NetPGDSettings(),
    "best": NetPGDSettings(
        **ADAM | {"learning_rate": 0.1, "steps": 400},
        tv_weight=0.05,
        restarts=6,
        combine="weighted",
        inner_steps=10,
        tolerance=1e-3,
        eta=0.2,
        outer_momentum=0.5,
    ),
    "fast": NetPGDSettings(
        **ADAM | {"learning_rate": 0.1, "steps": 100, "witnesses": 0},
        tv_weight=0.05,
        inner_steps=6,
        tolerance=1e-3,
        eta=0.2,
        outer_momentum=0.5,
    ),
}
"""`paper`: the published code's settings. `best`: Adam within, a little TV, restarts averaged. `fast`: one of them."""


def preset(name: str, operator: Operator) -> NetPGDSettings:
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
    settings: NetPGDSettings = NetPGDSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Progress | None = None,
    truth: torch.Tensor | None = None,
) -> Recovery:
    """Recover one image from y = A x by Algorithm 1, y (m,).

    The certificate says how exactly the projections were solved. `truth` (C, H, W) is looked at by the rule "oracle"
    only.

    Raises
    ------
    ValueError
        where y or the network does not fit the operator.

    Source: jagatap19 Algorithm 1.
    """
    return recover_batch(
        [operator], y[None], settings, seeds=[seed], watch=watch, truths=None if truth is None else truth[None]
    )[0]


def recover_batch(
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: NetPGDSettings = NetPGDSettings(),  # noqa: B008
    *,
    seeds: Sequence[int],
    watch: Progress | None = None,
    truths: torch.Tensor | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image, truths (I, C, H, W)."""
    return recovered("net-pgd", NetPGD, operators, ys, settings, seeds, watch, truths)


estimate = partial(descent_estimate, recover)
"""What a fit takes, from the times of its first few steps; see `descent_estimate`."""
