"""Spectra of dual kernels: sigma_i^2 of deltas, triangles and Gaussians, exact, by the published code and by draws.

The published code divides by 6 where [Sigma]_ij = (1/2)(1 - arccos(rho_ij)/pi)<u_i, u_j> divides by 2: its spectra are
a third of these. Draws are of J J^T at so many channels, the mean of which is Sigma. Source: heckel20a Figure 6
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import by_parameters, entry
from untrained.sims.experiments.studies.fits import checkpoints, spread_entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.convolution_generator import circulant_rows
from untrained.theory.objects.dual_kernels import dual_kernel, dual_spectrum, gaussian_kernel, triangle_kernel
from untrained.theory.objects.shapes import Array

PUBLISHED_SHARE = 1 / 3
"""What the published code gives, in parts of the spectrum."""
_AT = ("kernel", "n", "channels")


def kernel_by_name(name: str, n: int) -> Array:
    """`delta`, `triangle-P` of half-width P in points, or `gaussian-W` of width W in turns of the circle; (n,)."""
    family, _, width = name.partition("-")
    if family == "gaussian":
        return gaussian_kernel(n, float(width))
    return triangle_kernel(n, int(width) if family == "triangle" else 1)


def drawn_spectrum(kernel: Array, channels: int, seed: int) -> Array:
    """Eigenvalues (n,) of J J^T, ascending, at Gaussian weights of so many channels."""
    U = circulant_rows(kernel)
    on = (U @ stream(seed, "channels", channels, len(U)).standard_normal((len(U), channels)) > 0).astype(float)
    values: Array = np.linalg.eigvalsh(U @ U.T * (on @ on.T) / channels)
    return values


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    u = kernel_by_name(parameters["kernel"], parameters["n"])
    law, draw = dual_spectrum(u), drawn_spectrum(u, parameters["channels"], seed)
    dual, frequencies = dual_kernel(u), _frequencies(parameters["n"])
    return {
        "least": float(law.min()),
        "largest": float(law.max()),
        "draw_least": float(draw[0]),
        "draw_largest": float(draw[-1]),
        **{f"value_{i}": float(law[i]) for i in frequencies},
        **{f"kernel_{i}": float(u[i]) for i in frequencies},
        **{f"dual_{i}": float(dual[i]) for i in frequencies},
    }


def _frequencies(n: int) -> tuple[int, ...]:
    """Places up to half of n at which spectra and kernels are tabled: all that an even function needs, thinned out."""
    return checkpoints(n // 2, 12)


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Least and largest value and their ratio, of the law, of the published code and of draws; curves of the law."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at, law = dict(zip(_AT, values, strict=True)), group[0]
        where = {**at, "place": None}
        for name in ("least", "largest"):
            rows.append(entry("exact law", name, where, law[name]))
            rows.append(entry("published code", name, where, PUBLISHED_SHARE * law[name]))
            rows.append(spread_entry(name, where, [row[f"draw_{name}"] for row in group]))
        rows.append(entry("exact law", "largest over least", where, law["largest"] / law["least"]))
        ratios = [row["draw_largest"] / max(row["draw_least"], 1e-300) for row in group]
        rows.append(spread_entry("largest over least", where, ratios))
        for quantity in ("value", "kernel", "dual"):
            places = [{**at, "place": i} for i in _frequencies(at["n"])]
            rows += [entry("exact law", quantity, place, law[f"{quantity}_{place['place']}"]) for place in places]
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    kernel_by_name(parameters["kernel"], parameters["n"])


_NAMES = ("delta", "triangle-10", "triangle-30", "gaussian-0.005", "gaussian-0.01", "gaussian-0.05")

KERNEL_SPECTRA_STUDY = Study(
    name="heckel20a-fig6",
    says="What does a kernel prefer? Spectra of dual kernels, exact, as the published code has them, and of draws.",
    axes={"kernel": _NAMES, "n": (300,), "channels": (4096,)},
    domain={"kernel": (*_NAMES, "triangle-3", "triangle-5", "triangle-20"), "n": (4, 2048), "channels": (2, 1_000_000)},
    seeds=3,
    row=_row,
    table=_table,
    check=_check,
)
