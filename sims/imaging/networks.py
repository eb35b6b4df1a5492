"""Untrained generators: the DCGANs of the paper, one for any size, the deep decoder and the skip U-Net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Architecture:
    """A generator G(z; w) of images of one shape: how to build it and how its input z is drawn.

    `build()` returns a module from (1, *latent_shape) to (1, C, H, W); `latent_law` is "normal" or "uniform".
    """

    name: str
    shape: Shape
    build: Callable[[], nn.Module]
    latent_shape: tuple[int, ...]
    latent_law: str = "normal"
    latent_scale: float = 1.0

    def latent(self, rng: np.random.Generator) -> torch.Tensor:
        """Draw one input z, of shape latent_shape."""
        law = {"normal": rng.standard_normal, "uniform": rng.random}[self.latent_law]
        return torch.from_numpy((self.latent_scale * law(self.latent_shape)).astype(np.float32))

    def weights(self) -> int:
        """Number of weights w."""
        with torch.device("meta"):
            return sum(p.numel() for p in self.build().parameters())


class Crop(nn.Module):
    """The centre of an image."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Crop (..., h, w) to (..., height, width)."""
        top, left = (x.shape[-2] - self.height) // 2, (x.shape[-1] - self.width) // 2
        return x[..., top : top + self.height, left : left + self.width]


def _up(inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int, padding: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)


def _block(convolution: nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()]


def _dcgan_mnist(latent: int, width: int) -> nn.Sequential:
    double = lambda: nn.Upsample(scale_factor=2, mode="nearest")  # noqa: E731
    return nn.Sequential(
        *_block(_up(latent, 8 * width, 2, 1, 0)), double(),
        *_block(_up(8 * width, 4 * width, 4, 1, 0)),
        *_block(_up(4 * width, 2 * width, 3, 1, 1)), double(),
        *_block(_up(2 * width, width, 3, 1, 1)), double(),
        _up(width, 1, 3, 1, 1), nn.Tanh(),
    )  # fmt: skip


def _dcgan_pyramid(shape: Shape, latent: int, widths: tuple[int, ...]) -> nn.Sequential:
    channels, height, width = shape
    start = (-(-height // 2 ** len(widths)), -(-width // 2 ** len(widths)))
    inner = [_up(a, b, 6, 2, 2) for a, b in zip(widths, widths[1:], strict=False)]
    layers = [layer for c in (_up(latent, widths[0], start, 1, 0), *inner) for layer in _block(c)]
    layers += [_up(widths[-1], channels, 4, 2, 1), nn.Tanh()]
    if (start[0] << len(widths), start[1] << len(widths)) != (height, width):
        layers.append(Crop(height, width))
    return nn.Sequential(*layers)


def dcgan(shape: Shape, *, latent: int | None = None, width: int = 64) -> Architecture:
    """The paper's generator of transposed convolutions, for images of any shape (C, H, W).

    (1, 28, 28) is the MNIST network (2 730 432 weights); every other shape doubles a small start, with kernels of 6
    and at the end of 4: (1, 256, 256) is the x-ray network (804 608) and (3, 128, 128) the retina one (626 304).
    Sizes that are no power of two times the start are cropped at the end.

    Source: vanveen18 Appendix A (DCGAN of depth 7); layer sizes agree with the published weights' count.
    """
    _check(shape, smallest=8)
    if shape == (1, 28, 28):
        k = 128 if latent is None else latent
        return Architecture("dcgan", shape, lambda: _dcgan_mnist(k, width), (k, 1, 1))
    k = {128: 32}.get(max(shape[1:]), 64) if latent is None else latent
    depth = max(1, int(np.ceil(np.log2(max(shape[1:]) / 7))))
    return Architecture("dcgan", shape, lambda: _dcgan_pyramid(shape, k, (width,) * depth), (k, 1, 1))


def _check(shape: Shape, smallest: int) -> None:
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"shape must be (1 or 3, height, width), got {shape}")
    if min(shape[1:]) < smallest:
        raise ValueError(f"image must be at least {smallest}x{smallest} for this network, got {shape[1]}x{shape[2]}")


def _deep_decoder(shape: Shape, start: tuple[int, int], channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for layer in range(depth):
        size = tuple(round(s * (t / s) ** ((layer + 1) / depth)) for s, t in zip(start, shape[1:], strict=True))
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += [nn.Upsample(size=size, mode="bilinear", align_corners=False)]
        layers += [nn.ReLU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.Conv2d(channels, shape[0], 1, bias=False), nn.Tanh())


def deep_decoder(shape: Shape, *, channels: int = 64, depth: int | None = None) -> Architecture:
    """1x1 convolutions and bilinear upsampling only: so few weights that the network itself regularises.

    Source: heckel18 (Deep Decoder), with tanh in place of the sigmoid for pixels on [-1, 1].
    """
    _check(shape, smallest=4)
    depth = depth or max(2, int(np.log2(min(shape[1:]))) - 2)
    start = (max(2, shape[1] >> depth), max(2, shape[2] >> depth))
    build = lambda: _deep_decoder(shape, start, channels, depth)  # noqa: E731
    return Architecture("deep-decoder", shape, build, (channels, *start), "uniform")


class _Scale(nn.Module):
    """One scale of the hourglass: down, the scales below, up, joined with a narrow skip connection."""

    def __init__(self, inputs: int, width: int, skip: int, below: nn.Module | None) -> None:
        super().__init__()
        self.skip = _convolve(inputs, skip, 1)
        self.down = nn.Sequential(_convolve(inputs, width, 3, 2), _convolve(width, width, 3))
        self.below = below
        self.join = nn.BatchNorm2d(width + skip)
        self.up = nn.Sequential(_convolve(width + skip, width, 3), _convolve(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep = self.down(x)
        deep = deep if self.below is None else self.below(deep)
        deep = F.interpolate(deep, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.up(self.join(torch.cat([deep, self.skip(x)], -3)))


def _convolve(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    pad = kernel // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, pad, padding_mode="reflect" if pad else "zeros")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def _skip_unet(shape: Shape, inputs: int, width: int, skip: int, depth: int) -> nn.Sequential:
    hourglass: nn.Module | None = None
    for scale in reversed(range(depth)):
        hourglass = _Scale(inputs if scale == 0 else width, width, skip, hourglass)
    assert hourglass is not None
    return nn.Sequential(hourglass, nn.Conv2d(width, shape[0], 1), nn.Tanh())


def skip_unet(shape: Shape, *, width: int = 64, skip: int = 4, depth: int | None = None) -> Architecture:
    """The hourglass with skip connections of Deep Image Prior.

    Source: ulyanov18 (Deep Image Prior), with tanh at the end for pixels on [-1, 1].
    """
    _check(shape, smallest=16)
    depth = depth or min(5, int(np.log2(min(shape[1:]))) - 2)
    build = lambda: _skip_unet(shape, 32, width, skip, depth)  # noqa: E731
    return Architecture("skip-unet", shape, build, (32, *shape[1:]), "uniform", 0.1)


ARCHITECTURES: dict[str, Callable[..., Architecture]] = {
    "dcgan": dcgan,
    "deep-decoder": deep_decoder,
    "skip-unet": skip_unet,
}


def architecture(name: str, shape: Shape, **options: int) -> Architecture:
    """Return the named generator for images of a shape.

    Raises
    ------
    ValueError
        where the name is unknown or the image is too small for it.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"network must be one of {', '.join(ARCHITECTURES)}, got {name!r}")
    return ARCHITECTURES[name](shape, **options)


def latent_size(chosen: Architecture) -> int:
    """Length of z."""
    return prod(chosen.latent_shape)
