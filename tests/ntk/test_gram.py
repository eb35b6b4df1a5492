import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from tests.ntk.networks import drawn, make_network, named, normal
from untrained.sims.ntk import gram
from untrained.sims.ntk.gram import jacobian_gram
from untrained.theory.objects.relu_generator import jacobian_singular_values


def by_the_letter(examined):
    """Every row of J from a vector-Jacobian product of its own."""
    y, weights = examined.output(), [examined.parameter(name) for name in examined.weights]
    rows = []
    for i in range(len(y)):
        gradients = torch.autograd.grad(y[i], weights, retain_graph=True, allow_unused=True)
        pairs = zip(gradients, weights, strict=True)
        rows.append(torch.cat([w.new_zeros(w.numel()) if g is None else g.flatten() for g, w in pairs]))
    J = torch.stack(rows)
    return J @ J.T


def agree(examined):
    wanted = by_the_letter(examined)
    # float64 sums of at most some thousand products.
    torch.testing.assert_close(jacobian_gram(examined), wanted, rtol=0, atol=1e-12 * float(wanted.abs().max()))


@pytest.mark.parametrize("budget", [400 << 20, 60_000])
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("dcgan", (1, 28, 28), {"width": 2, "latent": 3}),
        ("dcgan", (3, 10, 12), {"width": 3, "latent": 3, "slope": 0.2}),
        ("decoder", (1, 9, 12), {"width": 2}),
        ("deep-decoder", (1, 12, 12), {"channels": 4}),
        ("skip-unet", (1, 16, 16), {"width": 3, "skip": 2}),
    ],
)
def test_the_gram_matrix_is_that_of_the_rows_of_the_jacobian(name, shape, options, budget, monkeypatch):
    monkeypatch.setattr(gram, "BUDGET", budget)
    monkeypatch.setattr(gram, "CHUNK", 16 * budget)
    agree(named(name, shape, **options))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(2, 3, 3),
        nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(2, 0), dilation=(2, 1)),
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect", bias=False),
        nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="circular"),
        nn.Conv2d(2, 4, 3, groups=2),
        nn.Conv2d(2, 3, 3, padding="same"),
        nn.ConvTranspose2d(2, 3, 3),
        nn.ConvTranspose2d(2, 3, (4, 3), stride=(2, 3), padding=(1, 0), output_padding=(1, 2)),
        nn.ConvTranspose2d(2, 3, 3, dilation=2, bias=False),
        nn.ConvTranspose2d(2, 4, 3, groups=2),
        nn.Sequential(nn.Flatten(2), nn.Linear(30, 4)),
        nn.Sequential(nn.Flatten(), nn.Linear(60, 5, bias=False), nn.LayerNorm(5)),
    ],
    ids=str,
)
def test_each_kind_of_layer_agrees_with_its_definition(layer):
    agree(make_network("layer", drawn(nn.Sequential(layer, nn.Tanh())), normal(1, 2, 5, 6)))


class Odd(nn.Module):
    """Weights of its own, shared ones, a layer that runs twice, and values overwritten in place."""

    def __init__(self):
        super().__init__()
        self.first, self.twice = nn.Linear(5, 7), nn.Linear(7, 7)
        self.alias = nn.Linear(7, 7, bias=False)
        self.again = nn.Linear(7, 7, bias=False)
        self.again.weight = self.alias.weight
        self.own, self.last, self.unused = nn.Parameter(torch.ones(7)), nn.Linear(7, 3), nn.Linear(2, 2)

    def forward(self, z):
        h = torch.relu_(self.first(z))
        h = self.twice(torch.tanh_(self.twice(h)))
        h = self.again(torch.sigmoid_(self.alias(h))) * self.own
        return {"image": self.last(h[:, None].expand(1, 4, 7)), "other": h}


@pytest.mark.parametrize("budget", [400 << 20, 4000])
def test_weights_that_no_layer_accounts_for_are_taken_directly(budget, monkeypatch):
    monkeypatch.setattr(gram, "BUDGET", budget)
    agree(make_network("odd", drawn(Odd()), normal(1, 5)))


def test_only_the_weights_that_train_count():
    some = make_network("odd", drawn(Odd()), normal(1, 5), param_filter="^(first.weight|own)")
    assert some.weights == ("own", "first.weight")
    agree(some)


class TwoLayers(nn.Module):
    """V ReLU(W z), of which W trains."""

    def __init__(self, V, W):
        super().__init__()
        self.W, self.V = nn.Linear(W.shape[1], W.shape[0], bias=False), nn.Linear(V.shape[1], V.shape[0], bias=False)
        self.W.weight.data, self.V.weight.data = torch.from_numpy(W), torch.from_numpy(V)
        self.V.weight.requires_grad_(False)

    def forward(self, z):
        return self.V(torch.relu(self.W(z)))


def test_the_papers_generator_has_the_singular_values_of_its_closed_form():
    rng = np.random.default_rng(0)
    V, W, z = rng.standard_normal((6, 50)), rng.standard_normal((50, 4)), rng.standard_normal(4)
    K = jacobian_gram(make_network("two layers", TwoLayers(V, W), torch.from_numpy(z)[None]))
    values = torch.linalg.eigvalsh(K).flip(0).sqrt()
    np.testing.assert_allclose(values, jacobian_singular_values(V, W, z), rtol=1e-10)


def doubled(module, inputs, output):
    return 2 * output


def pruned():
    layer = nn.Linear(4, 3)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    return layer


def hooked():
    layer = nn.Linear(4, 3)
    layer.register_forward_hook(doubled)
    return layer


class Tied(nn.Module):
    """A layer whose weights are used a second time, behind its back."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 3)

    def forward(self, z):
        return torch.tanh(self.encoder(z)) @ self.encoder.weight


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    "made",
    [
        lambda: nn.utils.weight_norm(nn.Linear(4, 3)),
        lambda: nn.utils.spectral_norm(nn.Linear(4, 3)),
        lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 2)),
        pruned,
        hooked,
        Tied,
    ],
    ids=["old weight norm", "old spectral norm", "weight norm", "pruned", "hooked", "tied"],
)
def test_layers_that_do_more_than_their_kind_are_taken_for_what_they_do(made):
    module = made()
    z = normal(1, 1, 3, 4) if isinstance(module, nn.Conv2d) else normal(2, 4)
    agree(make_network("more", nn.Sequential(module), z))


def test_a_batch_of_sensitivities_counts_what_an_attention_keeps_within():
    tokens = 40
    module = nn.TransformerEncoderLayer(2, 1, 3, dropout=0.0, batch_first=True)
    examined = make_network("attention", module, normal(1, 1, tokens, 2)[0])
    assert gram._captured(examined, by_layers=True, replaced=True)[2] == tokens**2
