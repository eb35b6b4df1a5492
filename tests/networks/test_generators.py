import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from untrained.sims.networks.generators import (
    Crop,
    architecture,
    dcgan,
    decoder,
    deep_decoder,
    skip_unet,
)
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.network import Latent
from untrained.sims.random.streams import stream

NARROW = {
    "dcgan": {"width": 2, "latent": 3},
    "decoder": {"width": 1, "latent": 3},
    "deep-decoder": {"channels": 3},
    "skip-unet": {"width": 3, "skip": 1},
    "pixelwise": {"widths": "4,3,2"},
    "conv-decoder": {"channels": 3},
    "conv-generator": {"channels": 3, "depth": 2},
}
SMALLEST = {"dcgan": 8, "decoder": 8, "deep-decoder": 4, "skip-unet": 16, "conv-decoder": 4, "conv-generator": 4}
ANY_SIZE = list(SMALLEST)
"""Those whose images are of any size; sides of the others are multiples of their doublings."""


def drawn(chosen, seed=0):
    """A network with the old version's weights, and an input."""
    network = chosen.build().train()
    initialise(network, stream(seed, "weights"))
    return network, chosen.latent.draw(stream(seed, "latent")).float()[None]


@pytest.mark.parametrize(
    ("shape", "latent", "weights"),
    [((1, 28, 28), 128, 2_730_432), ((1, 256, 256), 64, 804_608), ((3, 128, 128), 32, 626_304)],
)
def test_the_published_networks_have_the_published_number_of_weights(shape, latent, weights):
    chosen = dcgan(shape)
    assert chosen.size.weights == sum(w.numel() for w in chosen.build().parameters()) == weights
    assert chosen.latent.shape == (latent, 1, 1)
    assert chosen.latent.shape[0] == latent


def normalised(x, weight, bias):
    """Batch norm over the pixels of one image, then a rectifier."""
    mean, variance = x.mean((-2, -1), keepdim=True), x.var((-2, -1), correction=0, keepdim=True)
    return F.relu((x - mean) / (variance + 1e-5).sqrt() * weight[:, None, None] + bias[:, None, None])


def mnist_by_the_letter(w, z, mode):
    """Appendix A's network for 28x28, written out; w in the order of the layers."""
    up = lambda x: F.interpolate(x, scale_factor=2, mode=mode)  # noqa: E731
    x = up(normalised(F.conv_transpose2d(z, w[0]), w[1], w[2]))
    x = normalised(F.conv_transpose2d(x, w[3]), w[4], w[5])
    x = up(normalised(F.conv_transpose2d(x, w[6], padding=1), w[7], w[8]))
    x = up(normalised(F.conv_transpose2d(x, w[9], padding=1), w[10], w[11]))
    return torch.tanh(F.conv_transpose2d(x, w[12], padding=1))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_the_mnist_network_is_the_one_described(mode):
    network, z = drawn(dcgan((1, 28, 28), width=8, latent=16, upsampling=mode))
    weights = list(network.double().parameters())
    sides = [tuple(w.shape) for w in weights if w.ndim == 4]
    assert sides == [(16, 64, 2, 2), (64, 32, 4, 4), (32, 16, 3, 3), (16, 8, 3, 3), (8, 1, 3, 3)]
    torch.testing.assert_close(network(z.double()), mnist_by_the_letter(weights, z.double(), mode))


def test_the_pyramid_is_the_one_described():
    network, z = drawn(dcgan((1, 256, 256), width=2, latent=5))
    weights = list(network.double().parameters())
    x = normalised(F.conv_transpose2d(z.double(), weights[0]), *weights[1:3])
    assert x.shape == (1, 2, 4, 4)
    for layer in range(1, 6):
        x = F.conv_transpose2d(x, weights[3 * layer], stride=2, padding=2)
        x = normalised(x, *weights[3 * layer + 1 : 3 * layer + 3])
    x = torch.tanh(F.conv_transpose2d(x, weights[18], stride=2, padding=1))
    assert [w.shape[2] for w in weights if w.ndim == 4] == [4, 6, 6, 6, 6, 6, 4]
    torch.testing.assert_close(network(z.double()), x)


@pytest.mark.parametrize("options", [{"width": 16, "upsampling": "bilinear"}, {"width": 64, "upsampling": "nearest"}])
def test_the_decoder_of_the_mnist_size_is_the_mnist_dcgan(options):
    one, two = dcgan((1, 28, 28), **options), decoder((1, 28, 28), **options)
    assert str(one.build()) == str(two.build())
    assert one.latent == two.latent
    assert (one.name, two.name) == ("dcgan", "decoder")


@pytest.mark.parametrize(
    ("shape", "start", "channels"),
    [
        ((1, 28, 28), (4, 4), [128, 64, 32, 16, 1]),
        ((1, 256, 256), (5, 5), [128, 128, 128, 128, 64, 32, 16, 1]),
        ((3, 100, 70), (10, 6), [128, 128, 64, 32, 16, 3]),
        ((1, 64, 120), (1, 5), [128, 128, 128, 64, 32, 16, 1]),
    ],
)
def test_the_decoder_is_a_pyramid_that_narrows_by_halves(shape, start, channels):
    made = [layer for layer in decoder(shape).build() if isinstance(layer, nn.ConvTranspose2d)]
    assert [layer.out_channels for layer in made] == channels
    assert [layer.kernel_size for layer in made] == [(2, 2), start] + [(3, 3)] * (len(made) - 2)


@pytest.mark.parametrize("name", ANY_SIZE)
@settings(max_examples=12)
@given(data=st.data())
def test_images_of_any_size_come_out_at_that_size(name, data):
    side = st.integers(SMALLEST[name], 60)
    shape = (data.draw(st.sampled_from((1, 3))), data.draw(side), data.draw(side))
    network, z = drawn(architecture(name, shape, **NARROW[name]))
    with torch.no_grad():
        image = network(z)
    assert image.shape == (1, *shape)
    assert image.abs().max() <= 1
    assert image.std() > 0


@pytest.mark.parametrize(
    ("name", "shape"),
    [*((name, shape) for name in ANY_SIZE for shape in ((1, 28, 28), (3, 17, 44))), ("pixelwise", (3, 12, 20))],
)
def test_every_weight_moves_the_image(name, shape):
    network, z = drawn(architecture(name, shape, **NARROW[name]))
    network(z).square().sum().backward()
    for key, weight in network.named_parameters():
        followed_by_norm = name == "skip-unet" and key.endswith(".0.bias")
        assert followed_by_norm or weight.grad.abs().max() > 0, key


def test_a_crop_is_the_centre():
    rows = torch.arange(7.0)[:, None].expand(7, 6)
    assert torch.equal(Crop(3, 6)(rows), rows[2:5])
    assert torch.equal(Crop(6, 2)(rows), rows[:6, 2:4])


def test_inputs_follow_their_law_and_their_generator():
    uniform = skip_unet((1, 40, 40))
    z = uniform.latent.draw(stream(0, "z"))
    assert z.shape == (32, 40, 40)
    assert 0 <= z.min() < 0.001
    assert 0.099 < z.max() <= 0.1
    assert torch.equal(z, uniform.latent.draw(stream(0, "z")))
    many = Latent((10_000,), scale=3.0).draw(stream(1, "z"))
    # the standard deviation of 10 000 normal numbers is known to 1/sqrt(20 000) = 0.7 %
    assert many.std() == pytest.approx(3, rel=0.035)
    assert uniform.start(0)[1].dtype == torch.float32


def test_the_deep_decoder_has_fewer_weights_than_pixels_and_mixes_none():
    chosen = deep_decoder((1, 256, 256))
    assert chosen.size.weights < 256 * 256 / 2
    assert all(c.kernel_size == (1, 1) for c in chosen.build().modules() if isinstance(c, nn.Conv2d))


def test_the_hourglass_halves_by_strides_and_leaks_a_fifth():
    layers = list(skip_unet((1, 64, 64), width=5, skip=2, depth=3).build().modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert sum(layer.stride == (2, 2) for layer in convolutions) == 3
    assert sum(layer.out_channels == 2 for layer in convolutions) == 3
    assert {layer.padding_mode for layer in convolutions if layer.kernel_size == (3, 3)} == {"reflect"}
    assert {layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)} == {0.2}


def test_depth_is_obeyed():
    assert deep_decoder((1, 64, 64), depth=3).latent.shape == (64, 8, 8)
    assert skip_unet((1, 64, 64), depth=2, width=4).size.weights < skip_unet((1, 64, 64), depth=3, width=4).size.weights
    network, z = drawn(skip_unet((1, 17, 30), depth=4, width=4))
    assert network(z).shape == (1, 1, 17, 30)


@pytest.mark.parametrize(
    ("name", "shape", "options", "said"),
    [
        ("unet", (1, 28, 28), {}, "network must be one of .*, got 'unet'"),
        (
            "dcgan",
            (1, 28, 28),
            {"depth": 3},
            "options of dcgan must be among latent, width, upsampling, slope, got 'depth'",
        ),
        ("dcgan", (1, 28, 28), {"slope": 1}, "slope must be a number of at least 0 and below 1, got 1"),
        ("dcgan", (1, 32, 32), {"slope": -0.1}, "slope must be a number of at least 0 and below 1, got -0.1"),
        ("dcgan", (1, 28, 28), {"width": 0}, "width must be a whole number of at least 1, got 0"),
        ("dcgan", (1, 28, 28), {"latent": 0}, "latent must be a whole number of at least 1, got 0"),
        ("decoder", (1, 28, 28), {"width": "16"}, "width must be a whole number of at least 1, got '16'"),
        ("decoder", (1, 28, 28), {"latent": 2.5}, "latent must be a whole number of at least 1, got 2.5"),
        ("dcgan", (1, 28, 28), {"upsampling": "cubic"}, "upsampling must be one of nearest, bilinear, got 'cubic'"),
        (
            "dcgan",
            (1, 9, 28),
            {"upsampling": "bilinear"},
            "upsampling of dcgan must be nearest at 9x28, got 'bilinear'",
        ),
        ("decoder", (1, 7, 28), {}, "image must be at least 8x8 for this network, got 7x28"),
        ("decoder", (2, 28, 28), {}, r"shape must be \(1 or 3, height, width\), got \(2, 28, 28\)"),
        ("decoder", (28, 28), {}, r"shape must be \(1 or 3, height, width\), got \(28, 28\)"),
        ("deep-decoder", (1, 28, 28), {"depth": 0}, "depth must be a whole number of at least 1, got 0"),
        ("deep-decoder", (1, 3, 28), {}, "image must be at least 4x4 for this network, got 3x28"),
        ("conv-decoder", (1, 28, 28), {"channels": 0}, "channels must be a whole number of at least 1, got 0"),
        ("conv-decoder", (1, 28, 28), {"norm": "between"}, "norm must be one of after, before, got 'between'"),
        ("conv-decoder", (1, 28, 64), {"depth": 5}, "image must be at least 32x32 for 5 doublings, got 28x64"),
        ("conv-generator", (1, 8, 8), {"kernel": "a"}, "kernel must be one of interpolation, trained, none, got 'a'"),
        ("conv-generator", (1, 3, 28), {}, "image must be at least 4x4 for this network, got 3x28"),
        ("skip-unet", (1, 16, 28), {"skip": -1}, "skip must be a whole number of at least 1, got -1"),
        ("skip-unet", (1, 16, 28), {"depth": 4}, "depth must be at most 3 for an image of 16x28, got 4"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence(name, shape, options, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        architecture(name, shape, **options)


def test_an_unknown_law_of_inputs_is_refused():
    with pytest.raises(ValueError, match="law of a latent must be normal or uniform, got 'cauchy'"):
        Latent((3,), "cauchy")


def test_building_counts_no_real_numbers():
    """Counting the weights of a network that no machine can hold takes no memory."""
    assert decoder((1, 28, 28), width=4096).size.weights > 10**10
    assert np.log10(decoder((1, 28, 28), width=4096).size.weights) < 11


@pytest.mark.parametrize(
    ("reference", "seed", "weights", "latent"),
    [
        ("dcgan-mnist", 0, "59a9b3781e78f5a1", "fe14b1e721c2369b"),
        ("dcgan-mnist", 3, "b26702e3e3373e03", "941e95e1307d2fb2"),
        ("dcgan-retina", 3, "83a82b39300511a9", "f267020c04cc8cad"),
        ("decoder@28x28,width=24,slope=0.1", 0, "04c63bac150885f1", "fe14b1e721c2369b"),
        ("decoder@3x16x20", 3, "5c04f76a10f921f2", "941e95e1307d2fb2"),
        ("deep-decoder@64x64", 3, "da949a7c90f2080e", "095eef87aa2bce94"),
        ("skip-unet", 0, "37ec0c37bce29fbc", "82cb26ed67177ee8"),
        ("pixelwise@28x28", 3, "ece3953152ec7297", "e3bfe12513b60128"),
        ("conv-decoder@64x64", 3, "09f68a49cdd2cea7", "bb5f5e243ff608a3"),
        ("conv-generator", 0, "d1ae66b181e70eab", "931b18cd4dea82c5"),
    ],
)
def test_the_same_seed_has_always_given_the_same_network(reference, seed, weights, latent):
    """Records rest on these bits: whoever changes them makes the records again."""
    network = as_network(reference).draw(seed, torch.float32)
    digests = [hashlib.sha256(part.numpy().tobytes()).hexdigest()[:16] for part in (network.vector(), network.z)]
    assert digests == [weights, latent]
