"""Denoising of photographs by convolutional generators that are fitted to the noisy image alone, for so many steps.

Scores are PSNR in dB, mean over images. Each recipe is there at 64x64, for a CPU, and at the paper's 512x512.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import sqrt

from untrained.sims.experiments.recipes.recipe import Algorithm, Number, Part, Recipe, Setup
from untrained.sims.experiments.recipes.statements import Higher

CROP_SIDES = (64, 512)
"""Sides of the photographs; the second is the paper's."""
TABLE = Setup("inpainting", sigma=25.0, clip=True, same=True)
EXAMPLE = Setup("inpainting", sigma=30.0, clip=True)

TABLE_PSNR: Mapping[str, float] = {
    "noisy": 20.599,
    "bm3d": 25.5226,
    "skip-net": 25.7675,
    "decoder-under": 27.8427,
    "decoder-over": 28.0860,
}
"""PSNR in dB, mean over 100 crops of ImageNet (Table 1, by the published notebooks)."""
EXAMPLE_PSNR: Mapping[str, float] = {
    "noisy": 19.08,
    "bm3d": 28.62,
    "skip-net": 29.07,
    "decoder-under": 29.54,
    "decoder-over": 29.84,
}
"""PSNR in dB of the astronaut (Figure 2, by the published notebooks)."""

INPUT_NOISE = 0.7 / 30
"""Of the skip net: 1/30 in the call, which the published fit multiplies by 0.7 before its first step."""
_LAST = "last"


def _told(setup: Setup, side: int) -> dict[str, str]:
    """The noise of an image of three channels, for a method that is told it."""
    return {"noise": repr(2 * (setup.sigma or 0.0) / 255 * sqrt(3) * side)}


def _algorithms(setup: Setup, side: int, skip: int, under: int, norm: str) -> tuple[Algorithm, ...]:
    """Controls, the paper's three networks, and ours; `skip` and `under` are steps, `norm` where batch norm stands."""
    noise = _told(setup, side)
    net = {"network": "skip-unet", "network_options": json.dumps({"width": 64 if side < CROP_SIDES[1] else 128})}
    over = {"network_options": json.dumps({"channels": 512, "norm": norm})}
    return (
        Algorithm("noisy", "noisy"),
        Algorithm("tv", "tv", noise),
        Algorithm("non-local-means", "non-local-means", noise),
        Algorithm("bm3d", "bm3d", noise, needs="bm3d"),
        Algorithm(
            "skip-net", "conv-decoder", net | {"steps": str(skip), "average": "0", "input_noise": repr(INPUT_NOISE)}
        ),
        Algorithm("decoder-under", "conv-decoder", {"steps": str(under)}, preset="paper-under", iterate=_LAST),
        Algorithm("decoder-over", "conv-decoder", over, preset="paper", iterate=_LAST),
        Algorithm("decoder-over-average", "conv-decoder", over, preset="paper"),
        Algorithm("decoder-best", "conv-decoder", noise, preset="best"),
        Algorithm("decoder-stopped", "conv-decoder", {"stopping": "discrepancy"} | noise, preset="paper-under"),
    )


def _numbers(setup: Setup, values: Mapping[str, float]) -> tuple[Number, ...]:
    return tuple(Number(setup, label, value) for label, value in values.items())


_STEPS = "Steps are the paper's for 512x512, which are many for so few pixels: the last iterate has fitted noise too."
_INPUT = "The skip net's image is that at its noisy input; the published code takes it at the input without noise."
_CONTROLS = "Total variation and non-local means are beside the paper's methods; both are told sigma."
_OURS = (
    "Averaged iterates, the preset `best` and the fit that stops once its misfit is that of the noise are ours; both "
    "are told sigma."
)
_ITERATE = (
    "Which iterate of a fit is returned is not said in words: the last is scored here; the published code keeps "
    "the one of least training loss, to half a percent."
)


def _differs(side: int) -> tuple[str, ...]:
    if side == CROP_SIDES[1]:
        return (
            f"Images are photographs that come with scikit-image, cropped to {side}x{side}.",
            _INPUT,
            _CONTROLS,
            _OURS,
        )
    size = (
        f"Images are photographs that come with scikit-image, shrunk to {side}x{side}, which are harder to denoise "
        "than the paper's 512x512: PSNRs are not to be compared with its numbers."
    )
    nets = "The decoder has 2 doublings, the paper's 5; the skip net has 64 channels, the paper's 128."
    return (size, nets, _STEPS, _INPUT, _CONTROLS, _OURS)


def _named(name: str, side: int) -> str:
    return name if side == CROP_SIDES[0] else f"{name}-{side}"


def _table(side: int) -> Recipe:
    return Recipe(
        _named("heckel20a-table1", side), "scores",
        f"PSNR - photographs {side}x{side}, sigma = 25/255, the same noise in all channels", "heckel20a Table 1",
        (
            Part(f"photographs-{side}", (TABLE,), _algorithms(TABLE, side, 1800, 3000, "before"),
                 7 if side == CROP_SIDES[0] else 4, paper_count=100),
        ),
        score="psnr",
        numbers=_numbers(TABLE, TABLE_PSNR),
        statements=(
            Higher("The wide decoder is above the narrow one (table)", "decoder-over", ("decoder-under",)),
            Higher("Both decoders are above the skip net (table): the wide one", "decoder-over", ("skip-net",)),
            Higher("Both decoders are above the skip net (table): the narrow one", "decoder-under", ("skip-net",)),
            Higher("Every network is above BM3D (table): the skip net", "skip-net", ("bm3d",)),
        ),
        silent=(_ITERATE,), differs=_differs(side),
    )  # fmt: skip


def _example(side: int) -> Recipe:
    return Recipe(
        _named("heckel20a-fig2", side), "pictures",
        f"Denoising of one image - astronaut {side}x{side}, sigma = 30/255", "heckel20a Figure 2",
        (Part(f"photographs-{side}", (EXAMPLE,), _algorithms(EXAMPLE, side, 1900, 1900, "after"), 1, paper_count=1),),
        score="psnr",
        numbers=_numbers(EXAMPLE, EXAMPLE_PSNR),
        silent=(_ITERATE,), differs=_differs(side),
    )  # fmt: skip


DENOISING_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (_example(64), _table(64), _example(512), _table(512))
}
"""Figure 2 and Table 1, each at both sides."""
