import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.ntk.networks import drawn, make_network, named, normal
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.ntk.jacobian import Jacobian


def dense(examined):
    """J, a row at a time."""
    y, weights = examined.output(), [examined.parameter(name) for name in examined.weights]
    rows = [torch.autograd.grad(y[i], weights, retain_graph=True, materialize_grads=True) for i in range(len(y))]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


class OwnSine(torch.autograd.Function):
    """Backward of its own, of which autograd knows; no jvp, no vmap."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()


class Opaque(OwnSine):
    """Backward through numpy: neither batched nor differentiable, and without saying so."""

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return torch.from_numpy(g.detach().numpy() * x.detach().cos().numpy())


class Once(OwnSine):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()


class OnceWithTangent(Once):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_forward(x)
        return Once.forward(ctx, x)

    @staticmethod
    def jvp(ctx, t):
        return t * ctx.saved_tensors[0].cos()


class Applies(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.last, self.function = nn.Linear(4, 6), nn.Linear(6, 5), function

    def forward(self, z):
        return self.last(self.function(self.first(z)))


class Functional(nn.Module):
    """Functions of an image rather than modules, and a weight that is used twice."""

    def __init__(self):
        super().__init__()
        self.W, self.scale, self.idle = (
            nn.Parameter(torch.ones(3, 3, 3, 3)),
            nn.Parameter(torch.ones(3)),
            nn.Linear(2, 2),
        )

    def forward(self, z):
        h = F.instance_norm(F.conv2d(z, self.W, stride=2, padding=1), weight=self.scale)
        h = F.interpolate(F.leaky_relu(h, 0.1, inplace=True), scale_factor=1.5, mode="bilinear")
        h = F.max_pool2d(F.conv_transpose2d(h, self.W, stride=2, padding=1, output_padding=1), 2)
        return F.group_norm(h, 1).mean(1)


NETWORKS = {
    "dcgan": lambda: named("dcgan", (1, 28, 28), width=1, latent=3),
    "deep decoder": lambda: named("deep-decoder", (1, 12, 12), channels=4),
    "convolutional decoder": lambda: named("conv-decoder", (1, 12, 12), channels=4),
    "convolutional generator": lambda: named("conv-generator", (1, 10, 12), channels=4, depth=2),
    "skip U-Net": lambda: named("skip-unet", (1, 16, 16), width=3, skip=2),
    "functional": lambda: make_network("functional", drawn(Functional()), normal(1, 3, 9, 8)),
    "own backward": lambda: make_network("own", drawn(Applies(OwnSine.apply)), normal(1, 4)),
    "own tangent": lambda: make_network("own", drawn(Applies(OnceWithTangent.apply)), normal(1, 4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_products_are_those_with_the_rows_of_gradients(name):
    examined = NETWORKS[name]()
    J, jacobian = dense(examined), Jacobian(examined)
    assert (jacobian.n, jacobian.count) == J.shape
    u, v = normal(len(J), seed=7), normal(J.shape[1], seed=8)
    # float64 sums through some tens of operations.
    close = {"rtol": 0, "atol": 1e-12 * float(J.abs().max()) * J.shape[1] ** 0.5}
    torch.testing.assert_close(jacobian.forward(v), J @ v, **close)
    torch.testing.assert_close(jacobian.adjoint(u), J.T @ u, **close)
    torch.testing.assert_close(jacobian.gram(u) / J.norm(), J @ (J.T @ u) / J.norm(), **close)


@pytest.mark.parametrize("name", ["dcgan", "skip U-Net", "functional"])
def test_the_two_ways_forward_agree(name):
    jacobian = Jacobian(NETWORKS[name]())
    v = normal(jacobian.count)
    one, other = jacobian._by_double_backward()(v), jacobian._by_forward_mode()(v)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * float(other.abs().max()))


@pytest.mark.parametrize("function", [Once, Opaque])
def test_a_function_that_nothing_can_push_forward_is_refused_in_one_sentence(function):
    jacobian = Jacobian(make_network("mine", drawn(Applies(function.apply)), normal(1, 4)))
    assert jacobian.adjoint(torch.ones(5)).shape == (jacobian.count,)
    with pytest.raises(ValueError, match="mine must be differentiable twice or in forward mode for products J v"):
        jacobian.forward(torch.zeros(jacobian.count))


@pytest.mark.parametrize("function", [OwnSine, Once, Opaque, OnceWithTangent])
def test_the_gram_matrix_needs_neither(function):
    examined = make_network("mine", drawn(Applies(function.apply)), normal(1, 4))
    J = dense(examined)
    torch.testing.assert_close(jacobian_gram(examined), J @ J.T, rtol=0, atol=1e-14 * J.shape[1])


def test_the_gram_matrix_sees_through_functions_as_through_modules():
    J = dense(NETWORKS["functional"]())
    wanted = J @ J.T
    gram = jacobian_gram(NETWORKS["functional"]())
    torch.testing.assert_close(gram, wanted, rtol=0, atol=1e-12 * float(wanted.abs().max()))


@pytest.mark.parametrize(("product", "name", "size"), [("forward", "v", 59), ("adjoint", "u", 4), ("gram", "u", 6)])
def test_a_vector_of_another_shape_is_refused(product, name, size):
    jacobian = Jacobian(NETWORKS["own backward"]())
    with pytest.raises(ValueError, match=rf"{name} must have shape \(\d+,\), got \({size},\)"):
        getattr(jacobian, product)(torch.zeros(size))
