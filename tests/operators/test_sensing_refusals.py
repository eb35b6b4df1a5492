import numpy as np
import pytest
import torch

from untrained.sims.operators import OPERATORS, make_operator, operator_from_spec, registry
from untrained.sims.runtime import memory_available

SHAPE = (1, 8, 8)
MASK = np.ones((8, 8), dtype=bool)
LINEAR = [name for name in OPERATORS if name != "magnitude"]
COUNTED = sorted(set(LINEAR) - {"fourier-radial", "superres", "multicoil", "fourier-cartesian"})


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("m", [0, -1, 65])
def test_m_outside_its_range_is_refused(name, m):
    with pytest.raises(ValueError, match=f"^m must be between 1 and 64, got {m}$"):
        make_operator(name, SHAPE, m)


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("m", [0.0, 1.0, 1.5, -0.5, float("nan")])
def test_a_share_that_is_none_is_refused(name, m):
    with pytest.raises(ValueError, match=r"^m must be a whole number, or a share .* above 0 and below 1, got "):
        make_operator(name, SHAPE, m)


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize(("share", "m"), [(1e-7, 1), (0.1, 6), (np.float32(0.5), 32), (0.999, 64)])
def test_a_share_of_the_pixels_is_the_nearest_number(name, share, m):
    operator = make_operator(name, SHAPE, share, seed=3)
    assert operator.spec() == make_operator(name, SHAPE, m, seed=3).spec()


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("m", ["9", True])
def test_m_that_is_no_whole_number_is_refused(name, m):
    with pytest.raises(ValueError, match=r"^m must be a whole number between 1 and 64, got "):
        make_operator(name, SHAPE, m)


@pytest.mark.parametrize("name", COUNTED)
def test_a_missing_m_is_refused(name):
    with pytest.raises(ValueError, match=f"^m must be given for {name}, between 1 and 64, got none$"):
        make_operator(name, SHAPE)


def test_whole_numbers_of_other_libraries_are_taken():
    assert make_operator("dct", SHAPE, np.int64(3), seed=np.int32(1)).spec()["m"] == 3
    operator = make_operator("multicoil", SHAPE, coils=np.int64(2), acceleration=np.int64(4))
    assert operator.spec()["options"]["acceleration"] == 4.0


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("shape", [(2, 8, 8), (8, 8), (1, 0, 8), (1, 8, 8, 1), (1, 8.0, 8), "188", None, (1, True, 8)])
def test_a_shape_that_is_no_image_is_refused(name, shape):
    with pytest.raises(ValueError, match=r"^shape must be \(1 or 3, height, width\), got "):
        make_operator(name, shape, 3)


REFUSED = [
    ("fourier-cartesian", {}, "mask must be given for fourier-cartesian, got none"),
    ("fourier-cartesian", {"mask": MASK, "m": 9}, "m must be left out for fourier-cartesian, or 64 as its .*, got 9"),
    ("fourier-cartesian", {"mask": MASK[:7]}, r"mask must be bool of shape \(8, 8\), got bool of shape \(7, 8\)"),
    ("fourier-cartesian", {"mask": MASK, "maps": np.ones((2, 8, 7))}, r"maps must be .* got shape \(2, 8, 7\)"),
    ("fourier-cartesian", {"mask": MASK, "maps": np.zeros((2, 8, 8))}, "maps must be finite and not all zero, .*"),
    ("radon", {}, r"operator must be one of gaussian, gaussian-seeded, .*, fourier-cartesian, got 'radon'"),
    (["dct"], {}, r"operator must be one of gaussian, .*, got \['dct'\]"),
    ("dct", {"m": 3, "seed": -1}, "seed must be at least 0, got -1"),
    ("dct", {"m": 3, "seed": "a"}, "seed must be a whole number at least 0, got 'a'"),
    ("dct", {"m": 3, "lines": 4}, "lines is for fourier-radial, got it for dct"),
    ("superres", {"factors": 2}, "options of superres must be among factor, got factors"),
    ("gaussian", {"m": 3, "mask": MASK}, "mask is for inpainting, fourier-cartesian, got it for gaussian"),
    ("dct", {"m": 3, "device": "abacus"}, "device must be cpu or one of this machine, got abacus"),
    ("fourier-radial", {}, "lines must be given for fourier-radial, at least 1, got none"),
    ("fourier-radial", {"m": 9}, "lines must be given for fourier-radial, at least 1, got none"),
    ("fourier-radial", {"lines": 0}, "lines must be between 1 and 16, got 0"),
    ("fourier-radial", {"lines": 17}, "lines must be between 1 and 16, got 17"),
    ("fourier-radial", {"lines": 2, "m": 9}, "m must be left out for fourier-radial, or 6 as its options say, got 9"),
    ("superres", {}, "factor must be given for superres, at least 2, got none"),
    ("superres", {"factor": 1}, "factor must be at least 2, got 1"),
    ("superres", {"factor": 3}, "factor must divide height and width, got 3 for 8x8"),
    ("superres", {"factor": 16}, "factor must divide height and width, got 16 for 8x8"),
    ("superres", {"factor": 2, "m": 9}, "m must be left out for superres, or 16 as its options say, got 9"),
    ("multicoil", {}, "coils must be given for multicoil, at least 1, got none"),
    ("multicoil", {"coils": 2}, "acceleration must be given for multicoil, at least 1, got none"),
    ("multicoil", {"coils": 0, "acceleration": 2}, "coils must be between 1 and 128, got 0"),
    ("multicoil", {"coils": 2.0, "acceleration": 2}, "coils must be a whole number between 1 and 128, got 2.0"),
    ("multicoil", {"coils": 2, "acceleration": 0.5}, "acceleration must be a number from 1 to 8, got 0.5"),
    ("multicoil", {"coils": 2, "acceleration": "4"}, "acceleration must be a number from 1 to 8, got '4'"),
    ("multicoil", {"coils": 2, "acceleration": float("nan")}, "acceleration must be a number from 1 to 8, got nan"),
    ("multicoil", {"coils": 2, "acceleration": 2, "centre": -0.1}, "centre must be a number from 0 to 1, got -0.1"),
    (
        "multicoil",
        {"coils": 2, "acceleration": 4, "centre": 0.5},
        "centre must hold no more columns than the 2 that are sampled, got 4",
    ),
    (
        "multicoil",
        {"coils": 2, "acceleration": 2, "columns": "poisson"},
        "columns must be one of random, equispaced, got 'poisson'",
    ),
    (
        "multicoil",
        {"coils": 2, "acceleration": 2, "m": 9},
        "m must be left out for multicoil, or 64 as its options say, got 9",
    ),
    ("inpainting", {"mask": ~MASK}, "mask must know at least one pixel, got none"),
    ("inpainting", {"mask": MASK[1:]}, r"mask must be bool of shape \(8, 8\), got bool of shape \(7, 8\)"),
    ("inpainting", {"mask": MASK * 1.0}, r"mask must be bool of shape \(8, 8\), got float64 of shape \(8, 8\)"),
    ("inpainting", {"mask": MASK, "m": 9}, "m must be left out for inpainting, or 64 as its options say, got 9"),
    ("inpainting", {"mask": "AAAA"}, r"mask must hold 8 bytes for shape \(8, 8\), got 3"),
]


@pytest.mark.parametrize(("name", "options", "message"), REFUSED)
def test_a_wrong_argument_is_refused_in_a_sentence(name, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make_operator(name, SHAPE, **options)


@pytest.mark.parametrize("name", ["hadamard", "scrambled-hadamard"])
def test_hadamard_names_the_way_out_for_other_sizes(name):
    with pytest.raises(
        ValueError, match=f"^sides must be powers of two for {name} .use {name[:-8]}dct instead., got 12x8$"
    ):
        make_operator(name, (1, 12, 8), 5)


def test_an_image_too_small_for_lines_is_refused():
    with pytest.raises(ValueError, match=r"^image must be at least 3 pixels high or wide for fourier-radial, got 2x2$"):
        make_operator("fourier-radial", (1, 2, 2), lines=1)


def test_a_matrix_beyond_memory_is_refused_before_it_is_drawn():
    with pytest.raises(ValueError, match=r"GB available on cpu, got \d+\.\d GB; gaussian-seeded or scrambled-dct"):
        make_operator("gaussian", (3, 4096, 4096), m=40_000_000)


def test_what_does_not_fit_follows_what_is_available(monkeypatch):
    monkeypatch.setattr(registry, "memory_available", lambda device: 4 * 10 * 64)
    assert make_operator("gaussian", SHAPE, 10).m == 10
    with pytest.raises(ValueError, match="must fit into"):
        make_operator("gaussian", SHAPE, 11)
    assert make_operator("gaussian-seeded", SHAPE, 11).m == 11


def test_memory_is_what_is_held():
    for name in ("gaussian", "dct", "scrambled-dct", "hadamard", "scrambled-hadamard", "inpainting"):
        operator = make_operator(name, SHAPE, 10)
        tensors = [value for value in vars(operator).values() if isinstance(value, torch.Tensor)]
        assert operator.memory == sum(t.numel() * t.element_size() for t in tensors) > 0
    assert make_operator("gaussian", SHAPE, 10).memory == 4 * 10 * 64
    assert make_operator("superres", SHAPE, factor=2).memory == 0


def test_rows_drawn_anew_need_a_block_for_each_thread():
    assert make_operator("gaussian-seeded", (1, 256, 256), 60000).memory == (4 << 20) * torch.get_num_threads()


def test_available_memory_is_told_where_the_system_tells():
    available = memory_available()
    assert available is None or available > 1 << 20


@pytest.mark.parametrize("name", LINEAR)
def test_images_and_measurements_of_another_kind_are_refused(name):
    options = {
        "fourier-radial": {"lines": 2},
        "superres": {"factor": 2},
        "multicoil": {"coils": 2, "acceleration": 2},
        "fourier-cartesian": {"mask": MASK},
    }.get(name, {"m": 5})
    operator = make_operator(name, SHAPE, **options)
    with pytest.raises(ValueError, match=r"^image must be of shape \(\.\.\., 1, 8, 8\), got \(8, 8\)$"):
        operator.forward(torch.zeros(8, 8))
    with pytest.raises(ValueError, match=r"^measurements must be of shape \(\.\.\., \d+\), got \(3,\)$"):
        operator.adjoint(torch.zeros(3))
    with pytest.raises(ValueError, match=r"^measurements must be of shape"):
        operator.residual_and_gradient(torch.zeros(SHAPE), torch.zeros(()))
    with pytest.raises(ValueError, match=r"^image must be float32 or float64, got uint8$"):
        operator.forward(torch.zeros(SHAPE, dtype=torch.uint8))


def test_an_image_on_another_device_is_refused():
    with pytest.raises(ValueError, match=r"^image must be on the operator's device meta, got cpu$"):
        make_operator("dct", SHAPE, 5).to("meta").forward(torch.zeros(SHAPE))


def spec(**changes):
    """A spec with something changed."""
    return {**make_operator("dct", SHAPE, 5).spec(), **changes}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"name": "dct"}, "spec must hold name, shape, m, seed and options, got one without m"),
        (spec(name="radon"), "operator must be one of "),
        (spec(m=0), "m of the spec must be at least 1, got 0"),
        (spec(m="5"), "m of the spec must be a whole number at least 1, got '5'"),
        (spec(shape=[8, 8]), "shape must be "),
        (spec(options=[]), "options of the spec must be a mapping, got list"),
        (spec(options={"device": "cpu"}), "options of dct must be among none, got device"),
        (spec(name="superres", options={"factor": 2}), "m of the spec must be 16 as its options say, got 5"),
        (spec(name="inpainting", shape=[3, 8, 8]), "m of the spec must be 3 as its options say, got 5"),
    ],
)
def test_a_broken_spec_is_refused(broken, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        operator_from_spec(broken)
