"""Self-regularisation: errors against simulated descents, stops of random spectra, and what other numbers lose."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel
from untrained.theory.papers.own import self_regularisation as own

RNG = np.random.default_rng(61)
FACTOR, SOONER = "own.self_regularisation.factor", "own.self_regularisation.sooner"


def test_both_errors_by_simulated_descents():
    case = own._case(F(1, 2), F(3), F(1, 5), 3, step_2=F(1, 8), s_2=F(2), rest=F(1))
    b, c = np.array([np.sqrt(0.5), np.sqrt(0.125), 0.0]), np.sqrt([3.0, 2.0, 1.0])
    basis, _ = np.linalg.qr(RNG.standard_normal((3, 3)))
    B = np.diag(b) @ basis.T
    y = B @ (basis @ c) + np.sqrt(0.2) * RNG.standard_normal((100_000, 3)) * (b > 0)
    x = np.zeros((100_000, 3))
    for _ in range(3):
        x = x - (x @ B.T - y) @ B
    errors = [np.square(z - basis @ c).sum(1).mean() for z in (x, y @ np.linalg.pinv(B).T)]
    assert [float(e) for e in own.mean_errors(case)] == pytest.approx(errors, rel=0.02)


def errors_by_time(b_sq, s, variance):
    q = (1 - b_sq / b_sq.max()) ** np.arange(5000)[:, None]
    return (q**2 * s + (1 - q) ** 2 * variance / b_sq).sum(1)


@pytest.mark.parametrize("trial", range(20))
def test_excess_factor_and_late_stops_of_random_spectra(trial):
    b_sq, s = np.exp(RNG.standard_normal((2, 6)))
    for level in (0.1, 1.0, 10.0):
        variance = level * (b_sq * s).min()
        n = variance / b_sq
        errors = errors_by_time(b_sq, s, variance)
        assert n.sum() - errors.min() <= (n * n / (n + s)).sum()
        assert n.sum() <= (1 + level) * errors.min()
        late = ((1 - b_sq / b_sq.max()) ** np.arange(5000)[:, None] <= 2 * n / (s + n)).all(1)
        assert (errors[late] <= n.sum() * (1 + 1e-12)).all()


def test_the_condition_is_necessary_in_one_direction():
    s, variance = np.array([1.0]), 2.0
    best = min((1 - f) ** 2 * s[0] + f**2 * variance for f in np.linspace(0, 1, 10_001))
    assert variance / best == pytest.approx(3, rel=1e-6)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.self_regularisation.excess", {"lead": F(99, 100)}, (), "refuted"),
        ("own.self_regularisation.excess", {"lead": F(101, 100)}, (), "refuted"),
        ("own.self_regularisation.excess", {}, ("white",), "lost"),
        ("own.self_regularisation.excess", {}, ("start",), "refuted"),
        (FACTOR, {}, ("start",), "refuted"),
        (SOONER, {}, ("start",), "refuted"),
        (FACTOR, {"share": F(101, 100)}, (), "refuted"),
        (FACTOR, {"factor": F(199, 100)}, (), "refuted"),
        (FACTOR, {"share": F(3), "factor": F(4)}, (), "affirmed"),
        (FACTOR, {}, ("noise",), "refuted"),
        (SOONER, {"double": F(201, 100)}, (), "refuted"),
        (SOONER, {}, ("late",), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


def test_a_larger_excess_does_not_carry_the_factor():
    assert proof_says(FACTOR) == "proves"
    assert proof_says(FACTOR, records={"own.self_regularisation.excess": {"lead": F(11, 10)}}) == "open"


NOTES = {
    (30, 0.1): (1.00, 1.02, 1.05),
    (60, 0.1): (1.12, 2.08, 2.29),
    (107, 0.1): (1.84, 10.1, 11.7),
    (200, 0.1): (8.27, 126, 155),
    (107, 0.01): (1.00, 1.09, 1.13),
    (200, 0.01): (1.80, 4.13, 4.64),
}


def ratios_of_one_draw(m, noise, rng):
    """The limit's error over the best stop's, of x and of c, and the latter's bound by the excess; triangle 10."""
    sigma = np.sqrt(basis_spectrum(triangle_kernel(300, 10)))
    x = np.append(rng.standard_normal(5), np.zeros(295))
    x /= np.linalg.norm(x)
    _, b, Vt = np.linalg.svd(rng.standard_normal((m, 300)) * sigma, full_matrices=False)
    a, J = Vt @ (x / sigma), sigma[:, None] * Vt.T
    images, errors, hidden = [], [], np.square(x / sigma).sum() - a @ a
    for tau in (0, *np.geomspace(0.1, 1e7, 160), np.inf):
        f = -np.expm1(-tau * (b / b[0]) ** 2)
        images.append(np.square(J @ (f * a) - x).sum() + noise**2 * np.square(J * (f / b)).sum())
        errors.append((((1 - f) * a) ** 2 + (f * noise / b) ** 2).sum() + hidden)
    n = (noise / b) ** 2
    bound = errors[-1] / (errors[-1] - (n * n / (n + a * a)).sum())
    return images[-1] / min(images), errors[-1] / min(errors), bound


@pytest.mark.parametrize("setting", NOTES)
def test_the_numbers_of_the_note(setting):
    m, noise = setting
    rng = np.random.default_rng(m)
    means = np.mean([ratios_of_one_draw(m, noise, rng) for _ in range(4)], axis=0)
    assert means == pytest.approx(NOTES[setting], rel=5e-3)
    assert means[1] <= means[2]
