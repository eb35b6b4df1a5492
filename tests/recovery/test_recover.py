"""One call recovers an image, by every method, from what people hand over."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse import linalg

from untrained.sims import operators
from untrained.sims.files import FileWarning
from untrained.sims.images.scores import score
from untrained.sims.networks.generators import decoder
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.recovery import csdip, methods
from untrained.sims.recovery.recover import recover
from untrained.sims.recovery.result import Recovery

SHAPE = (1, 16, 16)
A = operators.gaussian(SHAPE, 60, seed=1)
SMALL = {"network_options": {"width": 4, "latent": 4}, "steps": 5}
PLAIN = {
    "mixture": {"candidates": "tv,ridge"},
    "csdip": SMALL,
    "lasso-dct": {"max_steps": 20},
    "lasso-wavelet": {"max_steps": 20},
    "tv": {"max_steps": 20},
    "damp": {"steps": 3},
    "net-gd": {"network_options": {"widths": "4,3"}, "steps": 40, "optimiser": "adam", "learning_rate": 0.05},
    "net-pgd": {"network_options": {"widths": "4,3"}, "steps": 2},
    "conv-decoder": {"network_options": {"channels": 4}, "steps": 40, "average": 0.5, "learning_rate": 0.05},
    "ridge": {},
}
OF_EVERY_PIXEL = ("non-local-means", "block-matching", "bm3d", "noisy")
FROM_MAGNITUDES = ("net-gd-phase", "net-pgd-phase", "amplitude-flow", "sparta")


def an_image(seed=0):
    steps = np.random.default_rng(seed).standard_normal(SHAPE)
    return torch.from_numpy(np.clip(steps.cumsum(1).cumsum(2) / 16, -1, 1).astype(np.float32))


Y = A.forward(an_image())


@pytest.mark.parametrize("method", PLAIN)
def test_the_call_is_that_of_the_method(method):
    recovery = recover(Y, A, method, seed=3, **PLAIN[method])
    settings = methods.checked_settings(method, PLAIN[method])
    expected = methods.method(method).recover()(A, Y, settings, seed=3)
    assert torch.equal(recovery.image, expected.image)
    assert (recovery.settings, recovery.scores) == (expected.settings, {})


def test_every_method_without_a_file_is_tried_here():
    assert {*PLAIN, *FROM_MAGNITUDES, *OF_EVERY_PIXEL} == {
        name for name, method in methods.METHODS.items() if method.needs is None
    }


@pytest.mark.parametrize("method", PLAIN)
def test_arrays_and_tensors_with_a_gradient_are_taken(method):
    expected = recover(Y, A, method, **PLAIN[method]).image
    for y in (Y.numpy(), Y.numpy().astype(np.float64), Y.numpy()[::-1].copy()[::-1], Y.clone().requires_grad_()):
        assert torch.equal(recover(y, A, method, **PLAIN[method]).image, expected)


@pytest.mark.parametrize("method", PLAIN)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_measurements_that_are_not_finite_are_refused(method, bad):
    y = Y.clone()
    y[7] = bad
    with pytest.raises(ValueError, match=r"^y must be finite, got NaN or infinity in 1 of its entries$"):
        recover(y, A, method, **PLAIN[method])


class Halves:
    """A user's operator that holds a float32 tensor and so takes no float64."""

    matrix = A.matrix[:40]

    def forward(self, x):
        return self.matrix @ x.reshape(-1)

    def adjoint(self, y):
        return (self.matrix.T @ y).reshape(SHAPE)


class HalvesOfArrays:
    """The same on arrays."""

    matrix = A.matrix[:40].numpy()

    def forward(self, x):
        return self.matrix @ np.asarray(x).ravel()

    def adjoint(self, y):
        return (self.matrix.T @ y).reshape(SHAPE)


class KSpace:
    """Complex Fourier coefficients of the image's first rows."""

    def forward(self, x):
        return np.fft.fft2(x[0], norm="ortho")[:2].ravel()

    def adjoint(self, y):
        k = np.zeros(SHAPE[1:], complex)
        k[:2] = y.reshape(2, -1)
        return np.fft.ifft2(k, norm="ortho")[None]


OWN = {
    "tensors": Halves,
    "arrays": HalvesOfArrays,
    "matrix": lambda: HalvesOfArrays.matrix.astype(np.float64),
    "sparse": lambda: sparse.csc_array(np.where(np.abs(HalvesOfArrays.matrix) > 0.1, HalvesOfArrays.matrix, 0)),
    "LinearOperator": lambda: linalg.aslinearoperator(HalvesOfArrays.matrix),
    "k-space": KSpace,
}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("method", PLAIN)
def test_an_operator_of_any_kind_serves_every_method(method, kind):
    own = operators.user(OWN[kind](), SHAPE)
    y = own.forward(an_image())
    recovery = recover(y, own, method, **PLAIN[method])
    assert recovery.image.isfinite().all()
    assert recovery.misfit < 0.9 * float(y.square().sum())


@pytest.mark.parametrize("method", [*OF_EVERY_PIXEL, *FROM_MAGNITUDES])
def test_a_method_for_other_measurements_says_for_which(method):
    own = operators.user(Halves(), SHAPE)
    wanted = "see every pixel" if method in OF_EVERY_PIXEL else "take magnitudes"
    with pytest.raises(ValueError, match=f"^operator must {wanted} for [^.]*, got (the linear )?user$"):
        recover(own.forward(an_image()), own, method)


def test_complex_measurements_are_stacked():
    own, k = operators.user(KSpace(), SHAPE), KSpace().forward(an_image().double().numpy())
    expected = recover(own.forward(an_image()), own, "tv", max_steps=20).image
    for y in (k, torch.from_numpy(k), k.astype(np.complex64)):
        # Fourier coefficients in float32 differ from those in float64 by rounding.
        torch.testing.assert_close(recover(y, own, "tv", max_steps=20).image, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("preset", csdip.PRESETS)
def test_a_user_s_operator_takes_the_presets(preset):
    own = operators.user(Halves(), SHAPE)
    recovery = recover(own.forward(an_image()), own, preset=preset, steps=2, restarts=1)
    assert recovery.settings["tv_weight"] == csdip.PRESETS[preset].tv_weight


def test_a_measurement_brings_operator_and_noise_level():
    measurement = measure(an_image(), A, noise=0.2, seed=4)
    recovery = recover(measurement, method="tv", max_steps=20)
    assert recovery.settings["noise"] == 0.2
    assert torch.equal(recovery.image, recover(measurement.y, A, "tv", noise=0.2, max_steps=20).image)
    assert recover(measurement, method="tv", noise=0.0, max_steps=20).settings["noise"] == 0.0
    with pytest.raises(ValueError, match=r"^operator must be left out for a measurement"):
        recover(measurement, operators.gaussian(SHAPE, 60, seed=2), "tv")


def test_the_truth_gives_scores_and_stops_the_oracle():
    recovery = recover(Y, A, "tv", truth=an_image().numpy(), max_steps=20)
    assert recovery.scores == score(recovery.image, an_image())
    assert "psnr" in str(recovery)
    stopped = recover(Y, A, truth=an_image(), stopping="oracle", **SMALL)
    assert stopped.scores["mse"] == pytest.approx(float((stopped.image - an_image()).square().mean()), rel=1e-5)
    with pytest.raises(ValueError, match=r"^truth must be of the operator's shape \(1, 16, 16\), got \(1, 8, 8\)$"):
        recover(Y, A, "tv", truth=torch.zeros(1, 8, 8))
    with pytest.raises(ValueError, match=r"^truth must have finite pixels, got NaN or infinity$"):
        recover(Y, A, "tv", truth=torch.full(SHAPE, torch.nan))
    codes = ((an_image() + 1) * 127.5).numpy()
    with pytest.raises(ValueError, match=r"^truth must be floats on \[-1, 1\], got uint8: of codes on 0 to 255, tr"):
        recover(Y, A, "tv", truth=codes.astype(np.uint8))
    with pytest.warns(FileWarning, match=r"^truth may be of pixels on another scale than \[-1, 1\], which .*: truth /"):
        recover(Y, A, "tv", truth=codes, max_steps=2)


def test_an_image_that_is_not_finite_has_no_scores(monkeypatch):
    def diverge(operator, y, settings, **_):
        return Recovery(torch.full(SHAPE, torch.nan), "tv", {}, "diverged at step 1", 1.0, 1, 0.0)

    monkeypatch.setattr(methods.Method, "recover", lambda self: diverge)
    assert recover(Y, A, "tv", truth=an_image()).scores == {}


def test_a_network_goes_by_name_or_is_handed_over():
    named = recover(Y, A, network="decoder", network_options={"width": 4}, steps=5)
    twin = recover(Y, A, network=decoder(SHAPE, width=4), steps=5)
    assert torch.equal(named.image, twin.image)
    with pytest.raises(ValueError, match=r"^network must be left out for tv, which has none, got one$"):
        recover(Y, A, "tv", network="decoder")


def test_progress_is_called():
    calls = []
    recover(Y, A, progress=lambda *call: calls.append(call), **SMALL)
    assert [(step, total) for step, total, _ in calls] == [(1, 5), (5, 5)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "cs-dip"}, r"method must be one of mixture, csdip, .*, got 'cs-dip'; did you mean csdip\?"),
        ({"operator": None}, r"operator must be made by untrained.operators \(user adapts .*\), got NoneType"),
        ({"y": Measurement(A, Y), "operator": 5}, r"operator must be made by untrained.operators \(user .*\), got int"),
        ({"y": [1.0, 2.0]}, "y must be an array or a tensor of real numbers, got list"),
        ({"y": Y * 1j}, "y must be real where A x is, for the operator gaussian, got complex numbers"),
        ({"y": np.array(["a"])}, "y must be an array or a tensor of real numbers, got <U1"),
        ({"y": Y[:9]}, "y must have the operator's 60 entries, got 9"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"seed": 1.5}, "seed must be a whole number at least 0, got 1.5"),
        ({"stepz": 3}, r"setting of csdip must be one of network, .*, got 'stepz'; did you mean steps\?"),
        ({"steps": "many"}, "steps must be a whole number, got 'many'"),
        ({"steps": True}, "steps must be a whole number, got True"),
        ({"compile": 1}, "compile must be true or false, got 1"),
        ({"network_options": 3}, "network_options must be a mapping, got 3"),
        ({"preset": "slow"}, "preset of csdip must be one of paper, fast, smooth, crisp, sharp, steady, got 'slow'"),
    ],
)
def test_bad_input_names_the_argument(changes, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        recover(**{"y": Y, "operator": A, **changes})


def test_numbers_of_other_libraries_are_settings():
    recovery = recover(Y, A, "tv", max_steps=np.int64(10), tolerance=np.float32(0.5))
    assert type(recovery.settings["max_steps"]) is int
    assert type(recovery.settings["tolerance"]) is float


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_units_that_float32_cannot_square_are_refused_or_make_no_difference(scale):
    matrix, x = A.matrix.double().numpy(), an_image().double().numpy().ravel()
    operator, y = operators.user(matrix * scale, SHAPE), matrix @ x * scale
    for method in ("tv", "lasso-dct"):
        image = recover(matrix @ x, operators.user(matrix, SHAPE), method).image
        torch.testing.assert_close(recover(y, operator, method).image, image, rtol=0, atol=1e-4)
    sentence = (
        r"^operator must have a gain \|\|A\|\|_F\^2/n from 1e-34 to 1e\+34 for this method, which takes squares in "
    )
    for method in ("csdip", "damp", "net-gd", "net-pgd", "conv-decoder", "ridge", "mixture"):
        with pytest.raises(ValueError, match=sentence):
            recover(y, operator, method)


@pytest.mark.parametrize("scale", [1e-16, 1e16])
def test_units_that_float32_can_square_make_no_difference(scale):
    matrix, x = A.matrix.double().numpy(), an_image().double().numpy().ravel()
    for method, settings in (("csdip", SMALL), ("damp", {"steps": 2}), ("ridge", {})):
        one = recover(matrix @ x, operators.user(matrix, SHAPE), method, **settings)
        other = recover(matrix @ x * scale, operators.user(matrix * scale, SHAPE), method, **settings)
        torch.testing.assert_close(other.image, one.image, rtol=0, atol=1e-4)
        assert other.misfit == pytest.approx(one.misfit * scale**2, rel=1e-3)


@pytest.mark.parametrize("method", ["lasso-dct", "lasso-wavelet"])
def test_penalties_that_no_number_holds_are_refused(method):
    with pytest.raises(
        ValueError, match=r"^frequency_weight must leave penalties within .* of one another, got 1e\+30$"
    ):
        recover(Y, A, method, frequency_weight=1e30)


def test_a_penalty_of_next_to_nothing_has_a_bound_of_nothing():
    recovery = recover(Y, A, "tv", penalty=1e-300, max_steps=10)
    assert recovery.image.isfinite().all()
    assert 0 <= recovery.certificate["dual"] <= recovery.certificate["primal"]
