import time

import pytest
from torch import nn

from tests.networks.kinds import Forward
from untrained.sims.diagnosis.examination import Question, check, expected_cost
from untrained.sims.networks import forecast
from untrained.sims.networks.generators import decoder
from untrained.sims.networks.loading import as_network


def wide(width):
    return lambda: (nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 16)), (1, 4))


def test_the_size_of_a_network_is_that_of_its_layers():
    size = as_network(wide(10)).size
    assert (size.weights, size.activations, size.products) == (4 * 10 + 10 + 160 + 16, 10 + 10 + 16, 40 + 160)
    module = nn.Sequential(nn.Conv1d(2, 3, 5), nn.ConvTranspose3d(1, 1, 2), nn.Flatten())[:1]
    assert as_network(module, (1, 2, 9)).size.products == 2 * 3 * 5 * 5
    cells = as_network(nn.LSTM(3, 4, batch_first=True), (1, 5, 3)).size
    assert (cells.weights, cells.activations) == (4 * 4 * (3 + 4 + 2), 0)  # its outputs are a tuple of a kernel's own


def test_a_network_that_asks_for_gradients_in_its_forward_is_counted():
    def join(net, x):
        y = net.layer(x)
        y.register_hook(lambda g: g)
        return y

    assert as_network(Forward(join, layer=nn.Linear(4, 3)), (1, 4)).size.products == 4 * 3


def test_an_examination_that_does_not_fit_is_refused_before_it_begins(monkeypatch):
    monkeypatch.setattr(forecast, "memory_available", lambda: 10**9)
    begun = time.perf_counter()
    for network, weights in ((decoder((1, 28, 28), width=4096), r"\d{11}"), (wide(10**6), "21000016")):
        with pytest.raises(ValueError, match=rf"got a need of \d+\.\d GB for its {weights} weights: take a narrower"):
            check(network)
    assert time.perf_counter() - begun < 10  # nothing is drawn of the one, which no machine can hold


def test_what_an_examination_takes_grows_with_what_is_asked():
    network = as_network(wide(10))
    few = expected_cost(network, Question(seeds=1, steps=10))
    many = expected_cost(network, Question(seeds=3, steps=10_000))
    assert many.memory - few.memory == 8 * 2 * (226 * forecast.VECTORS_A_SEED + 16**2 * forecast.SQUARES_A_SEED)
    assert few.memory == 8 * (226 * forecast.VECTORS + 16**2 * (forecast.SQUARES + forecast.SQUARES_A_SEED))
    assert many.seconds > 5 * few.seconds > 0  # steps alone are 47 times as many; a run's time varies


def test_an_output_of_which_no_basis_fits_is_refused(monkeypatch):
    network = as_network(lambda: (nn.Linear(1, 10**4, bias=False), (1, 1)))
    few, many = (expected_cost(network, Question(seeds=1, products=products)).memory for products in (20, 120))
    assert many - few == 8 * 100 * 10**4
    monkeypatch.setattr(forecast, "memory_available", lambda: many - 1)
    with pytest.raises(
        ValueError, match=r"got a need of 0\.0 GB for its 10000 outputs: take an output of fewer numbers"
    ):
        expected_cost(network, Question(seeds=1, products=120))


def test_a_network_that_fits_is_examined_within_some_times_what_was_said():
    network = as_network(wide(300))
    question = Question(seeds=1, steps=20)
    begun = expected_cost(network, question)
    start = time.perf_counter()
    check(network, question=question)
    taken = time.perf_counter() - start
    assert begun.seconds / 20 < taken < 20 * begun.seconds  # two cores that others use as well
