from itertools import count

import pytest
import torch
from torch import nn

from sims.architecture.subject import subject

Z = torch.ones(1, 4)
CALLS = count()


class Returns(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.layer, self.what = nn.Linear(4, 3), what

    def forward(self, z):
        return self.what(self.layer(z))


def test_a_subject_is_a_copy_that_overwrites_nothing_and_keeps_no_statistics():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout(0.0)).eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    made = subject("net", module, torch.arange(36.0).reshape(1, 1, 6, 6).sin())
    assert made.module.training
    assert not made.module[2].inplace
    assert made.module[1].running_mean is None
    assert made.output().dtype == torch.float64
    assert (made.shape, made.n, made.count) == ((1, 2, 4, 4), 32, 2 * 9 + 2 + 4)
    assert not module.training
    assert module[2].inplace
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(
    "wrap", [lambda y: (y, 1), lambda y: [y], lambda y: {"image": y}], ids=["tuple", "list", "dict"]
)
def test_of_several_outputs_the_first_is_taken(wrap):
    made = subject("net", Returns(wrap), Z)
    assert made.shape == (1, 3)
    assert made.output().shape == (3,)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)), "must not draw random numbers, got Dropout in 1"),
        (
            Returns(lambda y: y + next(CALLS)),
            "must be the same each time, got one that depends on random numbers",
        ),
        (Returns(lambda y: y / 0), "must be finite, got a NaN or an infinity"),
        (Returns(lambda y: y.detach()), "must depend on its weights, got one that does not"),
        (Returns(lambda y: "image"), "must be a tensor of floating-point numbers, got str"),
        (Returns(lambda y: ()), "must be a tensor of floating-point numbers, got NoneType"),
        (nn.Flatten(), "must have weights that train, got none"),
    ],
)
def test_what_cannot_be_examined_is_refused_in_one_sentence(module, sentence):
    with pytest.raises(ValueError, match=sentence):
        subject("net", module, Z)


def test_a_filter_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="net must have weights that train, got none"):
        subject("net", nn.Linear(4, 3), Z, trains=lambda _: False)
