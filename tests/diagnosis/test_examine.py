import json

import numpy as np
import pytest
import torch
from torch import nn

from untrained.sims.diagnosis import Question, check, examination
from untrained.sims.networks.loading import as_network
from untrained.sims.random.streams import stream
from untrained.theory.objects.descent import radius_needed
from untrained.theory.objects.relu_generator import jacobian_singular_values

FEW = {"seeds": 2, "steps": 25}


def normal(*shape, seed=0):
    return torch.from_numpy(stream(seed, "test_examine").standard_normal(shape)).float()


def small():
    """A decoder of 8x8 pixels, with a norm and doublings."""
    module = nn.Sequential(
        nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 1, 1), nn.Tanh(),
    )  # fmt: skip
    with torch.no_grad():
        for number, weight in enumerate(module.parameters()):
            weight.copy_(0.3 * normal(*weight.shape, seed=number))
    return module


@pytest.fixture(scope="module")
def report():
    return check(small(), normal(1, 6, 4, 4), m=16, **FEW)


def test_every_condition_is_judged_and_explained(report):
    names = [one.name for one in report.conditions]
    assert names == ["A1", "A2", "A3", "rate", "bias", "bias, photographs", "denoising", "dimension", "RIP", "sensing"]
    assert all(one.verdict.status != "UNTESTED" and one.means and one.needs and one.has for one in report.conditions)
    assert "16" in report.condition("dimension").needs
    with pytest.raises(KeyError):
        report.condition("none")


def test_what_is_predicted_stands_beside_what_happened(report):
    predictions = {one.name: one for one in report.predictions}
    assert set(predictions) == {
        "fit time of image", "fit time of noise", "noise against image", "best stop", "gain", "error of sensing",
    }  # fmt: skip
    for predicted, real in report.curves.fits.values():
        assert len(predicted) == len(real) == 26
        assert predicted[0] == real[0] == 1
        assert real[-1] < 1


def test_the_answer_is_plain_data_and_plain_words(report):
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert data["facts"]["image"] == [1, 8, 8]
    assert data["facts"]["m"] == 16
    assert len(data["conditions"]) == len(report.conditions)
    assert report.words.startswith("For a 8x8 image and m = 16 this network is ")


def test_the_same_seed_gives_the_same_answer(report):
    again = check(small(), normal(1, 6, 4, 4), m=16, **FEW)
    assert again.to_json() == report.to_json()


def test_a_module_is_left_as_it_is():
    module, z = small(), normal(1, 6, 4, 4)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    check(module, z, seeds=1, steps=2)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())


def test_the_papers_generator_meets_its_closed_forms():
    source = as_network("two-layer@n=16,d=400,k=8")
    answer = check(source, seeds=1, steps=40)
    network = source.draw(0)
    W = network.vector().numpy().reshape(400, 8)
    frozen = next(w for w in network.module.parameters() if not w.requires_grad)
    V, z = frozen.detach().numpy(), network.z.numpy().ravel()
    sigma = jacobian_singular_values(V, W, z)[15]
    quantities = {one.name: one.values[0] for one in answer.measured}
    assert quantities["sigma_min(J)"] == pytest.approx(sigma, rel=1e-10)
    assert answer.facts["alpha"] == pytest.approx(sigma / 2, rel=1e-10)
    assert answer.facts["beta"] == pytest.approx(np.linalg.norm(V, 2) * np.linalg.norm(z), rel=1e-10)
    wanted = radius_needed(sigma / 2, answer.facts["misfit"])
    assert answer.facts["radius"] == pytest.approx(wanted, rel=1e-10)
    assert answer.condition("A3").verdict.status == "PROVED"
    assert answer.condition("width").verdict.status == "REFUTED"
    assert answer.condition("rate").verdict.status == "SUPPORTED"


def test_a_linear_network_is_inside_the_theorem():
    answer = check(as_network(nn.Linear(80, 1, bias=False), normal(36, 80)), seeds=1, steps=60)
    assert answer.condition("A1").verdict.status == "SUPPORTED"
    assert answer.condition("A2").verdict.status == "CONSISTENT"  # J never moves, so the attack shows no power
    assert answer.condition("rate").verdict.status == "SUPPORTED"
    for name, (predicted, real) in answer.curves.fits.items():
        # Single precision, and a misfit that falls to a few percent.
        np.testing.assert_allclose(real, predicted, rtol=1e-3, err_msg=name)


def test_a_linear_network_of_one_input_gains_nothing_that_is_more_than_chance():
    answer = check(as_network(nn.Linear(16, 64, bias=False), normal(1, 16)), seeds=1, steps=10)
    assert abs(next(one for one in answer.predictions if one.name == "gain").real) < 1e-4  # dB, of single precision
    assert answer.condition("denoising").verdict.status == "INCONCLUSIVE"
    assert answer.condition("bias").verdict.status == "REFUTED"


def test_fewer_weights_than_outputs_are_told_apart():
    answer = check(nn.Linear(5, 1, bias=False), normal(36, 5), seeds=1, steps=5, m=20)
    assert answer.condition("A1").verdict.status == "REFUTED"
    assert answer.condition("dimension").verdict.status == "SUPPORTED"
    assert "A1" in answer.words


def test_a_network_with_sigmoid_is_given_pixels_between_zero_and_one():
    module = nn.Sequential(small()[:-1], nn.Sigmoid())
    assert check(module, normal(1, 6, 4, 4), seeds=1, steps=2).facts["pixels"] == [0, 1]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"seeds": 0}, "seeds must be at least 1, got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"denoise": 0.0}, "denoise must lie between 0 and 10, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"seeds": 1.5}, "seeds must be a whole number at least 1, got 1.5"),
        ({"steps": "5"}, "steps must be a whole number at least 1, got '5'"),
        ({"denoise": "much"}, "denoise must lie between 0 and 10, got 'much'"),
    ],
)
def test_questions_that_make_no_sense_are_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        Question(**asked)


@pytest.mark.parametrize(
    ("network", "asked", "message"),
    [
        ((small(), normal(1, 6, 4, 4)), {"target": "none.png"}, "none.png"),
        ((nn.Conv2d(2, 5, 3), normal(1, 2, 6, 6)), {"m": 10}, "must have 1 or 3 channels to be measured, got 5 planes"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_spectrum_is_taken(network, asked, message, monkeypatch):
    monkeypatch.setattr(examination, "spectrum", None)
    with pytest.raises(ValueError, match=message):
        check(network, seeds=1, **asked)


def test_a_factory_of_other_shapes_at_other_seeds_is_refused():
    widths = iter([4, 9, 4, 4, 9, 4, 9, 9, 9])
    with pytest.raises(ValueError, match=r"must have one shape, got \(1, \d\) and, at seed 1, \(1, \d\)"):
        check(lambda: nn.Linear(3, next(widths)), normal(1, 3), **FEW)
    depths = iter([1, 2])
    assert as_network(lambda: nn.Sequential(*[nn.Linear(3, 3)] * next(depths)), normal(1, 3)).seeds_possible


def test_a_descent_that_ends_at_nothing_has_lost_all():
    answer = check(nn.Linear(1, 1, bias=False), torch.ones(1, 1), seeds=1, steps=5)
    assert (answer.condition("rate").verdict.status, answer.condition("rate").has) == ("SUPPORTED", "loses 1 a step")


def test_an_output_whose_square_is_beyond_single_precision_is_refused():
    module = nn.Linear(4, 16)
    with torch.no_grad():
        module.weight.mul_(1e30)
    with pytest.raises(ValueError, match=r"output of Linear must have squares that float32 holds, got \d\.\d+e\+30"):
        check(module, normal(1, 4), seeds=1, steps=5)


def test_one_of_several_outputs_and_some_of_the_weights_can_be_chosen():
    class Pyramid(nn.Linear):
        def forward(self, z):
            y = super().forward(z)
            return {"0": y, "1": y[:, :4]}

    answer = check(Pyramid(3, 9), normal(1, 3), part=1, param_filter="bias", seeds=1, steps=2)
    assert (answer.facts["n"], answer.facts["weights"]) == (4, 9)
    assert "of the 2 tensors of its output (['0'], ['1']) ['1'] is taken" in answer.facts["notes"]


def test_a_module_needs_its_input():
    with pytest.raises(ValueError, match="latent must be given with a module"):
        check(small())


class Once(torch.autograd.Function):
    """Twice the input, with a backward pass that cannot be differentiated again."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return 2 * gradient


def test_a_network_that_can_be_differentiated_but_once_is_examined_too():
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()

        def forward(self, z):
            return Once.apply(self.body(z))

    answer = check(Doubled(), normal(1, 6, 4, 4), seeds=1, steps=5, m=10)
    assert {one.name for one in answer.conditions} >= {"A1", "A2", "rate", "RIP"}
