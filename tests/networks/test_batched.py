import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from untrained.sims.networks import batched, products
from untrained.sims.networks.batched import Batched, transposed_by_products
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.initialisation import initialise
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.random.streams import stream

DOUBLE = {"rtol": 1e-9, "atol": 1e-10}  # float64 rounds at 1e-16; thousands of terms and batch norms leave 1e-12


class OwnNetwork(nn.Module):
    """What a user may bring: no sequence, a branch, a weight and a buffer of its own, a linear layer."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 2 * 5 * 4)
        self.near, self.far = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 1, bias=False)
        self.norm, self.rest = nn.BatchNorm2d(3), nn.Sequential(nn.GELU(), nn.Conv2d(3, 1, 1))
        self.shift = nn.Parameter(torch.randn(1, 5, 4))
        self.register_buffer("mask", torch.randn(5, 4))

    def forward(self, z):
        x = self.dense(z.flatten(1)).view(-1, 2, 5, 4)
        return torch.tanh(self.rest(self.norm(self.near(x) + self.far(x))) + self.shift) * self.mask


def sequence(*layers, inputs=4, side=5):
    return (lambda: nn.Sequential(*copy.deepcopy(layers))), (inputs, side, side)


def plain(name, shape, **options):
    chosen = architecture(name, shape, **options)
    return chosen.build, chosen.latent.shape


rectifier = nn.ReLU()
repeated = nn.Conv2d(4, 4, 3, padding=1)
NETWORKS = {
    "dcgan 28x28": plain("dcgan", (1, 28, 28), width=2, latent=5),
    "dcgan 28x28 bilinear": plain("dcgan", (1, 28, 28), width=2, latent=5, upsampling="bilinear"),
    "dcgan 64x48": plain("dcgan", (1, 64, 48), width=5, latent=5),
    "dcgan 3x33x32": plain("dcgan", (3, 33, 32), width=5, latent=5),
    "decoder 3x20x31": plain("decoder", (3, 20, 31), width=2, latent=5),
    "decoder 100x60": plain("decoder", (1, 100, 60), width=2, latent=5),
    "decoder nearest": plain("decoder", (1, 70, 40), width=6, latent=5, upsampling="nearest"),
    "deep decoder": plain("deep-decoder", (1, 40, 71), channels=5),
    "convolutional decoder": plain("conv-decoder", (1, 40, 70), channels=5, depth=3),
    "convolutional generator": plain("conv-generator", (1, 17, 20), channels=5, depth=2),
    "trained kernels": plain("conv-generator", (1, 17, 20), channels=5, depth=2, kernel="trained"),
    "skip U-Net": plain("skip-unet", (1, 17, 20), width=4),
    "a user's own": (OwnNetwork, (6, 1, 1)),
    "groups": sequence(nn.ConvTranspose2d(4, 6, 3, 2, groups=2), nn.Conv2d(6, 4, 3, groups=2), nn.LeakyReLU(0.3)),
    "dilation": sequence(
        nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, dilation=2), nn.Conv2d(6, 4, 3, dilation=2)
    ),
    "output padding": sequence(nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1)),
    "biases": sequence(nn.ConvTranspose2d(4, 2, 2), nn.ReLU(), nn.Conv2d(2, 5, 1), nn.ConvTranspose2d(5, 6, 3)),
    "paddings": sequence(
        nn.Conv2d(4, 3, 3, padding=(2, 1), padding_mode="reflect"), nn.Conv2d(3, 2, 3, padding="same"), nn.Sigmoid()
    ),
    "no affine norm": sequence(nn.Conv2d(4, 3, 2), nn.BatchNorm2d(3, affine=False), nn.ELU(), nn.Identity()),
    "a shared rectifier": sequence(rectifier, nn.Conv2d(4, 3, 2), rectifier, nn.Tanh(), nn.Hardtanh(-0.1), rectifier),
    "a shared convolution": sequence(repeated, nn.Tanh(), repeated, nn.Sequential(nn.ReLU(), repeated)),
    "upsamplings": sequence(
        nn.Upsample((7, 9), mode="bilinear", align_corners=True), nn.ReLU(), nn.Upsample(scale_factor=(1.5, 2.0)),
        nn.ConvTranspose2d(4, 5, (3, 2), (1, 2), 1), nn.Upsample(scale_factor=1.7, mode="bicubic"),
        nn.ConvTranspose2d(5, 3, 3), nn.Upsample(scale_factor=1.3, mode="bilinear", recompute_scale_factor=True),
        nn.Upsample(scale_factor=1.3, mode="nearest-exact"), nn.ConvTranspose2d(3, 5, 2),
    ),
}  # fmt: skip


def several(name, copies, dtype=torch.float64):
    build, latent_shape = NETWORKS[name]
    with isolated_rng(3, "copies"):
        networks = [build().to(dtype) for _ in range(copies)]
    z = torch.from_numpy(stream(4, "z").standard_normal((copies, *latent_shape))).to(dtype)
    return networks, z


def upstream(x):
    return torch.from_numpy(stream(5, "upstream").standard_normal(x.shape)).to(x.dtype)


def alone(networks, z):
    """Each network run and differentiated by itself: images, and gradients by name."""
    images = [copy.deepcopy(network).train()(one[None])[0] for network, one in zip(networks, z, strict=True)]
    gradients = []
    for network, one, g in zip(networks, z, upstream(torch.stack(images)), strict=True):
        network = copy.deepcopy(network).train()
        network(one[None])[0].backward(g)
        gradients.append({name: w.grad for name, w in network.named_parameters()})
    return torch.stack(images), {name: torch.stack([g[name] for g in gradients]) for name in gradients[0]}


def together(networks, z):
    all_of_them = Batched(networks)
    images = all_of_them(z)
    images.backward(upstream(images))
    return images.detach(), {name: w.grad for name, w in all_of_them.weights.items()}


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_many_networks_at_once_are_each_network_alone(name, copies):
    networks, z = several(name, copies)
    (images, gradients), (wanted, wanted_gradients) = together(networks, z), alone(networks, z)
    torch.testing.assert_close(images, wanted, **DOUBLE)
    torch.testing.assert_close(gradients, wanted_gradients, **DOUBLE)
    assert wanted.std() > 0
    if copies > 1:
        assert (wanted[0] - wanted[1]).abs().max() > 0.01  # exchanged copies would be seen


@pytest.mark.parametrize("name", ["dcgan 28x28", "dcgan 28x28 bilinear", "dcgan 64x48", "deep decoder", "skip U-Net"])
def test_in_single_precision_too_but_for_rounding(name):
    networks, z = several(name, 3, torch.float32)
    (images, gradients), (wanted, wanted_gradients) = together(networks, z), alone(networks, z)
    # sums of up to a thousand terms of order 1 round at 6e-8 each, which batch norms of few pixels may magnify
    torch.testing.assert_close(images, wanted, rtol=0, atol=1e-4)
    for key, g in wanted_gradients.items():
        torch.testing.assert_close(gradients[key], g, rtol=0, atol=1e-3 * float(max(1, g.abs().max())))


@pytest.mark.parametrize("limits", [(0, 0, 0), (10**6, 10**6, 10**6), (0, 10**6, 0), (0, 0, 10**6)])
@pytest.mark.parametrize("name", ["dcgan 28x28 bilinear", "dcgan 3x33x32", "decoder nearest", "upsamplings"])
def test_every_way_through_a_layer_gives_the_same(monkeypatch, name, limits):
    networks, z = several(name, 2)
    wanted = alone(networks, z)
    for limit, value in zip(("TINY", "SMALL", "NARROW"), limits, strict=True):
        monkeypatch.setattr(batched, limit, value)
    torch.testing.assert_close(together(networks, z), wanted, **DOUBLE)


@pytest.mark.parametrize("name", ["deep decoder", "convolutional decoder"])
def test_channels_innermost_give_the_same(monkeypatch, name):
    networks, z = several(name, 1)
    wanted = alone(networks, z)
    monkeypatch.setattr(batched, "INNERMOST_FROM", 1)
    monkeypatch.setattr(batched, "SMALL", 0)
    monkeypatch.setattr(torch, "bmm", None)
    torch.testing.assert_close(together(networks, z), wanted, **DOUBLE)


@pytest.mark.parametrize("name", ["dcgan 28x28", "dcgan 64x48", "dcgan 3x33x32", "decoder nearest", "upsamplings"])
def test_transposed_convolutions_with_channels_innermost_give_the_same(monkeypatch, name):
    networks, z = several(name, 1)
    wanted = alone(networks, z)
    for limit, value in (("INNERMOST_TRANSPOSED_FROM", 1), ("TINY", 0), ("SMALL", 0), ("NARROW", 0)):
        monkeypatch.setattr(batched, limit, value)
    layouts = []
    norm = batched.F.batch_norm
    monkeypatch.setattr(
        batched.F, "batch_norm", lambda x, *rest, **how: layouts.append(x.stride(1)) or norm(x, *rest, **how)
    )
    torch.testing.assert_close(together(networks, z), wanted, **DOUBLE)
    assert name == "upsamplings" or 1 in layouts


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_not_a_number_in_one_copy_stays_there(name):
    networks, z = several(name, 3)
    clean = together(networks, z)
    for weight in networks[1].parameters():
        weight.data.fill_(torch.nan)
    images, gradients = together(networks, z)
    assert images[1].isnan().any()
    others = [0, 2]
    torch.testing.assert_close(images[others], clean[0][others], **DOUBLE)
    for key, g in gradients.items():
        torch.testing.assert_close(g[others], clean[1][key][others], **DOUBLE)


@settings(max_examples=60)
@given(
    st.tuples(*[st.integers(1, 3)] * 3), st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 4)] * 2),
    st.tuples(*[st.integers(1, 3)] * 2), st.data(),
)  # fmt: skip
def test_a_transposed_convolution_is_products(counts, size, kernel, stride, data):
    copies, inputs, outputs = counts
    most = [min(k - 1, ((n - 1) * s + k - 1) // 2) for n, k, s in zip(size, kernel, stride, strict=True)]
    padding = tuple(data.draw(st.integers(0, limit)) for limit in most)
    rng = stream(6, str((counts, size, kernel)))
    x, w = (
        torch.from_numpy(rng.standard_normal(s)) for s in ((copies, inputs, *size), (copies, inputs, outputs, *kernel))
    )
    wanted = torch.cat([F.conv_transpose2d(a[None], b, None, stride, padding) for a, b in zip(x, w, strict=True)])
    torch.testing.assert_close(transposed_by_products(x, w, stride, padding), wanted, **DOUBLE)
    axes = [products.AxisMap(*one) for one in zip(size, kernel, stride, padding, strict=True)]
    assert wanted.shape[2:] == tuple(axis.after for axis in axes)
    for way in (products.transposed_in_one, products.transposed_in_two):
        torch.testing.assert_close(way(x, w, *axes), wanted, **DOUBLE)


@pytest.mark.parametrize("pixels", [1, 3, products.FEW, products.FEW + 1])
def test_products_have_the_gradient_that_differences_have(pixels):
    x, w = (
        torch.from_numpy(stream(7, "x", pixels).standard_normal(shape)).requires_grad_()
        for shape in ((2, 2, pixels, 1), (2, 2, 1, 2, 1))
    )
    assert torch.autograd.gradcheck(lambda *xw: transposed_by_products(*xw, (2, 1), (0, 0)), (x, w))


def bilinear_by_the_letter(x, rows, columns):
    """Each new pixel from its four neighbours: centres of pixels at half-integers, borders repeated."""
    old = np.pad(x, 1, mode="edge")
    at = [[(i + 0.5) * n / new + 0.5 for i in range(new)] for n, new in zip(x.shape, (rows, columns), strict=True)]
    out = np.empty((rows, columns))
    for i, j in np.ndindex(out.shape):
        (a, s), (b, t) = ((int(p), p - int(p)) for p in (at[0][i], at[1][j]))
        above, below = old[a, b : b + 2] @ (1 - t, t), old[a + 1, b : b + 2] @ (1 - t, t)
        out[i, j] = above * (1 - s) + below * s
    return out


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 7), (14, 5), (32, 31)])
def test_doubling_by_matrices_is_bilinear_interpolation(size):
    x = torch.from_numpy(stream(8, "x", *size).standard_normal((2, 3, *size)))
    doubled = products.resized(x, *(products.AxisMap(n, mode="bilinear", factor=2.0) for n in size))
    wanted = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(doubled, wanted, **DOUBLE)
    letter = bilinear_by_the_letter(x[1, 2].numpy(), 2 * size[0], 2 * size[1])
    np.testing.assert_allclose(doubled[1, 2], letter, rtol=1e-9, atol=1e-10)


def test_the_networks_that_are_given_stay_as_they_are():
    networks, z = several("dcgan 28x28", 2)
    before = [{name: t.clone() for name, t in network.eval().state_dict().items()} for network in networks]
    all_of_them = Batched(networks)
    all_of_them(z).sum().backward()
    for w in all_of_them.weights.values():
        w.data.add_(1)
    for network, state in zip(networks, before, strict=True):
        torch.testing.assert_close(network.state_dict(), state, rtol=0, atol=0)
        assert not network.training
        assert network[1].running_mean is not None
        assert all(w.grad is None for w in network.parameters())


def test_the_input_is_not_overwritten():
    networks, z = several("a shared rectifier", 2)
    original = z.clone()
    Batched(networks)(z)
    assert torch.equal(z, original)


def test_a_copy_can_be_taken_out():
    networks, z = several("dcgan 64x48", 3)
    all_of_them = Batched(networks)
    for w in all_of_them.weights.values():
        w.data.mul_(1.5)
    taken, images = networks[0].train(), all_of_them(z).detach()
    taken.load_state_dict(all_of_them.copy_of(2), strict=False)
    torch.testing.assert_close(taken(z[2:])[0], images[2], **DOUBLE)
    assert (images[2] - images[0]).abs().max() > 0.01


def test_gradients_lie_in_memory_as_weights_do():
    """Otherwise every step of descent would copy them."""
    networks, z = several("decoder 3x20x31", 3)
    _, gradients = together(networks, z)
    assert all(g.is_contiguous() for g in gradients.values())


def test_a_weight_that_is_frozen_stays_frozen():
    networks, z = several("biases", 2)
    for network in networks:
        network[0].weight.requires_grad_(False)
    _, gradients = together(networks, z)
    assert [name for name, g in gradients.items() if g is None] == ["0.weight"]


def test_copies_begin_from_the_laws_of_the_initialisation():
    chosen = architecture("dcgan", (1, 28, 28), width=2)
    networks = [chosen.build() for _ in range(2)]
    for seed, network in enumerate(networks):
        initialise(network, stream(seed, "weights"))
    weights = Batched(networks).weights
    assert list(weights) == [name for name, _ in networks[0].named_parameters()]
    for name, w in weights.items():
        for i, network in enumerate(networks):
            assert torch.equal(w[i], network.get_parameter(name))


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="networks must hold at least one module, got none"):
        Batched([])
    for other in (nn.Linear(2, 4), nn.Linear(2, 3, bias=False)):
        with pytest.raises(ValueError, match="networks must have weights of the same names and shapes"):
            Batched([nn.Linear(2, 3), other])
    networks, z = several("biases", 2)
    with pytest.raises(ValueError, match="z must hold one input for each of the 2 networks, got 3"):
        Batched(networks)(torch.cat([z, z[:1]]))
