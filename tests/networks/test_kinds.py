"""Modules of every kind against plain autograd, which knows nothing of this project, in float64."""

from collections.abc import Mapping

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from tests.networks.kinds import KINDS, REFUSED, Forward
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.probe import OTHERWISE
from untrained.sims.ntk.spectrum import spectrum
from untrained.sims.random.isolated_rng import isolated_rng

ONE_WAY = {"embedding bag"}
"""Kinds that torch differentiates only once and only backwards."""
JUMPS = {"orthogonal", "checkpoints, old", "embedding with a padding"}
"""Kinds whose output moves otherwise than their derivatives say, as torch itself has these.

Whole parts of weights that are 1 are taken by the first; the others send nothing back to some weights.
"""
SETTLED = 15
"""Runs in training after which the vectors of a spectral norm are taken."""


def is_spectral_norm(layer):
    hooks = layer._forward_pre_hooks.values()
    return isinstance(layer, _SpectralNorm) or any(isinstance(hook, SpectralNorm) for hook in hooks)


def settled(module, call):
    """The module with its spectral norms iterated as its own runs do, and held."""
    layers = [layer for layer in module.modules() if is_spectral_norm(layer)]
    if any(layer.training for layer in layers):
        with torch.no_grad():
            for _ in range(SETTLED):
                call()
    for layer in layers:
        layer.training = False


def first(output):
    if isinstance(output, torch.Tensor):
        return output
    parts = output.values() if isinstance(output, Mapping) else vars(output).values() if is_plain(output) else output
    return next(first(part) for part in parts if isinstance(part, torch.Tensor | list))


def is_plain(output):
    return not isinstance(output, tuple | list)


def by_autograd(module, inputs):
    """J (n, count), a row for each number of the output, from a twin in float64 that runs as it was handed over."""
    module = module.double()
    double = lambda x: x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x  # noqa: E731
    if isinstance(inputs, Mapping):
        call = lambda: module(**{key: double(one) for key, one in inputs.items()})  # noqa: E731
    else:
        call = lambda: module(*map(double, inputs if isinstance(inputs, tuple) else (inputs,)))  # noqa: E731
    settled(module, call)
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    y = first(call()).reshape(-1)
    rows = [torch.autograd.grad(one, weights, retain_graph=True, allow_unused=True) for one in y]
    flat = [
        torch.cat(
            [
                (torch.zeros_like(w) if g is None else g.to_dense()).reshape(-1)
                for g, w in zip(row, weights, strict=True)
            ]
        )
        for row in rows
    ]
    return torch.stack(flat)


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_of_any_kind_has_the_jacobian_that_autograd_gives(kind):
    with isolated_rng(7, "kind"):
        module, inputs = KINDS[kind]()
    with isolated_rng(7, "kind"):
        twin, _ = KINDS[kind]()
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    network = as_network(module, inputs, name="net").draw(0)
    assert (OTHERWISE in network.notes) == (kind in JUMPS)
    J = by_autograd(twin, inputs)
    wanted = torch.linalg.eigvalsh(J @ J.T)
    largest = float(wanted[-1])
    torch.testing.assert_close(torch.from_numpy(spectrum(network).values), wanted, rtol=0, atol=1e-9 * largest)
    jacobian = network.jacobian()
    v = torch.cos(torch.arange(network.count, dtype=torch.float64))
    torch.testing.assert_close(jacobian.adjoint(torch.ones(network.n)), J.sum(0), rtol=0, atol=1e-9 * largest**0.5)
    if jacobian.has_products:
        assert float(jacobian.forward(v).norm()) == pytest.approx(float((J @ v).norm()), rel=1e-9)
    assert jacobian.has_products == (kind not in ONE_WAY)
    assert {name: tensor.shape for name, tensor in module.state_dict().items()} == {
        n: t.shape for n, t in state.items()
    }
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("kind", REFUSED)
def test_a_module_that_has_no_such_jacobian_is_refused_for_its_reason(kind):
    make, reason = REFUSED[kind]
    module, inputs = make()
    with pytest.raises(ValueError, match=reason) as refused:
        as_network(module, inputs, name="net").draw(0)
    assert "\n" not in str(refused.value)


def test_there_are_kinds_enough():
    assert len(KINDS) >= 120


class Halved(torch.autograd.Function):
    """Twice the input, with the backward pass of half of it."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return g / 2


@pytest.mark.parametrize(
    "join",
    [
        lambda net, x: Halved.apply(net.one(x)),
        lambda net, x: net.two(net.one(x).detach().tanh()),
        lambda net, x: net.one(x) + (net.one(x).round() - net.one(x)).detach(),
        lambda net, x: net.two(torch.relu(net.zero(x))),
    ],
    ids=["a wrong backward", "detached", "straight through", "on a kink"],
)
def test_derivatives_that_differences_do_not_have_are_said(join):
    zero = nn.Linear(4, 5)
    for weight in zero.parameters():
        nn.init.zeros_(weight)
    module = Forward(join, one=nn.Linear(4, 5), two=nn.Linear(5, 6), zero=zero)
    assert OTHERWISE in as_network(module, torch.randn(1, 4), name="net").draw(0).notes


SAID = {
    "in half precision": "it came in float16 and is examined with more digits",
    "a tensor that is no parameter": "held fixed, as no weights of its own: scale",
    "spectral norm": "spectral norms are those after 15 runs of their layers in training, then held",
    "spectral norm, old": "spectral norms are those after 15 runs of their layers in training, then held",
    "dropout, eval": "dropout is off, as the network came in eval mode",
    "batch norm 2d, eval": "norms go by their running statistics, as the network came in eval mode",
    "dataclass of parts": "of the 2 tensors of its output (['image'], ['code']) ['image'] is taken",
    "a list within a list": "of the 2 tensors of its output ([0][1], [1]) [0][1] is taken",
    "conv 2d, a batch of two": "its output (2 x 3 x 2 x 2) is taken as 6 planes of 2 x 2",
}


@pytest.mark.parametrize("kind", SAID)
def test_what_was_taken_for_granted_is_said(kind):
    assert SAID[kind] in as_network(*KINDS[kind](), name="net").draw(0).notes


def test_a_hook_on_a_weight_that_does_not_train_is_no_matter():
    module, z = REFUSED["a hook on gradients"][0]()
    assert as_network(module, z, param_filter="bias").draw(0).weights == ("0.bias",)
