"""How fast are an image and noise fitted? Loss against steps of four architectures, and steps to a share of it.

Losses are shares of that of the target's mean, sum (G - y)^2/sum (y - mean y)^2, and a fit of noise is compared with
that of an image by the same initial network. `width` is the number of channels of 1x1 convolutions; 3x3 kernels have a
third and 6x6 kernels a sixth of it, so that a layer has about as many weights. The start is of four doublings, fewer
where it would be below 4x4. Source: heckel20a Figure 4
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import by_parameters, six_digits
from untrained.sims.experiments.studies.fits import (
    IMAGE_NAMES,
    OPTIMISERS,
    UNIFORM,
    checkpoints,
    doubling_decoder,
    first_at,
    fitted_outputs,
    picture,
    spread_entry,
    thinned,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.network import Network

DEEP, FIXED, TRANSPOSED, TRAINED = "deep decoder", "fixed convolutions", "deconvolutions", "trained convolutions"
LOSSES = ("0.5", "0.1", "0.01")
"""Shares of the loss to be reached."""
_AT = ("architecture", "width", "size", "optimiser", "steps")


def fitting_network(name: str, width: int, size: int) -> Network:
    """One of the four architectures for images (1, size, size)."""
    shape = (1, size, size)
    if name == DEEP:
        return doubling_decoder(width, size)
    if name == FIXED:
        return architecture("conv-generator", shape, channels=width)
    if name == TRAINED:
        return architecture("conv-generator", shape, channels=max(1, width // 3), kernel="trained")
    return architecture("dcgan", shape, width=max(1, width // 6))


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    network = fitting_network(parameters["architecture"], parameters["width"], parameters["size"])
    y = picture(parameters["target"], parameters["size"], seed)
    spread = float(np.square(y - y.mean()).sum())
    outputs = fitted_outputs(network, y, seed, parameters["optimiser"], parameters["steps"], device)
    losses = np.array([float(np.square(output - y).sum()) / spread for output, _ in outputs])
    curve = {f"loss_{step}": float(losses[step]) for step in checkpoints(parameters["steps"])}
    return {"weights": network.size.weights, **curve, **{f"steps_to_{x}": first_at(losses, float(x)) for x in LOSSES}}


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Curves and steps of each target, and over seeds the ratio of the steps of noise to those of each image."""
    rows = []
    for values, group in by_parameters(cells, (*_AT, "target")).items():
        at = dict(zip((*_AT, "target"), values, strict=True)) | {"weights": group[0]["weights"]}
        names = [f"loss_{step}" for step in thinned(at["steps"], 2)] + [f"steps_to_{level}" for level in LOSSES]
        rows += [_part(name, at, [row[name] for row in group]) for name in names]
    steps = {(*(p[name] for name in (*_AT, "target")), seed): row for p, seed, row in cells}
    for values, group in by_parameters(cells, _AT).items():
        at = dict(zip(_AT, values, strict=True)) | {"weights": group[0]["weights"]}
        rows += [row for image in IMAGE_NAMES for row in _ratio_rows(at, values, image, steps)]
    return rows


def _part(name: str, at: Mapping[str, Any], values: Sequence[float | None]) -> TableRow:
    """A row of a curve has its step in a column, so that it can be drawn; others have none there."""
    quantity, _, end = name.partition("_")
    if quantity == "loss":
        return spread_entry("loss", {**at, "step": int(end)}, values)
    return spread_entry(f"steps to {end.removeprefix('to_')}", {**at, "step": None}, values)


def _ratio_rows(
    at: Mapping[str, Any], place: tuple[Any, ...], image: str, rows: Mapping[tuple[Any, ...], Mapping[str, Any]]
) -> list[TableRow]:
    """Steps of noise over those of an image; where noise is not fitted the steps followed stand in its place."""
    pairs = [
        (row, rows[(*place, image, seed)])
        for (*own, seed), row in rows.items()
        if tuple(own) == (*place, UNIFORM) and (*place, image, seed) in rows
    ]
    result = []
    for level in LOSSES if pairs else ():
        ratios = [_ratio(noise[f"steps_to_{level}"], fit[f"steps_to_{level}"], at["steps"]) for noise, fit in pairs]
        reached = sum(noise[f"steps_to_{level}"] is not None for noise, _ in pairs)
        where = {**at, "target": image, "step": None}
        result.append(spread_entry(f"ratio at {level}, at least", where, ratios))
        share = six_digits(reached / len(pairs))
        result.append(spread_entry(f"noise fitted to {level}", where, [share]) | {"count": len(pairs)})
    return result


def _ratio(noise: int | None, image: int | None, steps: int) -> float | None:
    return None if image is None else (steps if noise is None else noise) / max(image, 1)


IMAGE_NOISE_STUDY = Study(
    name="heckel20a-fig4",
    says="How much sooner than noise is an image fitted? Losses and steps of four architectures by their widths.",
    axes={
        "architecture": (DEEP, FIXED, TRANSPOSED, TRAINED),
        "width": (24, 48, 96),
        "size": (32,),
        "target": ("shepp-logan", UNIFORM),
        "optimiser": ("sgd",),
        "steps": (1000,),
    },
    domain={
        "architecture": (DEEP, FIXED, TRANSPOSED, TRAINED),
        "width": (6, 1024),
        "size": (16, 512),
        "target": (*IMAGE_NAMES, UNIFORM),
        "optimiser": OPTIMISERS,
        "steps": (1, 1_000_000),
    },
    seeds=3,
    row=_row,
    table=_table,
)
