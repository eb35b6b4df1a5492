"""Does compressive sensing with a decoder need to be stopped? Error to the truth along descent, for three operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from untrained.sims.experiments.studies.common import by_parameters
from untrained.sims.experiments.studies.fits import decoder_course, spread_entry, steps_by_ratio
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.images.images import load_image
from untrained.sims.operators import Measurement, Operator, Shape, make_operator, measure
from untrained.sims.operators.base import checked_shape
from untrained.sims.operators.coils import CENTRE, column_counts
from untrained.sims.random.streams import stream
from untrained.sims.recovery.conv_decoder import PRESETS, ConvDecoderSettings
from untrained.theory.objects.shapes import Array

SENSINGS = ("gaussian", "inpainting", "multicoil")
SHARES = {"gaussian": 1 / 4, "inpainting": 1 / 3}
"""m/n of the text's Gaussian map, and the probability by which the published run keeps a pixel."""
COILS = 4
FIRST, CHECKPOINTS = 10, 24
TENTH = 0.1
"""An error or loss at a checkpoint is the median over the last tenth of the steps up to it: Adam has spikes."""
SUMMARIES = ("least_error", "least_step", "last_error", "last_loss", "rise")


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow one descent to the end; errors are the mean square on pixels of [0, 1], losses ||A u - y||^2/||y||^2."""
    size, steps = parameters["size"], parameters["steps"]
    x = load_image(f"example:{parameters['image']}", grey=True, size=(size, size))
    measurement = sensed(x, parameters, seed)
    errors, losses = descent_errors(measurement, x, decoder_settings(parameters["channels"], steps), seed, device)
    edges = window_ends(steps)
    error, loss = medians_before(errors, edges), medians_before(losses, edges)
    least = int(error.argmin())
    curves = {f"{name}_{k}": float(v) for name, each in (("error", error), ("loss", loss)) for k, v in enumerate(each)}
    return {
        "m": measurement.operator.m,
        "least_error": float(error[least]),
        "least_step": edges[least],
        "last_error": float(error[-1]),
        "last_loss": float(loss[-1]),
        "rise": float(error[-1] / error[least] - 1),
        **curves,
    }


def decoder_settings(channels: int, steps: int) -> ConvDecoderSettings:
    """The published settings, with another number of channels and of steps."""
    published = PRESETS["interpolation"]
    return replace(published, steps=steps, network_options={**published.network_options, "channels": channels})


def sensing_operator(name: str, shape: Shape, acceleration: float, seed: int) -> Operator:
    """One of SENSINGS for an image (C, H, W): m = n/4 rows, or a pixel in three, or some columns of four coils."""
    if name == "multicoil":
        return make_operator(name, shape, seed=seed, coils=COILS, acceleration=acceleration)
    if name == "gaussian":
        return make_operator(name, shape, round(SHARES[name] * shape[0] * shape[1] * shape[2]), seed)
    return make_operator(name, shape, mask=stream(seed, "mask").random(shape[1:]) < SHARES[name])


def sensed(x: torch.Tensor, parameters: Mapping[str, Any], seed: int) -> Measurement:
    """Measurements of x; `noise` is sqrt(E ||noise||^2)/||A u|| of the image u = (x + 1)/2 on [0, 1]."""
    operator = sensing_operator(parameters["operator"], checked_shape(tuple(x.shape)), parameters["acceleration"], seed)
    # On [-1, 1] noise is twice what it is on [0, 1].
    sigma = 2 * parameters["noise"] * float(operator.forward((x + 1) / 2).norm())
    return measure(x, operator, sigma, seed)


def descent_errors(
    measurement: Measurement, x: torch.Tensor, settings: ConvDecoderSettings, seed: int, device: str
) -> tuple[Array, Array]:
    """Mean squared error on [0, 1] and ||A u - y||^2/||y||^2 of the image before each step, (steps,) both."""
    data, misfits, errors = decoder_course(measurement.operator, measurement.y, x, settings, seed, device)
    return errors, misfits / float(data.scale * data.energy())


def window_ends(steps: int) -> list[int]:
    """Counts of steps from FIRST to all of them, evenly in the logarithm, CHECKPOINTS of them."""
    return steps_by_ratio(FIRST, steps, CHECKPOINTS)


def medians_before(values: Array, edges: Sequence[int]) -> Array:
    """Medians of values (steps,) over the last tenth of the steps up to each checkpoint, at least the last one."""
    return np.array([np.median(values[min(edge - 1, int((1 - TENTH) * edge)) : edge]) for edge in edges])


_GROUPS = ("operator", "noise", "image", "size", "channels", "steps", "acceleration")


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Medians over seeds, between the least and the largest: summaries, errors, losses at every second checkpoint."""
    rows = []
    for values, group in by_parameters(cells, _GROUPS).items():
        at = dict(zip(_GROUPS, values, strict=True))
        rows += [spread_entry(name, at | {"step": None}, [row[name] for row in group]) for name in SUMMARIES]
        for name, stride in (("error", 1), ("loss", 2)):
            for k, step in list(enumerate(window_ends(at["steps"])))[stride - 1 :: stride]:
                rows.append(spread_entry(name, at | {"step": step}, [row[f"{name}_{k}"] for row in group]))
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    count, lowest = column_counts(parameters["size"], parameters["acceleration"], CENTRE)
    if parameters["operator"] == "multicoil" and lowest >= count:
        raise ValueError(
            f"acceleration must sample more than the {lowest} columns of the centre, got {parameters['acceleration']}"
        )


SENSING_CONVERGENCE_STUDY = Study(
    name="heckel20b-fig1",
    says="Compressive sensing with a decoder, not stopped: does the error to the truth rise again, and with noise?",
    axes={
        "operator": SENSINGS,
        "noise": (0.0, 0.02, 0.1),
        "image": ("camera",),
        "size": (48,),
        "channels": (48,),
        "steps": (2000,),
        "acceleration": (8.0,),
    },
    domain={
        "operator": SENSINGS,
        "noise": (0.0, 10.0),
        "image": ("camera", "astronaut"),
        "size": (16, 256),
        "channels": (2, 512),
        "steps": (200, 1_000_000),
        "acceleration": (1.0, 128.0),
    },
    seeds=2,
    row=_row,
    table=_table,
    check=_check,
)
"""Figure 1 of heckel20b: the text's operator, the one of its stored run, and coils as in its Figure 5.

48 channels at 48x48 are 5.2 weights a pixel, where the paper's 256 at 256x256 are 5.04, over 100 000 steps.
"""
