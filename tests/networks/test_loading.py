import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from untrained.sims.networks.generators import architecture
from untrained.sims.networks.loading import KNOWN_NETWORKS, as_network, by_name

ZOO = Path(__file__).parent / "zoo"
NETS = """
import random, numpy as np, torch
from torch import nn

def pair():
    return nn.Linear(4, 3), torch.rand(2, 4)
def alone():
    return nn.Linear(4, 3)
def sized():
    return [nn.Linear(4, 3), (2, 4)]
def array():
    return nn.Linear(4, 3), np.ones((2, 4))
def others():
    return nn.Linear(4, 3), torch.tensor([[random.random(), *np.random.rand(3)]])
def fixed():
    torch.manual_seed(7)
    return nn.Linear(4, 3), torch.ones(1, 4)
def inputs():
    return nn.Linear(4, 3), {"x": torch.ones(1, 4)}
def two():
    return nn.Linear(4, 3), (torch.ones(1, 4), torch.ones(1, 4))
def words():
    return nn.Linear(4, 3), {"x": "ones"}
def text():
    return "net"
def three():
    return nn.Linear(4, 3), torch.ones(1, 4), 3
def fails():
    raise RuntimeError("no such\\nthing")
def wide(width):
    return nn.Linear(4, width)
def lazy():
    return nn.LazyLinear(3), torch.ones(1, 4)
def leaves():
    raise SystemExit("bye")
def frozen():
    return nn.Linear(4, 3).requires_grad_(False), torch.ones(1, 4)
def mistaken():
    return nn.Linear(5, 3), torch.ones(1, 4)
class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 3))
net = nn.Linear(4, 3)
number = 3
"""


@pytest.fixture
def nets(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    return f"{tmp_path / 'nets.py'}:"


@pytest.mark.parametrize("factory", ["pair", "alone", "sized", "array", "others", "Net", "net"])
def test_each_seed_gives_a_network_of_its_own_and_always_the_same(nets, factory):
    source, again = as_network(nets + factory, latent_shape="2,4"), as_network(nets + factory, latent_shape=(2, 4))
    assert source.name == f"nets.py:{factory}"
    assert source.seeds_possible
    for seed in (0, 3):
        one, other = source.draw(seed), again.draw(seed)
        assert torch.equal(one.vector(), other.vector())
        assert torch.equal(one.z, other.z)
    assert not torch.equal(source.draw(0).vector(), source.draw(3).vector())


def test_a_latent_that_only_has_a_shape_is_drawn_for_each_seed(nets):
    source = as_network(nets + "alone", latent_shape="2,4")
    assert source.draw(0).z.shape == (2, 4)
    assert not torch.equal(source.draw(0).z, source.draw(1).z)


def test_a_factory_that_seeds_itself_has_one_seed_only(nets):
    source = as_network(nets + "fixed")
    assert not source.seeds_possible
    source.draw(0)
    with pytest.raises(ValueError, match=r"seed of nets.py:fixed must be 0, got 2"):
        source.draw(2)


def test_the_filter_says_which_weights_train(nets):
    assert as_network(nets + "pair", param_filter="^bias$").draw(0).weights == ("bias",)
    with pytest.raises(ValueError, match=r"must match a weight of nets.py:pair \(weight, bias\), got 'conv'"):
        as_network(nets + "pair", param_filter="conv").draw(0)


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        ("inputs", "nets.py:inputs must accept a latent of shape (1, 4), got TypeError: Linear.forward() got an"),
        ("two", "nets.py:two must accept a latent of shape (1, 4), got TypeError: Linear.forward() takes 2 pos"),
        ("words", "latent of nets.py:words must be a tensor, its shape, or a tuple or dict of what its forward takes"),
        ("text", "must return (module, latent) or a module, got str"),
        ("three", "must return (module, latent) or a module, got tuple of Linear, Tensor, int"),
        ("fails", "nets.py:fails must return without error, got RuntimeError: no such (line 29)"),
        ("wide", "must return without error, got TypeError: wide() missing 1 required positional argument: 'width'"),
        ("lazy", "must have shapes, got a LazyLinear in itself that has not run yet: run it once"),
        ("leaves", "must return without error, got SystemExit: bye"),
        ("frozen", "must have weights that train, got none"),
        ("mistaken", "must accept a latent of shape (1, 4), got RuntimeError: mat1 and mat2"),
        ("alone", "latent shape must be given for nets.py:alone, which gives only a module, got none"),
        ("nothing", "factory must be a function in nets.py (which has pair, alone"),
        ("number", "factory must be a function in nets.py"),
    ],
)
def test_a_factory_that_gives_no_network_is_refused_in_one_sentence(nets, factory, sentence):
    with pytest.raises(ValueError, match=r"must|latent") as refused:
        as_network(nets + factory).draw(0)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import nothing_like_it", "bad.py must run without error, got ModuleNotFoundError: No module named 'nothing_"),
        ("x = 1\n\n1 / 0", "got ZeroDivisionError: division by zero (line 3)"),
        ("def net(:", "got SyntaxError: invalid syntax"),
        ("raise ValueError('a' * 999)", f"got ValueError: {'a' * 200}… (line 1)"),
        ("raise SystemExit", "got SystemExit (line 1)"),
        ("raise ValueError('of Linear:\\n\\tno bias\\n\\tno weight')", "got ValueError: of Linear: no bias (line 1)"),
    ],
)
def test_a_file_that_fails_is_refused_with_its_reason_in_one_line(tmp_path, text, sentence):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(ValueError, match="must run without error") as refused:
        as_network(f"{tmp_path / 'bad.py'}:net")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("reference", "options", "sentence"),
    [
        ("nets.py", {}, "network must be FILE.py:FACTORY or one of dcgan-mnist"),
        ("nets.py:", {}, "network must be FILE.py:FACTORY"),
        ("missing.py:net", {}, "must come from a Python file that exists, got missing.py"),
        ("weights.pt:net", {}, "must come from a Python file that exists, got weights.pt"),
        ("dcgan-mnist", {"param_filter": "("}, "param filter must be a regular expression, got '('"),
        ("decoder", {"latent_shape": "1,x"}, "latent shape must be whole numbers of at least 1, such as 1,128,1,1"),
        ("decoder", {"latent_shape": (1, 0)}, "latent shape must be whole numbers of at least 1"),
        ("dcgan-mnist@64x64", {}, "dcgan-mnist must be taken without a shape"),
        ("decoder@64", {}, "after @ must come HxW, CxHxW or OPTION=VALUE, got '64'"),
        ("decoder@breadth=3", {}, "options of decoder must be among"),
        ("decoder@2x2", {}, "image must be at least 8x8"),
        ("two-layer@n=0", {}, "must be n, d and k, whole numbers of at least 1, got n=0"),
        ("two-layer@4x4", {}, "must be n, d and k, whole numbers of at least 1, got a shape"),
        ("two-layer@m=4", {}, "must be n, d and k, whole numbers of at least 1, got m=4"),
    ],
)
def test_a_reference_or_option_that_cannot_be_is_refused(reference, options, sentence):
    with pytest.raises(ValueError, match="must") as refused:
        as_network(reference, **options)
    assert sentence in str(refused.value)


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        as_network("two-layer").draw(-1)


def test_files_may_import_their_neighbours_and_only_those(tmp_path):
    for folder, width in (("a", 3), ("b", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "layers_beside.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / folder / "parts_beside").mkdir()
        (tmp_path / folder / "parts_beside" / "part.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / folder / "net.py").write_text(
            "import torch\nfrom parts_beside.part import WIDTH as W\n"
            "from layers_beside import WIDTH\nassert W == WIDTH\n"
            "def net():\n    import layers_beside\n    return torch.nn.Linear(4, layers_beside.WIDTH), (1, 4)\n"
        )
    path = list(sys.path)
    sources = [as_network(f"{tmp_path / folder / 'net.py'}:net") for folder in "ab"]
    assert [source.draw(0).shape for source in sources] == [(1, 3), (1, 5)]
    assert sys.path == path
    assert not [name for name in sys.modules if "beside" in name]


def test_a_file_changes_nothing_of_the_process(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(
        "import random, numpy, torch\n"
        "import argparse, os, sys\n"
        "argparse.ArgumentParser().parse_args()\n"
        "torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)\n"
        "torch.autograd.set_detect_anomaly(True); torch.use_deterministic_algorithms(True); torch.set_num_threads(3)\n"
        "numpy.seterr(all='raise')\n"
        "def net():\n"
        "    os.chdir('/'); sys.stdout = sys.stderr\n"
        "    torch.manual_seed(1); random.seed(1); numpy.random.seed(1)\n"
        "    return torch.nn.Linear(2, 2), torch.ones(1, 2)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["untrained", "check", "net.py:net"])
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    process = sys.stdout, sys.argv, np.geterr(), torch.get_num_threads(), Path.cwd()
    as_network(f"{tmp_path / 'net.py'}:net").draw(0)
    assert torch.equal(torch.get_rng_state(), state[0])
    assert random.getstate() == state[1]
    assert np.array_equal(np.random.get_state()[1], state[2])  # noqa: NPY002
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert not torch.is_anomaly_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert (sys.stdout, sys.argv, np.geterr(), torch.get_num_threads(), Path.cwd()) == process


def test_a_module_at_hand_is_taken_as_it_is_and_redrawn_for_other_seeds():
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    source = as_network(module, np.ones((1, 4)), name="mine")
    assert source.name == "mine"
    assert source.seeds_possible
    wanted = torch.cat([weight.detach().flatten() for weight in module.parameters()]).double()
    assert torch.equal(source.draw(0).vector(), wanted)
    assert not torch.equal(source.draw(1).vector(), wanted)
    assert torch.equal(source.draw(1).vector(), source.draw(1).vector())


@pytest.mark.parametrize(
    "latent",
    [
        np.arange(4.0, dtype=">f4")[None],
        np.arange(3.0, -1, -1)[::-1][None],
        np.arange(4, dtype=np.longdouble)[None],
        (np.arange(4.0, dtype=">f8")[None],),
    ],
    ids=["of another byte order", "backwards", "of more digits", "one argument"],
)
def test_a_latent_of_any_array_of_numbers_is_taken(latent):
    assert torch.equal(as_network(nn.Linear(4, 3), latent).draw(0).z, torch.arange(4.0).double()[None])


@pytest.mark.parametrize(
    ("latent", "sentence"),
    [
        (np.array([["a"]]), "latent of net must be of numbers, got an array of <U1"),
        (np.array([[None]]), "latent of net must be of numbers, got an array of object"),
        (np.ma.masked_less(np.arange(4.0)[None], 1), "latent of net must have no masked entries, got 1 of 4"),
        (torch.ones(1, 4, device="meta"), "must be a dense tensor with values, got a tensor on the meta device"),
        (torch.ones(1, 4).to_sparse(), "must be a dense tensor with values, got a sparse_coo one"),
        ((10**6, 10**6, 10**6), r"latent must fit into memory, got one of shape \(1000000, 1000000, 1000000\)"),
        ((10**12, 10**12), "latent must fit into memory"),
    ],
)
def test_a_latent_that_is_none_is_refused_in_one_sentence(latent, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_network(nn.Linear(4, 3), latent, name="net").draw(0)


def test_a_latent_beside_a_factory_is_that_of_its_module(nets):
    z = torch.arange(4.0)[None]
    for network in (lambda: nn.Linear(4, 3), nets + "alone", nets + "net"):
        assert torch.equal(as_network(network, z).draw(0).z, z.double())
    assert as_network(nets + "alone", (np.int64(2), 4)).draw(0).z.shape == (2, 4)
    for network in (nets + "pair", "decoder@8x8", as_network(nets + "pair")):
        with pytest.raises(ValueError, match=r"latent must be left out for .*, which has its own, got Tensor"):
            as_network(network, z).draw(0)


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.scale * x


@pytest.mark.parametrize(
    "module", [nn.Sequential(nn.Linear(4, 3), Scale()), nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))]
)
def test_a_module_that_cannot_be_redrawn_has_one_seed_only(module):
    source = as_network(module, (1, 4))
    assert not source.seeds_possible
    assert source.draw(0).count == sum(weight.numel() for weight in module.parameters())
    with pytest.raises(ValueError, match=r"must be 0, got 1: weights of \w+ in [\w.]+ cannot be redrawn"):
        source.draw(1)


@pytest.mark.parametrize(
    ("name", "network", "shape"),
    [
        ("dcgan-mnist", "dcgan", (1, 28, 28)),
        ("dcgan-retina", "dcgan", (3, 128, 128)),
        ("decoder@3x16x20", "decoder", (3, 16, 20)),
        ("skip-unet", "skip-unet", (1, 28, 28)),
        ("deep-decoder@64x64", "deep-decoder", (1, 64, 64)),
    ],
)
def test_known_networks_start_as_the_fits_of_measurements_do(name, network, shape):
    module, z = by_name(name).start(4)
    chosen = architecture(network, shape)
    fitted = chosen.copies(shape, [(4, 0), (4, 1)])
    assert torch.equal(z, fitted.z[:1])
    assert all(torch.equal(weight, fitted.copy_of(0)[key]) for key, weight in module.named_parameters())
    again, latent = chosen.start(4, 1)
    assert torch.equal(latent, fitted.z[1:])
    assert all(torch.equal(weight, fitted.copy_of(1)[key]) for key, weight in again.named_parameters())
    assert not torch.equal(z, latent)


def test_known_networks_have_their_shapes():
    small = [name for name in KNOWN_NETWORKS if name not in ("dcgan-xray", "dcgan-retina", "two-layer")]
    assert {as_network(name).draw(0).image_shape for name in small} == {(1, 28, 28)}
    assert as_network("dcgan@3x16x16,width=4").draw(0).image_shape == (3, 16, 16)
    assert by_name("resnet") is None


def test_the_two_layer_generator_is_v_relu_of_w_z():
    made = as_network("two-layer@n=9,d=20,k=4").draw(2)
    W, V, z = made.module[0].weight, made.module[2].weight, made.z[0]
    assert (made.weights, W.shape, V.shape, made.image_shape) == (("0.weight",), (20, 4), (9, 20), (1, 3, 3))
    torch.testing.assert_close(made.output(), V @ torch.relu(W @ z), rtol=1e-14, atol=1e-14)
    # 180 entries of variance 1/(d ||z||^2): their mean square is within 5 standard errors sqrt(2/180) of it.
    assert abs(float(V.square().mean()) * 20 * float(z @ z) - 1) < 5 * (2 / 180) ** 0.5


@pytest.mark.parametrize(
    ("file", "factory", "shape"),
    [
        ("unet", "make", (1, 28, 28)),
        ("siren", "make", (1, 32, 32)),
        ("resnet_decoder", "factory", (1, 32, 32)),
        ("deep_decoder", "factory", (1, 32, 32)),
        ("mlp_mixer", "make", (1, 28, 28)),
    ],
)
def test_networks_as_outsiders_write_them_are_taken(file, factory, shape):
    source = as_network(f"{ZOO / file}.py:{factory}")
    made = source.draw(0)
    assert made.image_shape == shape
    assert 5_000 < made.count < 1_000_000
    assert source.seeds_possible
    assert torch.isfinite(source.draw(1).output()).all()
