"""A generator trained on images: the decoder of a variational autoencoder, for recovery in its range."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from untrained.sims.files import Refused, decoding, existing, write_bytes
from untrained.sims.operators import Shape
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import whole_number

GENERATOR_FILE, _FORMAT = "untrained generator", 1
MINIBATCH, LEARNING_RATE = 100, 1e-3
"""Images in a minibatch and Adam's learning rate.

Source: Bora, Jalal, Price and Dimakis 2017, Section 6
"""

Layer = tuple[torch.Tensor, torch.Tensor]
"""Weights (outputs, inputs) and biases (outputs,)."""


@dataclass(frozen=True, eq=False)
class Generator:
    """G(z): layers with ReLU between them, then tanh(a/2) = 2 sigmoid(a) - 1, which is a pixel's mean on [-1, 1].

    Raises
    ------
    ValueError
        where the layers do not follow on each other, or do not end at the pixels of the shape.
    """

    shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        sizes = [self.layers[0][0].shape[1:], *(b.shape for _, b in self.layers)]
        fits = all(w.shape == (*b, *a) for (w, _), (a, b) in zip(self.layers, pairwise(sizes), strict=True))
        if not fits or sizes[-1] != (prod(self.shape),):
            got = ", ".join(str(tuple(w.shape)) for w, _ in self.layers)
            raise ValueError(f"layers must be a chain that ends at {prod(self.shape)} pixels, got weights {got}")

    @property
    def latent(self) -> int:
        """Dimension of z."""
        return self.layers[0][0].shape[1]

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) of z, (B, latent)."""
        return torch.tanh(_network(self.layers, z) / 2.0).reshape(-1, *self.shape)

    def to(self, device: str | torch.device) -> Generator:
        """The same generator with its weights on a device."""
        return Generator(self.shape, tuple((w.to(device), b.to(device)) for w, b in self.layers))


def _network(layers: tuple[Layer, ...], x: torch.Tensor) -> torch.Tensor:
    for w, b in layers[:-1]:
        x = F.relu(F.linear(x, w, b))
    return F.linear(x, *layers[-1])


def _draw(rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
    """Weights N(0, 2/inputs), which keep the scale of signals through ReLU, and biases of zero."""
    values = [(2.0 / a) ** 0.5 * rng.standard_normal((b, a), dtype=np.float32) for a, b in pairwise(sizes)]
    return tuple((torch.from_numpy(w).float(), torch.zeros(len(w))) for w in values)


def untrained_generator(shape: Shape, *, latent: int = 20, hidden: int = 500, seed: int = 0) -> Generator:
    """Return the generator with which training starts: two hidden layers of random weights.

    Raises
    ------
    ValueError
        where latent or hidden is not a positive integer.
    """
    k, d = whole_number("latent", latent, 1), whole_number("hidden", hidden, 1)
    return Generator(shape, _draw(stream(seed, "weights", "decoder"), (k, d, d, prod(shape))))


def train_generator(
    images: torch.Tensor,
    *,
    latent: int = 20,
    hidden: int = 500,
    epochs: int = 60,
    seed: int = 0,
    watch: Progress | None = None,
) -> Generator:
    """Train a variational autoencoder on images (N, C, H, W) on [-1, 1] and return its decoder.

    Pixels are Bernoulli, grey ones by their mean; encoder and decoder have two hidden layers. `watch` is told minus the
    evidence bound per image. The same seed gives the same weights, on one number of threads of one processor.

    Source: Bora, Jalal, Price and Dimakis 2017, Section 6; Kingma and Welling 2014

    Raises
    ------
    ValueError
        where there is no image, a pixel is not on [-1, 1], or another argument is not a positive integer.
    """
    x = _unit_interval(images)
    generator = untrained_generator(_shape(images), latent=latent, hidden=hidden, seed=seed)
    encoder = _draw(stream(seed, "weights", "encoder"), (x.shape[1], hidden, hidden, 2 * latent))
    weights = [w.requires_grad_() for layer in (*encoder, *generator.layers) for w in layer]
    optimiser = torch.optim.Adam(weights, LEARNING_RATE)
    batches = _batches(len(x), whole_number("epochs", epochs, 1), stream(seed, "batches"))
    noise = stream(seed, "noise")
    for step, batch in enumerate(batches, 1):
        loss = _minus_evidence(encoder, generator.layers, x[batch], noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if watch is not None and (step % 10 == 0 or step in (1, len(batches))):
            watch(step, len(batches), float(loss.detach()))
    return Generator(generator.shape, tuple((w.detach(), b.detach()) for w, b in generator.layers))


def _unit_interval(images: torch.Tensor) -> torch.Tensor:
    if images.ndim != 4 or not images.numel():
        raise ValueError(f"images must be of shape (N, C, H, W) with N of at least 1, got {tuple(images.shape)}")
    if not (images.abs() <= 1.0).all():
        raise ValueError("images must have pixels between -1 and 1, got others")
    return (images.detach().float().cpu().flatten(1) + 1.0) / 2.0


def _shape(images: torch.Tensor) -> Shape:
    _, channels, height, width = images.shape
    return channels, height, width


def _batches(count: int, epochs: int, rng: np.random.Generator) -> list[torch.Tensor]:
    """Every image once an epoch, in a new order."""
    return [part for _ in range(epochs) for part in torch.from_numpy(rng.permutation(count)).split(MINIBATCH)]


def _minus_evidence(
    encoder: tuple[Layer, ...], decoder: tuple[Layer, ...], x: torch.Tensor, noise: np.random.Generator
) -> torch.Tensor:
    """-log p(x | z) at one z drawn from N(mean, variance), plus the divergence of that law from N(0, I), per image."""
    mean, log_variance = _network(encoder, x).chunk(2, -1)
    values = torch.from_numpy(noise.standard_normal(tuple(mean.shape), dtype=np.float32))
    z = mean + torch.exp(log_variance / 2.0) * values
    surprise = F.binary_cross_entropy_with_logits(_network(decoder, z), x, reduction="sum")
    divergence = (mean.square() + log_variance.exp() - log_variance - 1.0).sum() / 2.0
    return (surprise + divergence) / len(x)


def save_generator(path: str | Path, generator: Generator) -> None:
    """Write a generator to one .npz file, whole or not at all: the same generator gives the same bytes.

    Raises
    ------
    ValueError
        where the path is a folder, or its folder does not exist.
    OSError
        where the folder cannot be written to.
    """
    tensors = {f"{kind}{i}": t for i, layer in enumerate(generator.layers) for kind, t in zip("wb", layer, strict=True)}
    arrays = {name: t.cpu().numpy() for name, t in tensors.items()}
    header = json.dumps(
        {"kind": GENERATOR_FILE, "format": _FORMAT, "shape": generator.shape, "layers": len(generator.layers)}
    )
    fields: dict[str, Any] = {"header": header, "checksum": _checksum(header, arrays), **arrays}
    content = io.BytesIO()
    np.savez(content, **fields)
    write_bytes(path, content.getvalue())


def _checksum(header: str, arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        digest.update(f"\0{name} {arrays[name].shape}\0".encode() + arrays[name].astype("<f4").tobytes())
    return digest.hexdigest()


def load_generator(path: str | Path) -> Generator:
    """Read a generator and check it.

    Raises
    ------
    ValueError
        where there is no such file, it is no generator, it is damaged, or it contradicts itself.
    """
    path = existing(path)
    with decoding(path):
        if not zipfile.is_zipfile(path):
            raise Refused(f"generator must be a file from `untrained train-generator`, got the other file {path}")
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        text, checksum = str(arrays.pop("header", "{}")), str(arrays.pop("checksum", ""))
        header = json.loads(text)
        if header.get("kind") != GENERATOR_FILE or header.get("format") != _FORMAT:
            raise Refused(
                f"generator must be a file of the kind {GENERATOR_FILE!r}, format {_FORMAT}, got another in {path}"
            )
        if checksum != _checksum(text, arrays):
            raise Refused(f"generator must be a whole file, got {path} with another content than its checksum says")
        return _from_arrays(header, arrays)


def _from_arrays(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Generator:
    numbers = range(header["layers"])
    layers = tuple((torch.from_numpy(arrays[f"w{i}"]), torch.from_numpy(arrays[f"b{i}"])) for i in numbers)
    channels, height, width = header["shape"]
    return Generator((channels, height, width), layers)
