"""How much more does an image move a random network than noise does? ||J^T x|| over ||J^T noise|| of the same norm.

x is an image on [0, 1]; noise is uniform on [0, 1], as the paper has it, or about 0 ("centred"), or about 0 with the
image's mean taken from it too ("both centred"). J is by the weights of the convolutions alone, drawn anew each time.
Source: heckel20a Figure 12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from untrained.sims.experiments.studies.common import by_parameters, entry, middle
from untrained.sims.experiments.studies.fits import DECODER_AND_UNET, IMAGE_NAMES, picture
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.network import Network
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array

NOISES = {"uniform": 0.0, "centred": 0.5, "both centred": 0.5}
"""What is taken from uniform numbers on [0, 1]."""
_LEVELS = {"_least": 0.0, "_low": 0.025, "": 0.5, "_high": 0.975, "_largest": 1.0}
_QUANTITIES = {"of_image": "||J^T image||", "of_noise": "||J^T noise||", "ratio": "ratio"}
"""Columns of a row and what a table calls them."""
_AT = ("network", "width", "size", "image", "noise", "draws")


def convolutions_only(network: Network) -> Network:
    """The network with nothing but the weights of its convolutions, of more than two axes, to be differentiated by."""
    names = [name for name, weight in network.module.named_parameters() if weight.ndim > 2]
    return replace(network, param_filter="^(" + "|".join(name.replace(".", r"\.") for name in names) + ")$", point=None)


def noise_of_norm(kind: str, norm: float, n: int, seed: int, draw: int) -> Array:
    """Uniform noise (n,) of a norm."""
    noise = stream(seed, "jacobian noise", draw).random(n) - NOISES[kind]
    result: Array = noise * (norm / np.linalg.norm(noise))
    return result


def adjoint_norms(network: Network, seed: int, vectors: Sequence[Array]) -> list[float]:
    """||J^T u|| of each vector (n,), at the weights of the seed."""
    jacobian = network.draw(seed).jacobian()
    return [float(jacobian.adjoint(torch.from_numpy(u)).norm()) for u in vectors]


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    size, width, draws = parameters["size"], parameters["width"], parameters["draws"]
    options = {"width" if parameters["network"] == "skip-unet" else "channels": width}
    network = convolutions_only(architecture(parameters["network"], (1, size, size), **options))
    x = (picture(parameters["image"], size, seed) + 1) / 2
    x = x - x.mean() if parameters["noise"] == "both centred" else x
    norm, seeds = float(np.linalg.norm(x)), stream(seed, "jacobian networks").integers(2**62, size=draws)
    norms = np.array([
        adjoint_norms(network, int(own), (x, noise_of_norm(parameters["noise"], norm, len(x), seed, draw)))
        for draw, own in enumerate(seeds)
    ])  # fmt: skip
    values = dict(zip(_QUANTITIES, (*norms.T, norms[:, 0] / norms[:, 1]), strict=True))
    quantiles = {f"{name}{end}": float(np.quantile(x, q)) for name, x in values.items() for end, q in _LEVELS.items()}
    return {"norm": norm, "image_larger": int((norms[:, 0] > norms[:, 1]).sum()), **quantiles}


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Medians over draws of both norms and of their ratio with the middle 95 %, and the least and largest ratio."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at = dict(zip(_AT, values, strict=True))
        count = at["draws"] * len(group)
        for name, quantity in _QUANTITIES.items():
            value, low, high = (middle(row[f"{name}{end}"] for row in group) for end in ("", "_low", "_high"))
            rows.append(entry("simulation", quantity, at, value, low, high, count))
        for end, best in (("least", min), ("largest", max)):
            extreme = best(row[f"ratio_{end}"] for row in group)
            rows.append(entry("simulation", f"{end} ratio", at, extreme, count=count))
        larger = sum(row["image_larger"] for row in group) / count
        rows.append(entry("simulation", "image's norm is larger", at, larger, count=count))
    return rows


JACOBIAN_NORMS_STUDY = Study(
    name="heckel20a-fig12",
    says="How much more does an image move a random network than noise? Norms of J^T x and J^T noise, and their ratio.",
    axes={
        "network": DECODER_AND_UNET,
        "width": (64,),
        "size": (32,),
        "image": ("shepp-logan", "camera"),
        "noise": tuple(NOISES),
        "draws": (50,),
    },
    domain={
        "network": DECODER_AND_UNET,
        "width": (1, 1024),
        "size": (16, 512),
        "image": IMAGE_NAMES,
        "noise": tuple(NOISES),
        "draws": (1, 100_000),
    },
    seeds=1,
    row=_row,
    table=_table,
)
