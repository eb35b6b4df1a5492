"""The rival that `benchmarks/autoencoding.py` measures: its loop and its U-Net against twins from the definition."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import autoencoding
from benchmarks.autoencoding import Settings, autoencode, unet
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip import CSDIPSettings, recover

SHAPE = (1, 10, 9)
SMALL = Settings(K=4, N=3, weight=0.2, learning_rate=1e-2, longest=1.0, scales=3, width=4, skip=2)


def problem():
    operator = make_operator("gaussian", SHAPE, 30, seed=1)
    return operator, operator.forward(torch.from_numpy(stream(1, "image").uniform(-1, 1, SHAPE)))


def by_the_letter(network, A, y, settings):
    """2 z_1 - 1, ..., 2 z_K - 1 by Adam written out, tensor after tensor; the matrix is multiplied by rows."""
    y = torch.stack([(y[i] + A[i].sum()) / 2 for i in range(len(y))])  # what would be measured of (x + 1)/2
    weights = list(network.parameters())
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    z, t = sum(A[i] * y[i] for i in range(len(y))).reshape(1, *SHAPE), 0
    z = z / max(z.flatten())
    images = []
    for _ in range(settings.K):
        for _ in range(settings.N):
            x, t = network(z), t + 1
            misfit = sum((A[i] @ x.flatten() - y[i]) ** 2 for i in range(len(y)))
            loss = misfit + settings.weight * sum((a - b) ** 2 for a, b in zip(x.flatten(), z.flatten(), strict=True))
            gradient = torch.autograd.grad(loss, weights)
            length = sum(float((g**2).sum()) for g in gradient) ** 0.5
            for i, whole in enumerate(gradient):
                g = whole * min(1.0, settings.longest / (length + 1e-6))
                means[i] = 0.9 * means[i] + 0.1 * g
                squares[i] = 0.999 * squares[i] + 0.001 * g**2
                step = means[i] / (1 - 0.9**t) / ((squares[i] / (1 - 0.999**t)).sqrt() + 1e-8)
                weights[i].data -= settings.learning_rate * step
        z = network(z).detach()
        images.append(2 * z[0] - 1)
    return images


@pytest.mark.parametrize("changes", [{}, {"weight": 0.0}, {"longest": 1e9}, {"K": 6, "N": 1}], ids=str)
def test_the_loop_is_that_of_the_definition(changes):
    operator, y = problem()
    settings = replace(SMALL, **changes)
    iterates = list(autoencode(unet(1, settings, 5).double(), operator, y, settings))
    expected = by_the_letter(unet(1, settings, 5).double(), operator.matrix.double(), y, settings)
    # float64 at 1e-16; Adam divides a gradient by its own size, which enlarges the rounding of small ones
    torch.testing.assert_close(torch.stack(iterates), torch.stack(expected), atol=1e-7, rtol=0)
    assert (iterates[0] - iterates[-1]).abs().max() > 0.1  # the comparison is of something that moved


def test_the_weight_draws_the_image_to_the_input():
    operator, y = problem()
    drifts = []
    for weight in (0.0, 100.0):
        settings = replace(SMALL, K=10, weight=weight)
        *_, before, after = autoencode(unet(1, settings, 5), operator, y.float(), settings)
        drifts.append(float((after - before).norm()))
    assert drifts[1] < 0.5 * drifts[0]


def convolved(x, network, name, stride=1):
    """A convolution of (C, H, W) with zeros around it, as a sum of shifts, every `stride`-th row and column of it."""
    kernel, bias = network[f"{name}.weight"], network[f"{name}.bias"]
    C, H, W = x.shape
    size = kernel.shape[-1]
    around = size // 2
    wide = torch.zeros(C, H + 2 * around, W + 2 * around, dtype=x.dtype)
    wide[:, around : around + H, around : around + W] = x
    shifts = [(i, j, wide[:, i : i + H, j : j + W]) for i in range(size) for j in range(size)]
    whole = sum(torch.einsum("oc,chw->ohw", kernel[:, :, i, j], part) for i, j, part in shifts)
    return (whole + bias[:, None, None])[:, ::stride, ::stride]


def normalised(x, groups):
    """Group norm of weight 1 and bias 0, then the rectifier of slope 0.2."""
    parts = []
    for part in x.chunk(groups):
        centred = part - part.mean()
        parts.append(centred / (centred.square().mean() + 1e-5).sqrt())
    whole = torch.cat(parts)
    return torch.where(whole > 0, whole, 0.2 * whole)


def resized(x, size):
    """Bilinear interpolation between the centres of pixels, an axis after the other."""
    for axis, target in ((1, size[0]), (2, size[1])):
        places = ((np.arange(target) + 0.5) * x.shape[axis] / target - 0.5).clip(0, x.shape[axis] - 1)
        below = np.minimum(np.floor(places).astype(int), max(0, x.shape[axis] - 2))
        share = torch.from_numpy(places - below).reshape([-1 if a == axis else 1 for a in range(3)])
        above = np.minimum(below + 1, x.shape[axis] - 1)
        low, high = (x.index_select(axis, torch.from_numpy(at)) for at in (below, above))
        x = (1 - share) * low + share * high
    return x


def test_the_network_is_a_u_net_with_a_narrow_skip_at_every_scale_but_the_coarsest():
    network = unet(1, SMALL, 3).double()
    values = dict(network.named_parameters())
    z = torch.from_numpy(stream(2, "z").standard_normal(SHAPE))

    def pair(x, name, stride=1):
        return normalised(convolved(normalised(convolved(x, values, f"{name}.0", stride), 4), values, f"{name}.3"), 4)

    def skip(x, name):
        return normalised(convolved(x, values, f"{name}.0"), 1)

    first = normalised(convolved(z, values, "first.0"), 4)
    second = pair(first, "down.0", 2)
    third = pair(second, "down.1", 2)
    x = pair(torch.cat([resized(third, second.shape[1:]), skip(second, "skips.1")]), "up.1")
    x = pair(torch.cat([resized(x, first.shape[1:]), skip(first, "skips.0")]), "up.0")
    image = 1 / (1 + torch.exp(-convolved(x, values, "last")))
    torch.testing.assert_close(network(z[None])[0], image, atol=1e-10, rtol=0)
    assert [tuple(part.shape) for part in (first, second, third)] == [(4, 10, 9), (4, 5, 5), (4, 3, 3)]


def test_the_benchmark_prints_errors_and_times_side_by_side(monkeypatch, capsys):
    quick = CSDIPSettings(steps=5, network="decoder", network_options={"width": 2, "latent": 3})
    monkeypatch.setattr(autoencoding, "OURS", {"csdip": lambda op, y, seed: recover(op, y, quick, seed=seed)})
    argv = ["autoencoding.py", "camera", "--size", "16", "--m", "40", "--K", "3", "--width", "8"]
    monkeypatch.setattr(sys, "argv", argv)
    threads = torch.get_num_threads()
    try:
        autoencoding.main()
    finally:
        torch.set_num_threads(threads)
    printed = json.loads(capsys.readouterr().out)
    (row,) = printed["rows"]
    ours, theirs = row["csdip"], row["aSeqDIP"]
    assert len(theirs["errors"]) == 3
    assert theirs["least"] == sorted(theirs["errors"])[0]
    assert theirs["errors"][-1] == pytest.approx(theirs["mse"], abs=1e-6)
    for key in ("mse", "seconds", "processor_seconds"):
        assert ours[f"{key}_ratio"] == ours[key] / theirs[key]
        assert printed["summary"]["m=40"]["csdip"][f"{key}_ratio"] == ours[f"{key}_ratio"]
    assert printed["summary"]["m=40"]["csdip"]["lower"] == int(ours["mse"] < theirs["mse"])


@pytest.mark.parametrize(("option", "value"), [("--K", "0"), ("--width", "10"), ("--skip", "1")])
def test_bad_sizes_get_a_sentence(option, value, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["autoencoding.py", "camera", option, value])
    with pytest.raises(SystemExit):
        autoencoding.main()
    assert f"{option} must be " in capsys.readouterr().err
