"""The rival that `benchmarks/autoencoding.py` measures: its loop and its U-Net against twins from the definition."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import autoencoding
from benchmarks.autoencoding import Settings, UNet, autoencode, unet
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip import CSDIPSettings, recover

SHAPE = (1, 10, 9)
SMALL = Settings(K=4, N=3, weight=0.2, learning_rate=1e-2, halvings=2, width=3)


def problem():
    operator = make_operator("gaussian", SHAPE, 30, seed=1)
    return operator, operator.forward(torch.from_numpy(stream(1, "image").uniform(-1, 1, SHAPE)))


def by_the_letter(network, A, y, settings):
    """2 z_1 - 1, ..., 2 z_K - 1 by Adam written out, tensor after tensor; the matrix is multiplied by rows."""
    y = torch.stack([(y[i] + A[i].sum()) / 2 for i in range(len(y))])  # what would be measured of (x + 1)/2
    weights = list(network.parameters())
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    z, t = sum(A[i] * y[i] for i in range(len(y))).reshape(1, *SHAPE), 0
    images = []
    for _ in range(settings.K):
        for _ in range(settings.N):
            x, t = network(z), t + 1
            misfit = sum((A[i] @ x.flatten() - y[i]) ** 2 for i in range(len(y)))
            loss = misfit + settings.weight * sum((a - b) ** 2 for a, b in zip(x.flatten(), z.flatten(), strict=True))
            for i, g in enumerate(torch.autograd.grad(loss, weights)):
                means[i] = 0.9 * means[i] + 0.1 * g
                squares[i] = 0.999 * squares[i] + 0.001 * g**2
                step = means[i] / (1 - 0.9**t) / ((squares[i] / (1 - 0.999**t)).sqrt() + 1e-8)
                weights[i].data -= settings.learning_rate * step
        z = network(z).detach()
        images.append(2 * z[0] - 1)
    return images


@pytest.mark.parametrize("changes", [{}, {"weight": 0.0}, {"K": 6, "N": 1}], ids=str)
def test_the_loop_is_that_of_the_definition(changes):
    operator, y = problem()
    settings = replace(SMALL, **changes)
    found = list(autoencode(unet(1, settings, 5).double(), operator, y, settings))
    expected = by_the_letter(unet(1, settings, 5).double(), operator.matrix.double(), y, settings)
    # float64 at 1e-16; Adam divides a gradient by its own size, which enlarges the rounding of small ones
    torch.testing.assert_close(torch.stack(found), torch.stack(expected), atol=1e-7, rtol=0)
    assert (found[0] - found[-1]).abs().max() > 0.1  # the comparison is of something that moved


def test_the_weight_draws_the_image_to_the_input():
    operator, y = problem()
    drifts = []
    for weight in (0.0, 100.0):
        settings = replace(SMALL, K=10, weight=weight)
        *_, before, after = autoencode(unet(1, settings, 5), operator, y.float(), settings)
        drifts.append(float((after - before).norm()))
    assert drifts[1] < 0.5 * drifts[0]


def normalised(x):
    """Batch norm of a picture alone, weights 1 and biases 0, then the rectifier."""
    centred = x - x.mean((-2, -1), keepdim=True)
    return (centred / (centred.square().mean((-2, -1), keepdim=True) + 1e-5).sqrt()).clamp(min=0)


def convolved(x, kernel):
    """The 3x3 convolution of (C, H, W) with zeros around it, as a sum of nine shifts."""
    C, H, W = x.shape
    wide = torch.zeros(C, H + 2, W + 2, dtype=x.dtype)
    wide[:, 1:-1, 1:-1] = x
    shifts = [(i, j, wide[:, i : i + H, j : j + W]) for i in range(3) for j in range(3)]
    return sum(torch.einsum("oc,chw->ohw", kernel[:, :, i, j], part) for i, j, part in shifts)


def halved(x):
    """Maxima of 2x2 squares."""
    return x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2].unfold(1, 2, 2).unfold(2, 2, 2).amax((-2, -1))


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


def test_the_network_is_a_u_net_of_two_halvings_joined_at_every_scale():
    network = UNet(1, 3, 2).double()
    kernels = {name: w for name, w in network.named_parameters() if w.ndim == 4}
    z = torch.from_numpy(stream(2, "z").standard_normal(SHAPE))

    def pair(x, name):
        return normalised(convolved(normalised(convolved(x, kernels[f"{name}.0.weight"])), kernels[f"{name}.3.weight"]))

    first = pair(z, "down.0")
    second = pair(halved(first), "down.1")
    third = pair(halved(second), "down.2")
    x = pair(torch.cat([second, resized(third, second.shape[1:])]), "up.1")
    x = pair(torch.cat([first, resized(x, first.shape[1:])]), "up.0")
    image = torch.einsum("oc,chw->ohw", kernels["last.weight"][..., 0, 0], x) + network.last.bias[0]
    torch.testing.assert_close(network(z[None])[0], image, atol=1e-10, rtol=0)
    assert [len(part) for part in (first, second, third)] == [3, 6, 6]


def test_the_benchmark_prints_errors_and_times_side_by_side(monkeypatch, capsys):
    quick = CSDIPSettings(steps=5, network="decoder", network_options={"width": 2, "latent": 3})
    monkeypatch.setattr(autoencoding, "OURS", {"csdip": lambda op, y, seed: recover(op, y, quick, seed=seed)})
    monkeypatch.setattr(sys, "argv", ["autoencoding.py", "camera", "--size", "16", "--m", "40", "--K", "3"])
    threads = torch.get_num_threads()
    try:
        autoencoding.main()
    finally:
        torch.set_num_threads(threads)
    printed = json.loads(capsys.readouterr().out)
    (row,) = printed["rows"]
    ours, theirs = row["csdip"], row["aSeqDIP"]
    assert len(theirs["errors"]) == 3
    assert theirs["errors"][-1] == pytest.approx(theirs["mse"], abs=1e-6)
    for key in ("mse", "seconds", "processor_seconds"):
        assert ours[f"{key}_ratio"] == ours[key] / theirs[key]
        assert printed["summary"]["csdip"][f"largest_{key}_ratio"] == ours[f"{key}_ratio"]
    assert printed["summary"]["csdip"]["lower"] == int(ours["mse"] < theirs["mse"])
