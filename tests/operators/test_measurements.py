import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.sims.files import FileWarning
from untrained.sims.operators import OPERATORS, as_operator, make_operator, measurements
from untrained.sims.operators.measurements import (
    Measurement,
    load_measurement,
    measure,
    measured_numbers,
    save_measurement,
)
from untrained.sims.random.streams import stream

SHAPE = (1, 8, 8)
IMAGE = torch.linspace(-1, 1, 64).reshape(SHAPE)


def made(name="gaussian", noise=0.1, shape=SHAPE, seed=2):
    """A small measurement."""
    options = {
        "fourier-radial": {"lines": 3},
        "superres": {"factor": 2},
        "multicoil": {"coils": 2, "acceleration": 2},
        "fourier-cartesian": {"mask": np.arange(8) % 3 == 0},
    }.get(name, {"m": 12})
    return measure(IMAGE.expand(shape), make_operator(name, shape, seed=1, **options), noise, seed)


@pytest.fixture
def saved(tmp_path):
    """A saved measurement."""
    path = tmp_path / "measurement.npz"
    save_measurement(path, made())
    return path


def rewrite(path, **changes):
    """Write the file again with changed fields and the checksum that belongs to them."""
    with np.load(path) as file:
        fields = {**{k: file[k] for k in file.files}, **changes}
    fields["checksum"] = measurements._checksum(str(fields["spec"]), fields["y"], float(fields["noise"]))
    np.savez_compressed(path, **fields)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("shape", [SHAPE, (3, 8, 8)], ids=str)
def test_without_noise_y_is_the_product(name, shape):
    measurement = made(name, 0.0, shape)
    assert measurement.y.dtype == torch.float32
    assert torch.equal(measurement.y, measurement.operator.forward(IMAGE.expand(shape)))


def test_noise_is_normal_with_the_stated_deviation():
    operator = make_operator("dct", (1, 64, 64), m=4000)
    flat = torch.zeros(1, 64, 64)
    z = np.concatenate([measure(flat, operator, 2.0, seed).y.double().numpy() for seed in range(5)]) * 4000**0.5 / 2
    # Standard errors of mean and variance of 20 000 standard normal numbers, five of each.
    assert abs(z.mean()) < 5 * z.size**-0.5
    assert abs(z.var() - 1) < 5 * (2 / z.size) ** 0.5


def test_noise_belongs_to_its_seed_and_not_to_the_matrix():
    one, again, other = made(seed=2), made(seed=2), made(seed=3)
    assert torch.equal(one.y, again.y)
    assert not torch.equal(one.y, other.y)
    assert one.operator.fingerprint() == other.operator.fingerprint()


def test_noise_is_the_stream_of_that_role():
    # So noise and matrix of the same seed share no numbers: the matrix is of another role.
    noise = measure(torch.zeros(SHAPE), make_operator("gaussian", SHAPE, m=12, seed=7), 1.0, seed=7).y
    np.testing.assert_allclose(noise, stream(7, "noise").standard_normal(12) / 12**0.5, rtol=1e-6)
    assert not np.isclose(noise, stream(7, "A").standard_normal(12) / 12**0.5).any()


def test_noise_scales_without_being_drawn_anew():
    y0, y1, y2 = (made(noise=noise).y for noise in (0.0, 1.0, 2.0))
    torch.testing.assert_close(y2 - y0, 2 * (y1 - y0), rtol=0, atol=1e-5)


def test_the_fingerprint_is_of_operator_and_data():
    one = made()
    others = [made(seed=3), made(noise=0.2), made("gaussian-seeded"), replace(one, y=-one.y)]
    assert one.fingerprint == made().fingerprint
    assert len({m.fingerprint for m in (one, *others)}) == 5


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("shape", [SHAPE, (3, 8, 8)], ids=str)
def test_a_file_gives_back_what_was_saved(name, shape, tmp_path):
    path, one = tmp_path / "any name", made(name, shape=shape)
    save_measurement(path, one)
    again = load_measurement(str(path))
    assert again.fingerprint == one.fingerprint
    assert torch.equal(again.y, one.y)
    assert again.noise == one.noise
    assert again.operator.spec() == one.operator.spec()
    assert torch.equal(again.operator.forward(IMAGE.expand(shape)), one.operator.forward(IMAGE.expand(shape)))


def test_a_given_mask_is_kept_in_the_file(tmp_path):
    mask = np.eye(8, dtype=bool)
    save_measurement(tmp_path / "m.npz", measure(IMAGE, make_operator("inpainting", SHAPE, mask=mask)))
    np.testing.assert_array_equal(load_measurement(tmp_path / "m.npz").operator.mask(), mask)


def test_the_same_measurement_gives_the_same_bytes(saved, tmp_path):
    save_measurement(tmp_path / "again.npz", made())
    assert saved.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_a_file_is_replaced_whole_or_left_alone(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(file, **fields):
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        save_measurement(saved, made(seed=9))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_damaged_file_never_gives_another_measurement(saved, tmp_path):
    whole, fingerprint = saved.read_bytes(), made().fingerprint
    rng, path = np.random.default_rng(0), tmp_path / "damaged.npz"
    refused = 0
    for place in rng.choice(len(whole), 150, replace=False):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :])
        try:
            assert load_measurement(path).fingerprint == fingerprint
        except (ValueError, OSError):
            refused += 1
    # Bits of dates and of attributes in the archive say nothing about the measurement.
    assert refused > 75


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved, share):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="file must be a whole measurement, got a damaged or other one in "):
        load_measurement(saved)


@pytest.mark.parametrize("content", ["text", "pickle", "array", "archive"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    with path.open("wb") as file:
        if content == "text":
            file.write(b"y = A x\n")
        elif content == "pickle":
            np.save(file, np.array([{}], dtype=object), allow_pickle=True)
        elif content == "array":
            np.save(file, np.zeros(3))
        else:
            np.savez(file, y=np.zeros(3))
    with pytest.raises(ValueError, match="file must be a whole measurement, got a damaged or other one in "):
        load_measurement(path)


def test_pickled_fields_are_not_run(saved):
    rewrite(saved, noise=np.array(0.1), extra=np.zeros(1))
    assert load_measurement(saved).noise == 0.1
    with np.load(saved) as file:
        fields = dict(file)
    np.savez_compressed(saved, **{**fields, "kind": np.array([{"a": 1}], dtype=object)}, allow_pickle=True)
    with pytest.raises(ValueError, match=r"damaged or other one in .*pickle"):
        load_measurement(saved)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        load_measurement(tmp_path / "none.npz")
    with pytest.raises(OSError, match="directory"):
        load_measurement(tmp_path)


def test_a_changed_number_is_noticed(saved):
    with np.load(saved) as file:
        fields = dict(file)
    for name, value in {"y": fields["y"] * 2, "noise": 0.2, "spec": str(fields["spec"]).replace("12", "13")}.items():
        np.savez_compressed(saved, **{**fields, name: value})
        with pytest.raises(ValueError, match="checksum of the measurement must agree with its content, got another in"):
            load_measurement(saved)


def test_contents_that_make_no_sense_are_refused_even_with_their_checksum(saved):
    spec = made().operator.spec()
    y = made().y.numpy()
    with_nan = np.where(np.arange(12) == 3, np.float32("nan"), y)
    for changes, message in [
        ({"y": y[1:]}, "y must have the m=12 entries of its operator, got 11"),
        ({"y": with_nan}, "y must be float32 and finite"),
        ({"y": y.astype(np.float64)}, r"y must be a float32 vector, got float64 of shape \(12,\)"),
        ({"y": y[None]}, r"y must be a float32 vector, got float32 of shape \(1, 12\)"),
        ({"y": y, "noise": -1.0}, "noise must be a finite number of at least 0, got -1.0"),
        ({"noise": np.nan}, "noise must be a finite number of at least 0, got nan"),
        ({"noise": 0.1, "spec": "[1]"}, "spec must be a JSON object"),
        ({"spec": "{"}, "spec must be a JSON object"),
        ({"spec": json.dumps({**spec, "name": "radon"})}, "operator must be one of"),
        ({"spec": json.dumps({**spec, "name": 3})}, "operator must be one of"),
        ({"spec": json.dumps({"m": 12})}, "spec must hold name, shape, m, seed and options"),
        ({"spec": json.dumps(spec), "format": 2}, "of format 1, got 'untrained measurement' of format 2"),
        ({"format": 1, "kind": "recovery"}, "file must be an untrained measurement of format 1, got 'recovery'"),
    ]:
        rewrite(saved, **changes)
        with pytest.raises(ValueError, match=message):
            load_measurement(saved)


def test_a_users_own_operator_is_measured_but_not_saved(tmp_path):
    class Half:
        def forward(self, x):
            return x.flatten() / 2

        def adjoint(self, y):
            return y.reshape(SHAPE) / 2

    measurement = measure(IMAGE, as_operator(Half(), SHAPE))
    with pytest.raises(ValueError, match="operator must be one made by name to be saved in an npz, got a user's own"):
        save_measurement(tmp_path / "m.npz", measurement)
    assert not list(tmp_path.iterdir())


def test_wrong_arguments_are_refused():
    operator = make_operator("dct", SHAPE, 12)
    with pytest.raises(ValueError, match=r"image must be of shape \(1, 8, 8\), got \(2, 1, 8, 8\)"):
        measure(IMAGE.expand(2, 1, 8, 8), operator)
    for noise in (-0.1, float("nan"), float("inf"), torch.tensor(0.1), "1", None):
        with pytest.raises(ValueError, match="noise must be a finite number of at least 0"):
            measure(IMAGE, operator, noise)
    with pytest.raises(ValueError, match="seed must be a whole number at least 0, got 'a'"):
        measure(IMAGE, operator, 0.1, "a")
    with pytest.raises(ValueError, match="image must have finite pixels"):
        measure(IMAGE * float("nan"), operator)
    with pytest.raises(ValueError, match=r"y must be of shape \(12,\), got \(13,\)"):
        Measurement(operator, torch.zeros(13))
    with pytest.raises(ValueError, match="y must be float32 and finite"):
        Measurement(operator, torch.zeros(12, dtype=torch.float64))


@pytest.mark.parametrize(("kind", "top"), [(np.uint8, 255), (np.int64, 255), (np.uint16, 65535), (np.bool_, 1)])
@pytest.mark.parametrize("to", [np.asarray, torch.from_numpy])
def test_codes_are_no_pixels_and_the_sentence_says_how_they_become_such(kind, top, to):
    if kind is np.uint16 and to is torch.from_numpy and not hasattr(torch, "uint16"):
        pytest.skip("this PyTorch has no uint16")
    codes = to(np.rint((IMAGE.numpy() + 1) / 2 * top).astype(kind))
    operator = make_operator("dct", SHAPE, 12)
    with pytest.raises(ValueError, match=rf"^image must be floats on \[-1, 1\], got {kind.__name__}: of") as said:
        measure(codes, operator)
    formula = str(said.value).split(f"0 to {top}, ")[1].removesuffix(" is on that scale")
    pixels = eval(formula, {"image": codes})
    torch.testing.assert_close(torch.as_tensor(pixels).float(), IMAGE, rtol=0, atol=1.001 / top)


def test_pixels_far_off_the_scale_bring_a_warning():
    operator = make_operator("dct", SHAPE, 12)
    with pytest.warns(
        FileWarning, match=r"^image may be of pixels on another scale than \[-1, 1\], which 98% of them are"
    ):
        measure((IMAGE + 1) * 127.5, operator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measure(torch.where(torch.arange(64).reshape(SHAPE) < 6, 3.0, IMAGE), operator)


def test_a_measurement_keeps_no_graph():
    assert not measure(IMAGE.clone().requires_grad_(), make_operator("dct", SHAPE, 12)).y.requires_grad


def test_an_array_is_measured_as_the_tensor_is():
    operator = make_operator("dct", SHAPE, 20)
    y = measure(IMAGE, operator).y
    assert torch.equal(measure(IMAGE.numpy().astype(np.float64), operator).y, y)
    assert torch.equal(measure(IMAGE.to_sparse(), operator).y, y)
    assert torch.equal(measured_numbers((y + 0j).to_sparse(), operator), y)
    with pytest.raises(ValueError, match=r"^image must be an array or a tensor of real numbers, got list$"):
        measure(IMAGE.tolist(), operator)
    with pytest.raises(ValueError, match=r"^image must have finite pixels, got NaN or infinity$"):
        measure(IMAGE * torch.nan, operator)


def test_masked_numbers_are_refused():
    y = np.ma.masked_greater(np.arange(4.0), 2)
    operator = make_operator("dct", (1, 2, 2), 4)
    with pytest.raises(ValueError, match=r"^y must have no masked entries, got 1 of 4: fill them first$"):
        measured_numbers(y, operator)
    with pytest.raises(ValueError, match=r"^y must have no masked entries, got 1 of 4: fill them first$"):
        measured_numbers(y * 1j, operator)
    with pytest.raises(ValueError, match=r"^image must have no masked entries, got 1 of 4: fill them first$"):
        measure(y.reshape(1, 2, 2), operator)
    assert measured_numbers(np.ma.masked_greater(np.arange(4.0), 9), operator).tolist() == [0, 1, 2, 3]


COLOURS = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
MASK = np.arange(8) % 3 == 0
MAPS = np.random.default_rng(1).standard_normal((4, 8, 8)) + 1j


def spectra(maps, x):
    """Orthonormal coefficients (..., H, W) of S x, zero frequency and origin in the middle."""
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(maps * x.numpy(), axes), norm="ortho"), axes)


def pairs(y):
    return np.stack([y.real, y.imag], -1)


@pytest.mark.parametrize("form", [lambda y: y, pairs, lambda y: np.concatenate([y.real, y.imag])])
@pytest.mark.parametrize("make", ["matrix", "object"])
def test_complex_measurements_may_be_pairs_of_real_numbers(form, make):
    C = np.random.default_rng(0).standard_normal((9, 64)) + 1j * np.random.default_rng(2).standard_normal((9, 64))

    class Products:
        def forward(self, x):
            return C @ x.ravel()

        def adjoint(self, y):
            return (C.conj().T @ y).reshape(SHAPE)

    operator = as_operator(C if make == "matrix" else Products(), SHAPE)
    y = C @ IMAGE.numpy().ravel()
    torch.testing.assert_close(measured_numbers(form(y), operator), operator.forward(IMAGE), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form", [lambda y: y, pairs])
def test_k_space_is_of_coils_rows_and_columns(form):
    operator, k = make_operator("fourier-cartesian", SHAPE, mask=MASK, maps=MAPS), spectra(MAPS, IMAGE)
    whole, columns = np.tile(MASK, (8, 1)), k[..., MASK]
    for y in (k, k[None], columns, k[:, whole], k[:, whole][None]):
        torch.testing.assert_close(measured_numbers(form(y), operator), operator.forward(IMAGE), rtol=1e-5, atol=1e-5)
    for y in (k.transpose(1, 2, 0), columns.transpose(1, 2, 0), k[:, whole].T):
        with pytest.raises(ValueError, match=r"^y must be flat, or complex \(channels, coils, height, width\) of"):
            measured_numbers(form(y), operator)


def test_measurements_with_an_order_are_taken_in_that_order_alone():
    small = make_operator("superres", (3, 8, 8), factor=2)
    means = COLOURS.numpy().reshape(3, 4, 2, 4, 2).mean((2, 4))
    for y in (means, means[None], means.ravel(), means.reshape(1, -1), means.reshape(-1, 1)):
        torch.testing.assert_close(measured_numbers(y, small), small.forward(COLOURS))
    sentence = r"^y must be flat, or \(channels, height, width\) of shape \(3, 4, 4\), ones left out or not, got "
    for y in (means.transpose(1, 2, 0), means.reshape(6, 8)):
        with pytest.raises(ValueError, match=sentence + "numbers of"):
            measured_numbers(y, small)
    some = make_operator("inpainting", (3, 8, 8), mask=np.eye(8, dtype=bool))
    known = COLOURS.numpy()[:, np.eye(8, dtype=bool)]
    torch.testing.assert_close(measured_numbers(known, some), some.forward(COLOURS))
    every = make_operator("inpainting", (3, 8, 8), m=64)
    torch.testing.assert_close(measured_numbers(COLOURS, every), COLOURS.flatten())
    radial = make_operator("fourier-radial", (3, 8, 8), lines=3)
    lines = radial.forward(COLOURS).reshape(3, -1)
    torch.testing.assert_close(measured_numbers(lines, radial), lines.flatten())
    for y, operator in ((known.T, some), (COLOURS.permute(1, 2, 0), every), (lines.T, radial)):
        with pytest.raises(ValueError, match=r"^y must be flat, or \(channels, "):
            measured_numbers(y, operator)


def test_what_simulated_coils_see_is_of_channels_coils_rows_and_columns():
    operator = make_operator("multicoil", (3, 8, 8), coils=2, acceleration=2)
    y = operator.forward(COLOURS)
    parts = y.reshape(3, 2, 2, 8, 4).numpy()  # of each channel real parts, then imaginary ones
    k = parts[:, 0] + 1j * parts[:, 1]
    for form in (k, pairs(k), k.ravel()):
        assert torch.equal(measured_numbers(form, operator), y)
    with pytest.raises(ValueError, match=r"complex \(channels, coils, height, columns\) of shape \(3, 2, 8, 4\), ones"):
        measured_numbers(k.transpose(0, 2, 3, 1), operator)


def test_measurements_without_an_order_are_a_vector_of_any_shape():
    operator, y = made().operator, made().y
    for shape in ((12, 1), (1, 12), (3, 4), (2, 3, 2), (6, 2)):
        assert torch.equal(measured_numbers(y.reshape(shape), operator), y)


def test_complex_numbers_without_imaginary_parts_are_real():
    assert torch.equal(measured_numbers(made().y + 0j, made().operator), made().y)
    with pytest.raises(ValueError, match=r"^y must be real where A x is, for the operator gaussian, got complex"):
        measured_numbers(made().y + 1e-9j, made().operator)
    C = np.exp(1j * np.random.default_rng(0).uniform(0, 6, (9, 64)))
    with pytest.raises(ValueError, match=r"^y must have the operator's 9 complex entries or 18 real ones, got 8$"):
        measured_numbers(np.ones(8), as_operator(C, SHAPE))
