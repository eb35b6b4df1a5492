import copy
import threading
from itertools import count

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from tests.networks.kinds import OneOfItsKind, attention
from tests.ntk.networks import make_network
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.output import image_shape
from untrained.sims.random.isolated_rng import isolated_rng

Z = torch.ones(1, 4)
CALLS = count()


class Returns(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.layer, self.what = nn.Linear(4, 3), what

    def forward(self, z):
        return self.what(self.layer(z))


class Clamps(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

    def forward(self, z):
        self.weight.data.mul_(0.5)
        return super().forward(z)


def test_a_network_is_a_copy_that_overwrites_nothing_and_keeps_no_statistics():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout(0.0))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    made = make_network("net", module, torch.arange(36.0).reshape(1, 1, 6, 6).sin())
    assert made.module.training
    assert not made.module[2].inplace
    assert made.module[1].running_mean is None
    assert made.output().dtype == torch.float64
    assert (made.shape, made.n, made.count) == ((1, 2, 4, 4), 32, 2 * 9 + 2 + 4)
    assert module[2].inplace
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(
    "wrap", [lambda y: (y, 1), lambda y: [y], lambda y: {"image": y}], ids=["tuple", "list", "dict"]
)
def test_of_several_outputs_the_first_is_taken(wrap):
    made = make_network("net", Returns(wrap), Z)
    assert made.shape == (1, 3)
    assert made.output().shape == (3,)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (
            nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)),
            "must not draw random numbers, got Dropout in training mode in 1 of net",
        ),
        (
            nn.Sequential(nn.Linear(4, 3), nn.RReLU()),
            "RReLU in training mode in 1 of net: remove it or hand the network over in eval",
        ),
        (Returns(lambda y: y + next(CALLS)), "must be the same each time, got one that changes from call to call"),
        (Returns(lambda y: F.dropout(y, 0.5)), r"got one that draws random numbers \(bernoulli_?\)"),
        (Returns(lambda y: y + 1e-6 * torch.randn(1, 3)), r"got one that draws random numbers \(randn\)"),
        (Returns(lambda y: y / 0), "must be finite, got a NaN or an infinity"),
        (Returns(lambda y: y.detach()), "must depend on its weights, got one that does not"),
        (Returns(lambda y: "image"), "must be a tensor of floating-point numbers, got str"),
        (Returns(lambda y: ()), "must be a tensor of floating-point numbers, got tuple"),
        (Returns(lambda y: y > 0), "must be a tensor of floating-point numbers, got torch.bool"),
        (Returns(lambda y: y[:, :0]), r"must have entries, got shape \(1, 0\)"),
        (Returns(lambda y: 0 * y), "must depend on its weights, got one that does not"),
        (Returns(lambda y: (0 * y).sqrt()), "derivatives of net must be finite"),
        (Returns(lambda y: y.float()), "must compute in float64, got net, whose forward rounds to float32"),
        (Returns(lambda y: y.float().double()), "must compute in float64, got net, whose forward rounds to float32"),
        (
            Returns(lambda y: y @ torch.ones(3, 2)),
            "must compute in float64, got net, whose forward insists on another, or runs layers that are not its",
        ),
        (Returns(lambda y: y @ y), r"net must accept a latent of shape \(1, 4\), got RuntimeError: mat1 and mat2"),
        (nn.LazyLinear(3), "weights of net must have shapes, got a LazyLinear in itself that has not run yet"),
        (nn.Linear(4, 3, dtype=torch.complex64), "weights of net must be real, got complex64 in itself"),
        (nn.Linear(4, 3, device="meta"), "weights of net must have values, got a Linear in itself on the meta device"),
        (Clamps(), "weights of net must stay as they are when it runs"),
        (Returns(threading.Lock()), "module of net must be one that can be copied, got TypeError: cannot pickle"),
        (nn.Flatten(), "must have weights that train, got none"),
    ],
)
def test_what_cannot_be_examined_is_refused_in_one_sentence(module, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_network("net", module, Z)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_module_that_is_no_longer_python_is_refused():
    with pytest.raises(ValueError, match="network must be plain modules, got TopLevelTracedModule in itself of net"):
        make_network("net", torch.jit.trace(nn.Linear(4, 3), Z), Z)


def test_a_filter_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="net must have weights that train, got none"):
        make_network("net", nn.Linear(4, 3).requires_grad_(False), Z)


def moves(made):
    """J v by a difference, against the output's derivative along v by back-propagation."""
    v = torch.linspace(-1, 1, made.count, dtype=torch.float64)
    u = torch.linspace(1, 2, made.n, dtype=torch.float64)
    weights = [made.parameter(name) for name in made.weights]
    gradients = torch.autograd.grad(made.output() @ u, weights, allow_unused=True)
    flat = torch.cat(
        [torch.zeros(w.numel()) if g is None else g.flatten() for g, w in zip(gradients, weights, strict=True)]
    )
    h = 1e-5
    with torch.no_grad():
        difference = (made.moved(h * v).output() - made.moved(-h * v).output()) @ u / (2 * h)
    # a central difference: h^2 from the third derivative, and rounding 1e-16/h.
    torch.testing.assert_close(flat.double() @ v, difference, rtol=1e-6, atol=1e-7)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g


class Overwrites(nn.Module):
    """Overwrites its input and what its layers give, and keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.layer, self.seen, self.grid = nn.Linear(4, 4), [], {"ones": [torch.ones(4, 4)]}
        self.register_buffer("shift", torch.full((4,), 0.1))

    def forward(self, z):
        z.mul_(3)
        h = F.relu_(self.layer(z) + self.shift)
        self.seen = [h]
        return h @ self.grid["ones"][0]


class Shares(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)
        self.two.weight = self.one.weight

    def forward(self, z):
        return self.two(torch.tanh(self.one(z)))


def old_weight_norm():
    with pytest.warns(FutureWarning, match="weight_norm"):
        return nn.utils.weight_norm(nn.Linear(4, 4))


class Mapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, z):
        return {"step": 3, "images": (torch.tensor(1), Doubled.apply(self.layer(z)))}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Overwrites(),
        lambda: Shares(),
        lambda: Mapped(),
        lambda: old_weight_norm(),
        lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
        lambda: parametrizations.spectral_norm(nn.Linear(4, 4)),
        lambda: nn.utils.spectral_norm(nn.Linear(4, 4)),
        lambda: parametrizations.orthogonal(nn.Linear(4, 4)),
        lambda: nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 2, 1), nn.InstanceNorm1d(2, True, True, True)),
        lambda: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Conv1d(2, 2, 1), nn.BatchNorm1d(2, momentum=None), nn.Tanh()),
    ],
    ids=[
        "in place", "shared", "mapping and own function", "weight norm, old", "weight norm", "spectral norm",
        "spectral norm, old", "orthogonal", "instance norm", "batch norm",
    ],
)  # fmt: skip
def test_what_modules_do_to_themselves_leaves_a_function_of_the_weights(make):
    with isolated_rng(0, "module"):
        module = make()
    made = make_network("net", module, torch.tensor([[0.3, -1.0, 2.0, 0.7]]))
    assert made.output().dtype == torch.float64
    assert torch.equal(made.output(), made.output())
    assert torch.equal(made.moved(torch.zeros(made.count)).output(), made.output())
    moves(made)


def test_weights_that_are_shared_count_once():
    assert make_network("net", Shares(), Z).count == 16 + 4 + 4


def test_a_spectral_norm_s_vectors_stay_while_its_weights_move():
    made = make_network("net", parametrizations.spectral_norm(nn.Linear(4, 4)), Z)
    assert parametrize.is_parametrized(made.module)
    further = made.moved(torch.ones(made.count))
    assert torch.equal(further.module.parametrizations.weight[0]._u, made.module.parametrizations.weight[0]._u)


def test_weights_that_were_made_in_inference_mode_train():
    plain = nn.Linear(4, 3)
    with torch.inference_mode():
        module = copy.deepcopy(plain)
    assert torch.equal(make_network("net", module, Z).vector(), make_network("net", plain, Z).vector())


def test_a_refused_module_is_left_as_it_was():
    module = nn.Sequential(OneOfItsKind(4, 3))
    with pytest.raises(ValueError, match="gives itself as its copy"):
        make_network("net", module, Z)
    assert module[0].weight.dtype == torch.float32


def test_the_process_s_random_numbers_are_left_alone():
    module = Returns(lambda y: y + torch.rand(3))
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="draws random numbers"):
        make_network("net", module, Z)
    assert torch.equal(torch.get_rng_state(), before)


def test_whole_numbers_stay_whole_and_single_precision_is_had_on_request():
    made = make_network("net", nn.Embedding(5, 3), torch.tensor([4, 1]))
    assert (made.z.dtype, made.shape, made.output().dtype) == (torch.int64, (2, 3), torch.float64)
    assert make_network("net", Returns(lambda y: y.float()), Z, dtype=torch.float32).output().dtype == torch.float32


def test_a_latent_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="latent of net must be finite"):
        make_network("net", nn.Linear(4, 3), Z / 0)


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        ((1, 1, 6, 7), (1, 6, 7)),
        ((1, 3, 6, 7), (3, 6, 7)),
        ((1, 16), (1, 4, 4)),
        ((1, 9, 1), (1, 3, 3)),
        ((1, 10), (1, 1, 10)),
    ],
)
def test_outputs_are_seen_as_images_where_they_can_be(shape, image):
    assert image_shape(shape) == image


def test_a_step_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"step must have shape \(15,\), got \(3,\)"):
        make_network("net", nn.Linear(4, 3), Z).moved(torch.ones(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_a_module_on_cuda_stays_there():
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(inplace=True))
    made = make_network("net", copy.deepcopy(module).cuda(), torch.randn(5, 4))
    assert made.z.is_cuda
    assert made.output().is_cuda
    twin = make_network("net", module, made.z.cpu())
    torch.testing.assert_close(made.output().cpu(), twin.output())


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        ((1, 1, 8, 12), (1, 8, 12)),
        ((1, 3, 8, 12), (3, 8, 12)),
        ((1, 8, 12, 3), (3, 8, 12)),
        ((1, 64, 1), (1, 8, 8)),
        ((1, 64, 3), (3, 8, 8)),
        ((64, 2), (2, 8, 8)),
        ((1, 12), (1, 1, 12)),
        ((5, 6, 7), (5, 6, 7)),
        ((2, 1, 6, 7), (2, 6, 7)),
        ((2, 6, 7, 3), (6, 6, 7)),
        ((1, 2, 5, 6, 7), (10, 6, 7)),
        ((1, 16, 4, 4), (16, 4, 4)),
    ],
)
def test_an_output_is_seen_as_an_image_with_colours_first(shape, image):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.pixels = nn.Parameter(torch.arange(float(torch.Size(shape).numel())).reshape(shape))

        def forward(self, z):
            return self.pixels * z

    network = make_network("plain", Plain(), torch.ones(1))
    assert network.image_shape == image
    wanted = network.parameter("pixels").squeeze()
    if image[0] > 1 and shape[-1] in (2, 3):
        wanted = wanted.movedim(-1, 0)
    assert torch.equal(network.output(), wanted.flatten())


def test_the_old_spectral_norm_has_a_norm_of_about_one():
    """Its vectors start as noise and are iterated at every run in training: torch's own after 11 runs."""
    layer = nn.utils.spectral_norm(nn.Conv2d(8, 8, 3, padding=1))
    z = torch.randn(1, 8, 8, 8)
    made = make_network("net", layer, z)
    u = torch.ones(made.n, dtype=torch.float64)
    for _ in range(30):
        u = made.jacobian().gram(u / u.norm())
    twin = copy.deepcopy(layer)
    for _ in range(11):
        twin(z)
    torch.testing.assert_close(made.output(), twin.eval()(z).double().flatten(), rtol=0.05, atol=0.05)
    unheld = copy.deepcopy(layer).eval()  # what a layer that has never run in training does
    assert float(unheld(z).detach().norm()) > 5 * float(made.output().detach().norm())
    assert float(u.norm()) ** 0.5 < 100


@pytest.mark.parametrize(
    ("make", "notes"),
    [
        (lambda: nn.Linear(4, 9), []),
        (
            lambda: Returns(lambda y: (y, y[:, :1])),
            ["of the 2 tensors of its output ([0], [1]) [0] is taken", "one row"],
        ),
        (
            lambda: Returns(lambda y: {"a": y, "b": y}),
            ["of the 2 tensors of its output (['a'], ['b']) ['a'] is", "row"],
        ),
        (lambda: nn.Sequential(nn.Linear(4, 9), nn.Dropout()).eval(), ["dropout is off, as the network came in eval"]),
        (lambda: nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9)).eval(), ["norms go by their running statistics"]),
        (
            lambda: nn.Sequential(nn.Linear(4, 125), nn.Unflatten(1, (5, 5, 5))),
            ["its output (1 x 5 x 5 x 5) is taken as 5 planes of 5 x 5"],
        ),
    ],
)
def test_what_is_taken_for_granted_is_said(make, notes):
    sentences = make_network("net", make(), Z).notes
    assert len(sentences) == len(notes)
    assert all(part in note for part, note in zip(notes, sentences, strict=True))


def test_one_of_several_outputs_can_be_chosen():
    module = Returns(lambda y: (y, {"code": 2 * y[:, :2]}))
    assert as_network(module, Z, part=1).draw(0).shape == (1, 2)
    assert as_network(Returns(lambda y: {"a": y, "b": 3 * y}), Z, part="b").draw(0).n == 3
    with pytest.raises(ValueError, match=r"part must be of the output, a tuple \(with \[0\], \[1\]\['code'\]\), got 2"):
        as_network(module, Z, part=2).draw(0)


def test_attention_of_many_tokens_has_products():
    """torch's fused kernel cannot be differentiated twice; 1100 tokens of 4 numbers are above 4096 outputs."""
    network = as_network(attention(), (1, 1100, 4)).draw(0)
    assert network.n == 4400
    assert network.jacobian().has_products
