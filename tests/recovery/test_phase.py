"""Phase retrieval against Algorithm 2 and the flows' definitions, and what it refuses."""

import re

import numpy as np
import pytest
import torch

from untrained.sims.images.scores import intensity_nmse
from untrained.sims.networks.generators import pixelwise
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery import net_phase
from untrained.sims.recovery.baselines import amplitude_flow, ridge
from untrained.sims.recovery.baselines.amplitude_flow import AmplitudeFlowSettings, SpartaSettings
from untrained.sims.recovery.baselines.ridge import RidgeSettings, doubled, doubling_matrix, halved
from untrained.sims.recovery.net_fit import Measured, centred_blob, spectral_estimate
from untrained.sims.recovery.net_settings import NetPhaseSettings

SHAPE = (1, 8, 8)


def a_problem(seed=0, m=40, shape=SHAPE):
    image = torch.from_numpy(stream(seed, "image").uniform(-1, 1, shape).astype(np.float32))
    operator = make_operator("magnitude", shape, m, seed=seed)
    return operator, operator.forward(image), image


def few(**changes):
    return NetPhaseSettings(
        **{"steps": 6, "inner_steps": 4, "network_options": {"widths": "4,3,2"}, "eta": 0.1, **changes}
    )


def begun(seed):
    module, z = pixelwise(SHAPE, widths="4,3,2").start(seed, 0, "torch-today")
    return module, lambda: (module(z)[0] + 1) / 2


def test_net_pgd_is_algorithm_2():
    operator, y, _ = a_problem()
    settings, A = few(outer_momentum=0.0), operator.matrix
    module, unit = begun(2)
    optimiser = torch.optim.SGD(module.parameters(), 0.5, 0.9)
    u = unit().detach().flatten()
    for _ in range(settings.steps):
        p = torch.sign(A @ u)
        v = u - 0.1 * A.T @ (A @ u - y * p)
        for _ in range(4):
            optimiser.zero_grad()
            (unit().flatten() - v).square().mean().backward()
            optimiser.step()
        u = unit().detach().flatten()
    recovery = net_phase.recover(operator, y, settings, seed=2)
    assert torch.allclose((recovery.image.flatten() + 1) / 2, u, atol=5e-5)
    assert recovery.method == "net-pgd-phase"


def test_net_gd_descends_on_the_misfit_of_magnitudes():
    operator, y, _ = a_problem()
    module, unit = begun(2)
    optimiser, iterates = torch.optim.SGD(module.parameters(), 0.08, 0.9), []
    for _ in range(8):
        optimiser.zero_grad()
        u = unit()
        ((operator.matrix @ u.flatten()).abs() - y).square().mean().backward()
        iterates.append(u.detach())
        optimiser.step()
    recovery = net_phase.recover(operator, y, few(algorithm="gd", learning_rate=0.08, steps=8), seed=2)
    assert torch.allclose((recovery.image + 1) / 2, iterates[-1], atol=2e-5)
    assert recovery.misfit == pytest.approx(float((operator.forward(recovery.image) - y).square().sum()), rel=1e-4)


@pytest.mark.parametrize("start", ["centred", "spectral"])
def test_descent_begins_near_the_image_it_is_told_to(start):
    operator, y, _ = a_problem(m=64)
    settings = few(algorithm="gd", learning_rate=1e-6, steps=1, network_options={"widths": "15,15,10"}, start=start)
    u = (net_phase.recover(operator, y, settings, seed=0).image + 1) / 2
    drawn = (net_phase.recover(operator, y, few(**{**settings.__dict__, "start": "random"}), seed=0).image + 1) / 2
    data = Measured([operator], y[None], 1)
    there = centred_blob(SHAPE, data.energy()) if start == "centred" else spectral_estimate(data, [0]).clamp(0.01, 0.99)
    assert float((u - there[0]).square().sum()) < 0.6 * float((drawn - there[0]).square().sum())


def test_a_smooth_image_is_found_from_its_magnitudes():
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 8), indexing="ij")
    image = (2 * torch.exp(-3 * ((rows - 0.2) ** 2 + columns**2)) - 1)[None]
    operator = make_operator("magnitude", SHAPE, 100, 1)
    settings = few(
        algorithm="gd", optimiser="adam", learning_rate=0.05, steps=400, restarts=3, start="centred",
        network_options={"widths": "8,8,6"},
    )  # fmt: skip
    recovery = net_phase.recover(operator, operator.forward(image), settings, seed=0)
    assert intensity_nmse(recovery.image, image) < 0.05
    assert 0 <= recovery.certificate["other_basin"] <= 2 / 3


def refusals():
    operator, y, _ = a_problem()
    linear = make_operator("gaussian", SHAPE, 40)
    return {
        "negative": (operator, -y, "y must be magnitudes of at least 0, got -"),
        "zeros": (operator, y * 0, "y must have a magnitude above 0, got zeros throughout: that is the image of zeros"),
        "linear": (linear, y, "operator must take magnitudes for phase retrieval, got the linear gaussian"),
    }


@pytest.mark.parametrize("case", refusals())
@pytest.mark.parametrize("recover", [net_phase.recover, amplitude_flow.recover], ids=["net", "flow"])
def test_what_has_no_phase_to_retrieve_is_refused(recover, case):
    operator, y, message = refusals()[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        recover(operator, y)


def flow_by_the_letter(operator, y, settings, u, steps):
    """One row after the other; rows of N(0, 1) entries."""
    A, psi = operator.matrix * operator.m**0.5, y * operator.m**0.5
    for _ in range(steps):
        gradient = torch.zeros_like(u)
        for a, size in zip(A, psi, strict=True):
            along = float(a @ u)
            if abs(along) >= float(size) / (1 + settings.truncation):
                gradient += (along - float(size) * (1 if along >= 0 else -1)) * a
        u = u - settings.step / len(psi) * gradient
        if settings.sparsity is not None:
            count = round(settings.sparsity * u.numel())
            u = torch.where(u.abs() >= u.abs().sort(descending=True).values[count - 1], u, 0.0)
    return u


@pytest.mark.parametrize("settings", [AmplitudeFlowSettings(steps=5), SpartaSettings(steps=5)], ids=["taf", "sparta"])
def test_flows_are_their_definitions(settings):
    operator, y, _ = a_problem(m=200)
    A, psi = operator.matrix * 200**0.5, y * 200**0.5
    count = None if settings.sparsity is None else 19
    start = amplitude_flow.begin(A, psi, count, settings, 4)
    expected = flow_by_the_letter(operator, y, settings, start, 5)
    expected = -expected if expected.sum() < 0 else expected
    recovery = amplitude_flow.recover(operator, y, settings, seed=4)
    assert torch.allclose((recovery.image.flatten() + 1) / 2, expected, atol=1e-4)


@pytest.mark.parametrize("settings", [AmplitudeFlowSettings(), SpartaSettings()], ids=["taf", "sparta"])
def test_below_as_many_magnitudes_as_pixels_flows_do_not_diverge(settings):
    operator, y, _ = a_problem(m=8)
    assert amplitude_flow.recover(operator, y, settings).misfit <= float(y.square().sum())


def test_enough_magnitudes_give_the_image_up_to_a_sign_chosen_by_its_mass():
    operator, y, image = a_problem(m=64 * 6)
    recovery = amplitude_flow.recover(operator, y)
    assert (recovery.method, recovery.outcome) == ("amplitude-flow", "converged")
    assert intensity_nmse(recovery.image, image) < 1e-6


def test_a_sparse_image_needs_fewer():
    image = torch.full(SHAPE, -1.0)
    image[0, [0, 2, 5, 6], [1, 4, 5, 0]] = torch.tensor([1.0, 0.5, 0.9, 0.7])
    operator = make_operator("magnitude", SHAPE, 120, 2)
    recovery = amplitude_flow.recover(operator, operator.forward(image), SpartaSettings(sparsity=8 / 64))
    assert recovery.method == "sparta"
    assert intensity_nmse(recovery.image, image) < 1e-6


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (AmplitudeFlowSettings, {"step": 0.0}, "step must be above 0, got 0.0"),
        (AmplitudeFlowSettings, {"largest": 2.0}, "largest must be above 0 and at most 1, got 2.0"),
        (SpartaSettings, {"sparsity": 0.0}, "sparsity must be above 0 and at most 1, got 0.0"),
        (SpartaSettings, {"steps": 0}, "steps must be at least 1, got 0"),
        (NetPhaseSettings, {"algorithm": "wf"}, "algorithm must be one of gd, pgd, got 'wf'"),
        (RidgeSettings, {"penalty": -1.0}, "penalty must be at least 0, got -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(kind, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(**changes)


def test_halving_is_the_transpose_of_doubling():
    rng = stream(0, "doubling")
    c = torch.from_numpy(rng.standard_normal((2, 3, 4, 5)))
    x = torch.from_numpy(rng.standard_normal((2, 3, 8, 10)))
    assert torch.allclose((doubled(c) * x).sum(), (c * halved(x)).sum())
    assert torch.allclose(doubled(c), doubling_matrix(4).double() @ c @ doubling_matrix(5).double().T)


def cross_validation(M, y, penalty):
    """Generalised cross-validation by the hat matrix itself."""
    gram = M.T @ M
    hat = M @ torch.linalg.solve(gram + penalty * torch.linalg.eigvalsh(gram)[-1] * torch.eye(M.shape[1]).to(M), M.T)
    m = len(y)
    return float(m * (y - hat @ y).square().sum() / (m - hat.trace()) ** 2)


@pytest.mark.parametrize("m", [10, 40])
def test_ridge_is_its_normal_equations_at_the_penalty_of_least_cross_validation(m):
    operator = make_operator("gaussian", SHAPE, m, 1)
    image = torch.from_numpy(stream(5, "image").uniform(-1, 1, SHAPE).astype(np.float32))
    y = operator.forward(image)
    recovery = ridge.recover(operator, y)
    U = torch.kron(doubling_matrix(4), doubling_matrix(4)).double()
    M, right = operator.matrix.double() @ U, y.double() + operator.matrix.double().sum(1)
    scores = [cross_validation(M, right, p) for p in ridge.PENALTIES]
    penalty = recovery.settings["penalty"]
    assert penalty == ridge.PENALTIES[int(np.argmin(scores))]
    largest = torch.linalg.eigvalsh(M.T @ M)[-1]
    c = torch.linalg.solve(M.T @ M + penalty * largest * torch.eye(16), M.T @ right)
    assert torch.allclose(recovery.image.flatten().double(), U @ c - 1, atol=1e-4)


def test_ridge_refuses_images_that_are_no_doubling():
    operator = make_operator("gaussian", (1, 5, 6), 8)
    with pytest.raises(ValueError, match="image must have even sides to be a doubling, got 5x6"):
        ridge.recover(operator, torch.zeros(8))
