"""Untrained generators: DCGANs, decoders with and without convolutions that train, the skip U-Net, for any size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from itertools import pairwise
from math import ceil

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.network import LAW, Latent, Network
from untrained.sims.operators.base import Shape
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.random.streams import stream

UPSAMPLINGS = ("nearest", "bilinear")
Option = int | float | str


def generator(name: str, image: Shape, build: Callable[[], nn.Module], latent: Latent) -> Network:
    """A generator of images (C, H, W) whose weights are drawn by a law of initialisation.

    `build()` returns a module from (1, *latent.shape) to (1, C, H, W). A restart has weights and a latent of its own.
    """

    def start(seed: int, restart: int = 0, law: str = LAW) -> tuple[nn.Module, torch.Tensor]:
        with isolated_rng(seed, "build"):
            module = build()
        initialise(module, stream(seed, "weights", restart), law)
        return module, latent.draw(stream(seed, "latent", restart)).float()[None]

    return Network(name, start, build, latent, image)


class Crop(nn.Module):
    """The centre of an image."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Crop (..., h, w) to (..., height, width)."""
        top, left = (x.shape[-2] - self.height) // 2, (x.shape[-1] - self.width) // 2
        return x[..., top : top + self.height, left : left + self.width]


def size_text(shape: Shape) -> str:
    """Height x width, for people."""
    return "x".join(str(side) for side in shape[1:])


def validate_shape(shape: Shape, smallest: int, **counts: int | None) -> None:
    """Refuse shapes that are too small, and counts (none: the default is taken) that are no whole number above 0."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"shape must be (1 or 3, height, width), got {shape}")
    if min(shape[1:]) < smallest:
        raise ValueError(f"image must be at least {smallest}x{smallest} for this network, got {size_text(shape)}")
    for name, count in counts.items():
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ValueError(f"{name} must be a whole number of at least 1, got {count!r}")


def validate_upsampling(upsampling: str) -> None:
    """Refuse ways of upsampling that are unknown."""
    if upsampling not in UPSAMPLINGS:
        raise ValueError(f"upsampling must be one of {', '.join(UPSAMPLINGS)}, got {upsampling!r}")


def validate_slope(slope: float) -> None:
    """Refuse slopes below 0 of a rectifier that are no number in [0, 1)."""
    if not isinstance(slope, int | float) or not 0 <= slope < 1:
        raise ValueError(f"slope must be a number of at least 0 and below 1, got {slope!r}")


_PUBLISHED_LATENT: dict[Shape, int] = {(1, 28, 28): 128, (1, 256, 256): 64, (3, 128, 128): 32}


def _up(inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int, padding: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)


def _block(convolution: nn.ConvTranspose2d, slope: float) -> list[nn.Module]:
    rectifier = nn.LeakyReLU(slope) if slope else nn.ReLU()
    return [convolution, nn.BatchNorm2d(convolution.out_channels), rectifier]


def _double(upsampling: str) -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode=upsampling, align_corners=None if upsampling == "nearest" else False)


def _cropped(layers: list[nn.Module], size: tuple[int, ...], shape: Shape) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Tanh(), *([] if size == shape[1:] else [Crop(*shape[1:])]))


def _decoder(shape: Shape, latent: int, width: int, upsampling: str, slope: float) -> nn.Sequential:
    doublings = max(1, int(np.log2(max(shape[1:]) / 7)))
    base = [max(2, -(-side // 2**doublings)) for side in shape[1:]]
    start = [2 if side >= 4 else 1 for side in base]
    first, second, *rest = [width * 2 ** min(3, later) for later in reversed(range(doublings + 2))]
    grow = (base[0] - 2 * start[0] + 1, base[1] - 2 * start[1] + 1)
    layers = [*_block(_up(latent, first, (start[0], start[1]), 1, 0), slope), _double(upsampling)]
    layers += [*_block(_up(first, second, grow, 1, 0), slope), *_block(_up(second, rest[0], 3, 1, 1), slope)]
    for inputs, outputs in pairwise(rest):
        layers += [_double(upsampling), *_block(_up(inputs, outputs, 3, 1, 1), slope)]
    layers += [_double(upsampling), _up(rest[-1], shape[0], 3, 1, 1)]
    return _cropped(layers, tuple(side << doublings for side in base), shape)


def decoder(
    shape: Shape, *, latent: int = 128, width: int = 16, upsampling: str = "bilinear", slope: float = 0.0
) -> Network:
    """A narrow pyramid of 3x3 transposed convolutions and doublings, for images of any shape (C, H, W).

    Channels shrink from at most 8 width to width, then to C; sizes that no doubling meets are cropped at the end.
    For (1, 28, 28) these are the layers of the paper's MNIST network, which has width 64 and nearest neighbours.
    `slope` is that of the rectifiers below 0.

    Raises
    ------
    ValueError
        where the image is below 8x8, an option is out of range, or the upsampling is unknown.
    """
    validate_shape(shape, 8, latent=latent, width=width)
    validate_upsampling(upsampling)
    validate_slope(slope)
    build = lambda: _decoder(shape, latent, width, upsampling, slope)  # noqa: E731
    return generator("decoder", shape, build, Latent((latent, 1, 1)))


def _pyramid(shape: Shape, latent: int, width: int, slope: float) -> nn.Sequential:
    depth = max(1, ceil(np.log2(max(shape[1:]) / 7)))
    start = (-(-shape[1] // 2**depth), -(-shape[2] // 2**depth))
    inner = [_up(width, width, 6, 2, 2) for _ in range(depth - 1)]
    layers = [layer for c in (_up(latent, width, start, 1, 0), *inner) for layer in _block(c, slope)]
    return _cropped([*layers, _up(width, shape[0], 4, 2, 1)], tuple(side << depth for side in start), shape)


def dcgan(
    shape: Shape, *, latent: int | None = None, width: int = 64, upsampling: str = "nearest", slope: float = 0.0
) -> Network:
    """The paper's generator of transposed convolutions, for images of any shape (C, H, W).

    (1, 28, 28) is the MNIST network (2 730 432 weights), which doubles its images; every other shape doubles a small
    start by strides, with kernels of 6 and at the end of 4: (1, 256, 256) is the x-ray network (804 608) and
    (3, 128, 128) the retina one (626 304). Sizes that are no power of two times the start are cropped at the end.
    `slope` is that of the rectifiers below 0, which is 0 in the paper.

    Raises
    ------
    ValueError
        where the image is below 8x8, an option is out of range, or the upsampling is not on offer.

    Source: vanveen18 Appendix A (DCGAN of depth 7); layer sizes agree with the published weights' count.
    """
    validate_shape(shape, 8, latent=latent, width=width)
    validate_upsampling(upsampling)
    k = _PUBLISHED_LATENT.get(shape, 64) if latent is None else latent
    if shape == (1, 28, 28):
        return replace(decoder(shape, latent=k, width=width, upsampling=upsampling, slope=slope), name="dcgan")
    if upsampling != "nearest":
        size = size_text(shape)
        raise ValueError(f"upsampling of dcgan must be nearest at {size}, got {upsampling!r}: decoder has both")
    validate_slope(slope)
    return generator("dcgan", shape, lambda: _pyramid(shape, k, width, slope), Latent((k, 1, 1)))


def _deep_decoder(shape: Shape, start: tuple[int, int], channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for layer in range(depth):
        size = tuple(round(s * (t / s) ** ((layer + 1) / depth)) for s, t in zip(start, shape[1:], strict=True))
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += [nn.Upsample(size=size, mode="bilinear", align_corners=False)]
        layers += [nn.ReLU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.Conv2d(channels, shape[0], 1, bias=False), nn.Tanh())


def deep_decoder(shape: Shape, *, channels: int = 64, depth: int | None = None) -> Network:
    """1x1 convolutions and bilinear upsampling only: so few weights that the network itself regularises.

    Raises
    ------
    ValueError
        where the image is below 4x4, or an option is no whole number above 0.

    Source: heckel18 (Deep Decoder), with tanh in place of the sigmoid for pixels on [-1, 1].
    """
    validate_shape(shape, 4, channels=channels, depth=depth)
    layers = max(2, int(np.log2(min(shape[1:]))) - 2) if depth is None else depth
    start = (max(2, shape[1] >> layers), max(2, shape[2] >> layers))
    build = lambda: _deep_decoder(shape, start, channels, layers)  # noqa: E731
    return generator("deep-decoder", shape, build, Latent((channels, *start), "uniform"))


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


def skip_unet(shape: Shape, *, width: int = 64, skip: int = 4, depth: int | None = None) -> Network:
    """The hourglass with skip connections of Deep Image Prior, of `depth` halvings.

    Raises
    ------
    ValueError
        where the image is below 16x16 or too small for its depth, or an option is no whole number above 0.

    Source: ulyanov18 (Deep Image Prior), with tanh at the end for pixels on [-1, 1].
    """
    validate_shape(shape, 16, width=width, skip=skip, depth=depth)
    most = int(np.log2(min(shape[1:]) - 1))
    scales = min(5, most - 1) if depth is None else depth
    if scales > most:
        raise ValueError(f"depth must be at most {most} for an image of {size_text(shape)}, got {depth}")
    build = lambda: _skip_unet(shape, 32, width, skip, scales)  # noqa: E731
    return generator("skip-unet", shape, build, Latent((32, *shape[1:]), "uniform", 0.1))


class Sigmoid(nn.Module):
    """The sigmoid on [-1, 1]: 2/(1 + exp(-x)) - 1 = tanh(x/2)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map any numbers to pixels."""
        return torch.tanh(x / 2)


def _widths(shape: Shape, widths: str | Sequence[int] | None) -> tuple[int, ...]:
    if widths is None:
        widths = "15,15,10" if max(shape[1:]) <= 28 else "120,15,15,10"
    listed = isinstance(widths, Sequence) and not isinstance(widths, str)
    parts = re.split("[,-]", ",".join(map(str, widths)) if listed else str(widths))
    if len(parts) < 2 or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"widths must be at least two whole numbers above 0, such as 15,15,10, got {widths!r}")
    return tuple(int(part) for part in parts)


def _pixelwise(shape: Shape, widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(outputs)]
        layers += [_double("bilinear")]
    last = nn.Conv2d(widths[-1], shape[0], 1, bias=False)
    return nn.Sequential(*layers[:-1], last, layers[-1], Sigmoid())


def pixelwise(shape: Shape, *, widths: str | Sequence[int] | None = None) -> Network:
    """1x1 convolutions between bilinear doublings, with batch norm: the decoder of Net-GD and Net-PGD.

    `widths`, a sequence or a text with commas or hyphens between, are the channels k_1, ..., k_L of its L - 1
    doublings: by default 15,15,10 up to 28x28 and 120,15,15,10 above, as the slides say; the published code has
    25,15,10 and 120,25,15,10. Each layer is a convolution, ReLU, batch norm, doubling; then come the last convolution,
    W_L, and a sigmoid. W_L stands before the last doubling, with which it commutes, and takes a quarter of its work
    there.

    Raises
    ------
    ValueError
        where widths are none, or the doublings do not meet the image's size.

    Source: jagatap19 Section 4 (slides p. 31), and the published code.
    """
    validate_shape(shape, 2)
    channels = _widths(shape, widths)
    factor = 2 ** (len(channels) - 1)
    if shape[1] % factor or shape[2] % factor:
        raise ValueError(
            f"image must have sides that {factor} divides, for {len(channels) - 1} doublings of widths "
            f"{','.join(map(str, channels))}, got {size_text(shape)}"
        )
    latent = Latent((channels[0], shape[1] // factor, shape[2] // factor), "uniform", 0.1)
    return generator("pixelwise", shape, lambda: _pixelwise(shape, channels), latent)


class Interpolation(nn.Module):
    """The kernel (1, 3, 3, 1)/8 of bilinear doubling along rows and columns, fixed, with reflection at the border."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Smooth images (B, C, H, W) of sides of at least 3; output pixel j sees input pixels j - 2 to j + 1."""
        x = F.pad(x, (2, 1, 2, 1), "reflect")
        x = (x[..., :-3, :] + 3 * (x[..., 1:-2, :] + x[..., 2:-1, :]) + x[..., 3:, :]) / 8
        return (x[..., :-3] + 3 * (x[..., 1:-2] + x[..., 2:-1]) + x[..., 3:]) / 8


NORMS = ("after", "before")
"""Where batch norm stands: after the rectifier, or before it."""


def _rectified(channels: int, norm: str) -> list[nn.Module]:
    return [nn.ReLU(), nn.BatchNorm2d(channels)] if norm == "after" else [nn.BatchNorm2d(channels), nn.ReLU()]


FLATS = ("first", "last")
"""Which block of a decoder has no doubling."""


def _conv_decoder(
    shape: Shape, start: tuple[int, int], channels: int, depth: int, norm: str, flat: str
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for block in range(depth + 1):
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += [_double("bilinear")] if block != (0 if flat == "first" else depth) else []
        layers += _rectified(channels, norm)
    size = tuple(side << depth for side in start)
    crop = [] if size == shape[1:] else [Crop(*shape[1:])]
    return nn.Sequential(*layers, nn.Conv2d(channels, shape[0], 1, bias=False), *crop, Sigmoid())


GROWTHS = ("doubling", "geometric")
"""Sizes of a decoder's layers: each twice the one before, or in geometric progression from a start of 16."""


def geometric_sizes(shape: Shape, depth: int) -> list[tuple[int, int]]:
    """Sizes (h, w) before and after each of `depth` layers: from 16 to the image, sides rounded up.

    The start is 16 on the shorter side, or half of it where that is less; the longer side starts in proportion.

    Source: the published code of heckel20b (256x256 in five layers: 16, 28, 49, 85, 148, 256).
    """
    shorter = min(shape[1:])
    start = min(16, -(-shorter // 2))
    starts = [max(1, round(start * side / shorter)) for side in shape[1:]]

    def size(first: int, last: int, layer: int) -> int:
        return ceil(first * (last / first) ** (layer / depth) - 1e-9)

    height, width = zip(starts, shape[1:], strict=True)
    return [(size(*height, layer), size(*width, layer)) for layer in range(depth + 1)]


def _geometric_decoder(shape: Shape, sizes: list[tuple[int, int]], channels: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in sizes[1:]:
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += [nn.Upsample(size=size, mode="bilinear", align_corners=False), *_rectified(channels, norm)]
    return nn.Sequential(*layers, nn.Conv2d(channels, shape[0], 1, bias=False), Sigmoid())


def conv_decoder(
    shape: Shape,
    *,
    channels: int = 128,
    depth: int | None = None,
    norm: str = "after",
    growth: str = "doubling",
    flat: str = "first",
    margin: int = 0,
) -> Network:
    """The deep decoder in the layers that Heckel and Soltanolkotabi denoise with, of `depth` bilinear doublings.

    A block is a doubling (none in the `flat` one, which is the first or the last), a 1x1 convolution, a rectifier and
    batch norm over the picture; after depth + 1 blocks come the last convolution and a sigmoid. A doubling and a 1x1
    convolution commute, so each convolution stands before its doubling and takes a quarter of the work there. `depth`
    is 5 at the published 512x512, and below that leaves a start of at least 16x16 where it can. 128 channels are fewer
    weights than pixels at 512x512, 512 are more. `norm` says where batch norm stands, "after" the rectifier or
    "before". Sides that are no multiple of 2^depth are cropped at the end.

    With a `margin` the start is so many pixels larger on both sides together, and what is left over beside the image is
    cropped: no border of the image is then one of the network.

    With `growth` "geometric" there are `depth` blocks (5 if left out), each of which resizes to the next of
    `geometric_sizes`; with 256 channels at 256x256 it is the decoder of heckel20b's compressive sensing.

    Raises
    ------
    ValueError
        where the image is smaller than its doublings or below 4x4, or an option is out of range.

    Source: heckel20a Section 4 and the published code (upsample_first=False is `flat` "first", True is "last"); the
    published code of heckel20b.
    """
    validate_shape(shape, 4, channels=channels, depth=depth)
    for option, value, words in (("growth", growth, GROWTHS), ("flat", flat, FLATS)):
        if value not in words:
            raise ValueError(f"{option} must be one of {', '.join(words)}, got {value!r}")
    if growth == "geometric":
        if flat != "first" or margin:
            raise ValueError(f"flat and margin must be left out where growth is geometric, got {flat!r} and {margin}")
        _validate_norm(norm)
        sizes = geometric_sizes(shape, 5 if depth is None else depth)
        resized = lambda: _geometric_decoder(shape, sizes, channels, norm)  # noqa: E731
        return generator("conv-decoder", shape, resized, Latent((channels, *sizes[0]), "uniform", 0.1))
    doublings = max(1, min(5, int(np.log2(min(shape[1:]))) - 4)) if depth is None else depth
    _validate_norm(norm)
    if min(shape[1:]) < 2**doublings:
        least = f"{2**doublings}x{2**doublings}"
        raise ValueError(f"image must be at least {least} for {doublings} doublings, got {size_text(shape)}")
    if margin < 0:
        raise ValueError(f"margin must be at least 0, got {margin}")
    start = (-(-shape[1] // 2**doublings) + margin, -(-shape[2] // 2**doublings) + margin)
    build = lambda: _conv_decoder(shape, start, channels, doublings, norm, flat)  # noqa: E731
    return generator("conv-decoder", shape, build, Latent((channels, *start), "uniform", 0.1))


def _validate_norm(norm: str) -> None:
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}, got {norm!r}")


MIXINGS = ("interpolation", "trained", "none")
"""What mixes the pixels of a layer: the fixed kernel of bilinear doubling, a 3x3 kernel that trains, or nothing."""


def _mixing(channels: int, kernel: str) -> list[nn.Module]:
    if kernel == "trained":
        return [nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)]
    fixed = [Interpolation()] if kernel == "interpolation" else []
    return [*fixed, nn.Conv2d(channels, channels, 1, bias=False)]


def _conv_generator(shape: Shape, channels: int, depth: int, norm: str, kernel: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [*_mixing(channels, kernel), *_rectified(channels, norm)]
    return nn.Sequential(*layers, nn.Conv2d(channels, shape[0], 1, bias=False), Sigmoid())


def conv_generator(
    shape: Shape, *, channels: int = 64, depth: int = 5, norm: str = "after", kernel: str = "interpolation"
) -> Network:
    """The convolutional generator with a fixed interpolating kernel and no upsampling, of `depth` layers.

    A layer smooths by the kernel, which does not train, then has a 1x1 convolution, a rectifier and batch norm; the
    last convolution and a sigmoid follow. The published code pads one of the border's pixels with zeros where this one
    reflects. `kernel` may be "trained" instead, a 3x3 convolution in place of both, or "none": no pixel of the output
    then depends on another one of the latent, but for batch norm.

    Raises
    ------
    ValueError
        where the image is below 4x4, or an option is out of range.

    Source: heckel20a Section 4 and the published code (fixed and trainable convolutions).
    """
    validate_shape(shape, 4, channels=channels, depth=depth)
    _validate_norm(norm)
    if kernel not in MIXINGS:
        raise ValueError(f"kernel must be one of {', '.join(MIXINGS)}, got {kernel!r}")
    build = lambda: _conv_generator(shape, channels, depth, norm, kernel)  # noqa: E731
    return generator("conv-generator", shape, build, Latent((channels, *shape[1:]), "uniform", 0.1))


ARCHITECTURES: dict[str, Callable[..., Network]] = {
    "dcgan": dcgan,
    "decoder": decoder,
    "deep-decoder": deep_decoder,
    "skip-unet": skip_unet,
    "pixelwise": pixelwise,
    "conv-decoder": conv_decoder,
    "conv-generator": conv_generator,
}


def architecture(name: str, shape: Shape, **options: Option) -> Network:
    """Return the named generator for images of a shape; the options are those of its function.

    Raises
    ------
    ValueError
        where the name or an option is unknown, an option is out of range, or the image is too small.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"network must be one of {', '.join(ARCHITECTURES)}, got {name!r}")
    parameters = list(signature(ARCHITECTURES[name]).parameters)[1:]
    for option in options:
        if option not in parameters:
            raise ValueError(f"options of {name} must be among {', '.join(parameters)}, got {option!r}")
    return ARCHITECTURES[name](shape, **options)
