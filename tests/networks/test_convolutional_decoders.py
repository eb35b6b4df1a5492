"""The decoder and the generator of heckel20a against the published order of layers, and against their definitions."""

import numpy as np
import pytest
import torch
from torch import nn

from untrained.sims.networks.generators import FLATS, Crop, Interpolation, conv_decoder, conv_generator, geometric_sizes


def published_decoder(channels, depth, colours, norm, flat="first"):
    """Upsample, then convolve, as the published code does with upsample_first=False; the other way with True."""
    layers = []
    for block in range(depth + 1):
        double = [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)]
        layers += double if flat == "first" and block > 0 else []
        layers += [nn.Conv2d(channels, channels, 1, bias=False)]
        layers += double if flat == "last" and block < depth else []
        rectified = [nn.ReLU(), nn.BatchNorm2d(channels)]
        layers += rectified if norm == "after" else rectified[::-1]
    return nn.Sequential(*layers, nn.Conv2d(channels, colours, 1, bias=False), nn.Sigmoid())


def with_weights_of(plain, module):
    """The plain network with another's weights, one after the other, in float64."""
    own, theirs = list(plain.parameters()), list(module.parameters())
    assert [w.shape for w in own] == [w.shape for w in theirs]
    with torch.no_grad():
        for w, v in zip(own, theirs, strict=True):
            w.copy_(v)
    return plain.double()


def moved(module):
    """Weights of batch norm away from 1 and 0, so that their places count."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight += 0.3 * torch.linspace(-1, 1, len(layer.weight))
                layer.bias += 0.2 * torch.linspace(1, -1, len(layer.bias))
    return module


@pytest.mark.parametrize("flat", ["first", "last"])
@pytest.mark.parametrize("norm", ["after", "before"])
@pytest.mark.parametrize(("shape", "depth"), [((3, 16, 16), 2), ((1, 32, 16), 3)])
def test_the_decoder_is_the_published_one(shape, depth, norm, flat):
    chosen = conv_decoder(shape, channels=6, depth=depth, norm=norm, flat=flat)
    module, z = chosen.start(3)
    module = moved(module).double()
    plain = with_weights_of(published_decoder(6, depth, shape[0], norm, flat), module)
    with torch.no_grad():
        output, expected = module(z.double()), 2 * plain(z.double()) - 1
    assert expected.std() > 0.01
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["after", "before"])
def test_both_orders_of_layers_have_the_same_gradient(norm):
    chosen = conv_decoder((1, 16, 16), channels=4, depth=2, norm=norm)
    module, z = chosen.start(0)
    module = moved(module).double()
    plain = with_weights_of(published_decoder(4, 2, 1, norm), module)
    target = torch.linspace(-1, 1, 256, dtype=torch.float64).reshape(1, 1, 16, 16)
    (module(z.double()) - target).square().sum().backward()
    (2 * plain(z.double()) - 1 - target).square().sum().backward()
    for w, v in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(w.grad, v.grad, rtol=1e-9, atol=1e-9)


def test_where_batch_norm_stands_makes_a_difference():
    images = [moved(m)(z) for m, z in (conv_decoder((1, 16, 16), channels=4, norm=n).start(0) for n in NORM_PLACES)]
    assert (images[0] - images[1]).abs().max() > 0.01


NORM_PLACES = ("after", "before")


@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 9)])
def test_the_kernel_is_that_of_its_definition(height, width):
    x = np.random.default_rng(1).standard_normal((height, width))
    kernel = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    reflected = np.pad(x, ((2, 1), (2, 1)), mode="reflect")
    expected = [[(reflected[i : i + 4, j : j + 4] * kernel).sum() for j in range(width)] for i in range(height)]
    output = Interpolation()(torch.from_numpy(x)[None, None])
    np.testing.assert_allclose(output[0, 0].numpy(), expected, atol=1e-14)


def published_generator(channels, depth, colours):
    """The fixed kernel as a convolution whose weights do not train, before each 1x1 convolution."""
    layers = []
    for _ in range(depth):
        fixed = nn.Conv2d(channels, channels, 4, padding=0, groups=channels, bias=False)
        one = torch.tensor([1.0, 3, 3, 1])
        fixed.weight = nn.Parameter((one[:, None] * one / 64).expand(channels, 1, 4, 4).clone(), requires_grad=False)
        layers += [nn.ReflectionPad2d((2, 1, 2, 1)), fixed]
        layers += [nn.Conv2d(channels, channels, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.Conv2d(channels, colours, 1, bias=False), nn.Sigmoid())


def test_the_generator_is_the_published_one_but_for_the_border():
    chosen = conv_generator((3, 9, 12), channels=5, depth=3)
    module, z = chosen.start(1)
    plain = published_generator(5, 3, 3).double()
    learned = [w for w in plain.parameters() if w.requires_grad]
    module = moved(module).double()
    with torch.no_grad():
        for w, v in zip(learned, module.parameters(), strict=True):
            w.copy_(v)
        torch.testing.assert_close(module(z.double()), 2 * plain(z.double()) - 1, rtol=0, atol=1e-12)


def test_the_published_sizes():
    under, over = conv_decoder((3, 512, 512)), conv_decoder((3, 512, 512), channels=512)
    # 6 convolutions and batch norms of k channels, and the last convolution
    assert under.size.weights == 6 * (128**2 + 2 * 128) + 3 * 128
    assert over.size.weights == 6 * (512**2 + 2 * 512) + 3 * 512
    assert under.size.weights < 3 * 512**2 < over.size.weights
    assert under.latent.shape == (128, 16, 16)
    starts = {side: conv_decoder((1, side, 2 * side)).latent.shape[1] for side in (4, 28, 40, 64, 128, 256, 1024)}
    assert starts == {4: 2, 28: 14, 40: 20, 64: 16, 128: 16, 256: 16, 1024: 32}


def published_sensing_decoder(sizes, channels):
    """Resize, then convolve, rectify and normalise, to each size in turn."""
    layers = []
    for size in sizes:
        layers += [nn.Upsample(size=size, mode="bilinear", align_corners=False)]
        layers += [nn.Conv2d(channels, channels, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1, bias=False), nn.Sigmoid())


def test_the_decoder_of_compressive_sensing_has_the_published_sizes():
    assert geometric_sizes((1, 256, 256), 5) == [(side, side) for side in (16, 28, 49, 85, 148, 256)]
    assert geometric_sizes((1, 64, 128), 2) == [(16, 32), (32, 64), (64, 128)]
    assert geometric_sizes((3, 10, 15), 1) == [(5, 8), (10, 15)]
    chosen = conv_decoder((1, 256, 256), channels=256, depth=5, growth="geometric")
    assert chosen.size.weights == 330_496
    assert chosen.latent.shape == (256, 16, 16)


def test_the_decoder_of_compressive_sensing_is_the_published_one():
    chosen = conv_decoder((1, 40, 36), channels=5, depth=3, growth="geometric")
    module, z = chosen.start(3)
    assert z.shape == (1, 5, 18, 16)
    module = moved(module).double()
    plain = with_weights_of(published_sensing_decoder(geometric_sizes((1, 40, 36), 3)[1:], 5), module)
    with torch.no_grad():
        torch.testing.assert_close(module(z.double()), 2 * plain(z.double()) - 1, rtol=0, atol=1e-12)


def test_a_margin_is_cropped():
    module, z = conv_decoder((1, 16, 16), channels=4, depth=2, margin=1).start(0)
    assert z.shape == (1, 4, 5, 5)
    canvas = nn.Sequential(*[layer for layer in module if not isinstance(layer, Crop)])(z)
    assert canvas.shape == (1, 1, 20, 20)
    torch.testing.assert_close(module(z), canvas[..., 2:18, 2:18])


def test_where_the_flat_block_stands_makes_a_difference():
    images = [moved(m)(z) for m, z in (conv_decoder((1, 16, 16), channels=4, flat=f).start(0) for f in FLATS)]
    assert (images[0] - images[1]).abs().max() > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flat": "middle"}, r"^flat must be one of first, last, got 'middle'$"),
        ({"flat": "last", "growth": "geometric"}, r"^flat and margin must be left out .* got 'last' and 0$"),
        ({"margin": 1, "growth": "geometric"}, r"^flat and margin must be left out .* got 'first' and 1$"),
        ({"margin": -1}, r"^margin must be at least 0, got -1$"),
    ],
)
def test_a_flat_block_elsewhere_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        conv_decoder((1, 16, 16), **options)


def test_an_unknown_growth_is_refused():
    with pytest.raises(ValueError, match=r"^growth must be one of doubling, geometric, got 'cubic'$"):
        conv_decoder((1, 16, 16), growth="cubic")


def test_sides_that_are_no_multiple_are_cropped():
    module, z = conv_decoder((1, 21, 30), channels=3, depth=3).start(0)
    assert z.shape[2:] == (3, 4)
    assert module(z).shape == (1, 1, 21, 30)


def test_kernels_that_train_stand_in_place_of_both():
    module, z = conv_generator((1, 9, 12), channels=5, depth=2, kernel="trained").start(1)
    layers = []
    for _ in range(2):
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(5, 5, 3, bias=False), nn.ReLU(), nn.BatchNorm2d(5)]
    plain = nn.Sequential(*layers, nn.Conv2d(5, 1, 1, bias=False), nn.Sigmoid())
    module = moved(module).double()
    plain = with_weights_of(plain, module)
    with torch.no_grad():
        torch.testing.assert_close(module(z.double()), 2 * plain(z.double()) - 1, rtol=0, atol=1e-12)


def test_without_a_kernel_permuting_pixels_of_the_latent_permutes_those_of_the_image():
    order = torch.from_numpy(np.random.default_rng(0).permutation(108))
    for kernel, alike in (("none", True), ("interpolation", False), ("trained", False)):
        module, z = conv_generator((1, 9, 12), channels=5, depth=2, kernel=kernel).start(1)
        with torch.no_grad():
            there = module(z.flatten(2)[..., order].view_as(z)).flatten()
            here = module(z).flatten()[order]
        assert torch.allclose(here, there, atol=1e-5) == alike


@pytest.mark.parametrize("name", ["conv-decoder", "conv-generator"])
def test_copies_run_as_the_modules_do(name):
    chosen = {"conv-decoder": conv_decoder, "conv-generator": conv_generator}[name]((1, 12, 12), channels=4)
    copies = chosen.copies((1, 12, 12), [(2, 0), (2, 1)])
    for restart, image in enumerate(copies(copies.z)):
        module, z = chosen.start(2, restart)
        torch.testing.assert_close(image, module(z)[0], rtol=0, atol=1e-5)
