"""The Jacobian of a one-dimensional generator before and after a fit: its singular values, and what its vectors hold.

The generator has four layers of 1x1 convolutions with linear doublings, rectifiers and batch norm, and a last
convolution; the target is a step from -1 to 1 with noise of deviation 0.2, fitted by Adam. Shares are of the energy of
the step, of the noise and of the target in the n/16 leading left singular vectors; `slow` is the mean share of these
vectors in the n/16 slowest trigonometric functions, 1/16 for vectors at random. Source: heckel20a Figure 7
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from untrained.sims.diagnosis.bias import energy, fourier_alignment, leading_count
from untrained.sims.experiments.studies.common import by_parameters
from untrained.sims.experiments.studies.fits import checkpoints, fitted_outputs, spread_entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.networks.copies import Copies
from untrained.sims.networks.generators import generator
from untrained.sims.networks.network import Latent, Network
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array

_LAYERS, _DEVIATION = 4, 0.2
_ZERO = 1e-10
"""A singular value that is a smaller part of the largest is rounding, and so is its vector."""
_SHARES = ("step", "noise", "target")
_AT = ("n", "channels", "steps")


def line_generator(n: int, channels: int) -> Network:
    """The generator of lines, seen as images (1, 1, n); n must be a multiple of 16.

    Raises
    ------
    ValueError
        where it is none.
    """
    if n % 2**_LAYERS:
        raise ValueError(f"n must be a multiple of {2**_LAYERS}, got {n}")
    build = lambda: _line_module(n, channels)  # noqa: E731
    return generator("line-generator", (1, 1, n), build, Latent((channels, 1, n >> _LAYERS), "uniform", 0.1))


def _line_module(n: int, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in (n >> left for left in reversed(range(_LAYERS))):
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += [nn.Upsample(size=(1, size), mode="bilinear", align_corners=False)]
        layers += [nn.ReLU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1, bias=False))


def step_and_noise(n: int, seed: int) -> tuple[Array, Array]:
    """A step from -1 to 1 in the middle, and noise, (n,) each."""
    return np.where(np.arange(n) < n // 2, -1.0, 1.0), _DEVIATION * stream(seed, "line noise", n).standard_normal(n)


def singular_values_and_vectors(network: Network) -> tuple[Array, Array]:
    """Singular values of J (n,), falling, and its left singular vectors in columns (n, n)."""
    jacobian = network.jacobian()
    rows = torch.stack([jacobian.adjoint(unit) for unit in torch.eye(jacobian.n, dtype=torch.float64)])
    U, values, _ = torch.linalg.svd(rows, full_matrices=False)
    return values.numpy(), U.numpy()


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    n, steps = parameters["n"], parameters["steps"]
    network, (step, noise) = line_generator(n, parameters["channels"]), step_and_noise(n, seed)
    columns, at = dict[str, Any](), checkpoints(steps)
    for t, (output, copies) in enumerate(fitted_outputs(network, step + noise, seed, "adam", steps, device)):
        if t in at:
            columns[f"loss_{t}"] = float(np.square(output - step - noise).mean())
            columns[f"error_{t}"] = float(np.linalg.norm(output - step) / np.linalg.norm(step))
        if t in (0, steps):
            here = _moved_to(network.draw(seed), copies)
            columns |= _spectrum_columns("before" if t == 0 else "after", here, step, noise)
    return columns


def _moved_to(network: Network, copies: Copies) -> Network:
    weights = copies.copy_of(0)
    vector = torch.cat([weights[name].detach().cpu().double().flatten() for name in network.weights])
    return network.moved(vector - network.vector())


def _spectrum_columns(when: str, network: Network, step: Array, noise: Array) -> dict[str, Any]:
    values, U = singular_values_and_vectors(network)
    sure = range(int((values > _ZERO * values[0]).sum()))
    leading = U[:, : leading_count(len(values))]
    shares = {name: energy(leading, x) for name, x in zip(_SHARES, (step, noise, step + noise), strict=True)}
    return {
        **{f"value_{when}_{i + 1}": float(values[i]) if i in sure else None for i in _places(len(values))},
        **{f"{name}_{when}": share for name, share in shares.items()},
        f"slow_{when}": fourier_alignment(leading, (1, 1, len(values))),
        **{f"turns_{when}_{i + 1}": turns(U[:, i]) if i in sure else None for i in _places(len(values))},
        f"rank_{when}": len(sure),
    }


def _places(n: int) -> list[int]:
    return [i - 1 for i in checkpoints(n, 8) if i]


def turns(vector: Array) -> float:
    """Mean frequency of a vector (n,) by its energy, in turns over its length."""
    power = np.square(np.abs(np.fft.rfft(vector)))
    power[1 : (len(vector) + 1) // 2] *= 2  # a negative frequency for each positive one
    return float(power @ np.arange(len(power)) / power.sum())


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Curves of the fit, spectra and mean frequencies by index, and shares, before and after; over seeds."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at = dict(zip(_AT, values, strict=True))
        for column in group[0]:
            name, when, place = (*column.split("_"), "")[:3]
            if when.isdigit():
                when, place = "during", when
            where = {**at, "when": when, "place": int(place) if place else None}
            rows.append(spread_entry(name, where, [row[column] for row in group]))
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    line_generator(parameters["n"], parameters["channels"])


LINE_JACOBIAN_STUDY = Study(
    name="heckel20a-fig7",
    says="What does the Jacobian of a one-dimensional generator prefer, before and after it is fitted to a step?",
    axes={"n": (128,), "channels": (64,), "steps": (75, 3500)},
    domain={"n": (32, 1024), "channels": (2, 512), "steps": (1, 100_000)},
    seeds=3,
    row=_row,
    table=_table,
    check=_check,
)
