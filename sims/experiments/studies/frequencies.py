"""Which frequencies does a network fit first? What is left of each band of an image, and of noise, after so many steps.

Bands are rings of the discrete Fourier transform, equally wide in |frequency| up to half a turn a pixel, the corners
with the last, the mean with none; a share is the residual's energy over the target's. `no mixing` is the control: a
generator of fixed convolutions without its kernel, whose pixels know of each other by batch norm alone.
Source: heckel20a, and the observation of ulyanov18 (Deep Image Prior)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import by_parameters
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
from untrained.theory.objects.shapes import Array

NO_MIXING = "no mixing"
FITTED_FIRST = ("conv-decoder", "conv-generator", "dcgan", "skip-unet", NO_MIXING)
_AT = ("network", "width", "size", "target", "optimiser", "steps", "bands")


def rings(size: int, count: int) -> np.ndarray:
    """The ring of each frequency, 0 to count - 1, and -1 for frequency 0; (size, size) in the order of numpy's fft."""
    f = np.fft.fftfreq(size)
    ring: np.ndarray = np.minimum((np.hypot(f[:, None], f[None, :]) / 0.5 * count).astype(int), count - 1)
    ring[0, 0] = -1
    return ring


def ring_energies(image: Array, ring: np.ndarray) -> Array:
    """Energy of an image (n,) in each ring, (count,)."""
    power = np.square(np.abs(np.fft.fft2(image.reshape(ring.shape), norm="ortho")))
    energies: Array = np.bincount(ring.ravel() + 1, power.ravel())[1:].astype(float)
    return energies


def frequency_network(name: str, width: int, size: int) -> Network:
    """A network for images (1, size, size) of so many channels."""
    if name == NO_MIXING:
        return architecture("conv-generator", (1, size, size), channels=width, kernel="none")
    if name == "conv-decoder":
        return doubling_decoder(width, size)
    return architecture(name, (1, size, size), **{"channels" if name == "conv-generator" else "width": width})


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    size, steps, at = parameters["size"], parameters["steps"], checkpoints(parameters["steps"])
    network = frequency_network(parameters["network"], parameters["width"], size)
    y, ring = picture(parameters["target"], size, seed), rings(size, parameters["bands"])
    whole = ring_energies(y, ring)
    outputs = fitted_outputs(network, y, seed, parameters["optimiser"], steps, device)
    left = np.array([ring_energies(output - y, ring) / whole for output, _ in outputs])
    columns: dict[str, Any] = {"weights": network.size.weights}
    for band, curve in enumerate(left.T):
        columns |= {f"left_{band}_{t}": float(curve[t]) for t in at}
        columns[f"half_{band}"] = first_at(curve, 0.5)
    return columns


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Shares left of each band by steps, steps to half of it, and the lowest band's share over the highest's."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at = dict(zip(_AT, values, strict=True)) | {"weights": group[0]["weights"]}
        last, times = at["bands"] - 1, thinned(at["steps"], 3)
        for band in range(at["bands"]):
            where = {**at, "band": band}
            rows += [_at_step("left", where, t, [row[f"left_{band}_{t}"] for row in group]) for t in times]
            rows.append(_at_step("steps to half", where, None, [row[f"half_{band}"] for row in group]))
        for t in times:
            ratios = [row[f"left_0_{t}"] / row[f"left_{last}_{t}"] for row in group]
            rows.append(_at_step("lowest over highest", {**at, "band": None}, t, ratios))
    return rows


def _at_step(quantity: str, at: Mapping[str, Any], step: int | None, values: Sequence[float | None]) -> TableRow:
    return spread_entry(quantity, {**at, "step": step}, values)


FREQUENCIES_STUDY = Study(
    name="frequencies",
    says="Which frequencies does a network fit first? What is left of each band of an image, and of noise, by steps.",
    axes={
        "network": FITTED_FIRST,
        "width": (32,),
        "size": (32,),
        "target": ("camera", UNIFORM),
        "optimiser": ("adam",),
        "steps": (300,),
        "bands": (4,),
    },
    domain={
        "network": FITTED_FIRST,
        "width": (2, 512),
        "size": (16, 512),
        "target": (*IMAGE_NAMES, UNIFORM),
        "optimiser": OPTIMISERS,
        "steps": (1, 100_000),
        "bands": (2, 16),
    },
    seeds=3,
    row=_row,
    table=_table,
)
