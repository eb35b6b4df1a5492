"""Orthogonalised steps: against singular values, against torch's own optimiser, and weight by weight."""

import numpy as np
import pytest
import torch

from untrained.sims.recovery.muon import ITERATIONS, MOMENTUM, QUINTIC, Muon, orthogonalised

RNG = np.random.default_rng(5)


def tensor(*shape):
    return torch.from_numpy(RNG.standard_normal(shape))


@pytest.mark.parametrize("shape", [(2, 6, 6), (1, 4, 9), (3, 9, 4), (1, 1, 5)])
def test_singular_vectors_stay_and_values_go_by_the_polynomial(shape):
    matrices = tensor(*shape)
    U, s, Vt = torch.linalg.svd(matrices, full_matrices=False)
    s = s / s.norm(dim=1, keepdim=True)
    for _ in range(ITERATIONS):
        s = QUINTIC[0] * s + QUINTIC[1] * s**3 + QUINTIC[2] * s**5
    torch.testing.assert_close(orthogonalised(matrices), U @ torch.diag_embed(s) @ Vt, rtol=0, atol=1e-9)
    assert 0.6 < float(s.max()) < 1.3


def test_nothing_comes_of_no_gradient():
    assert torch.equal(orthogonalised(torch.zeros(2, 3, 3)), torch.zeros(2, 3, 3))


def test_one_matrix_goes_as_torch_has_it():
    start, gradients = tensor(6, 4), [tensor(6, 4) for _ in range(3)]
    ours, theirs = start.clone()[None, :, :, None, None], torch.nn.Parameter(start.clone())
    last = torch.zeros(1, 3, 6, 1, 1, dtype=torch.float64)
    ours.requires_grad_(), last.requires_grad_()
    mine = Muon([ours, last], 0.01, 0.05, (0.9, 0.999))
    other = torch.optim.Muon([theirs], lr=0.05, weight_decay=0.0, momentum=MOMENTUM)
    for gradient in gradients:
        ours.grad, theirs.grad, last.grad = gradient[None, :, :, None, None], gradient.clone(), torch.zeros_like(last)
        mine.step()
        other.step()
    # torch iterates in bfloat16, to three digits
    torch.testing.assert_close(ours[0, :, :, 0, 0], theirs, rtol=0, atol=3 * 0.05 * 0.03)
    assert (ours[0, :, :, 0, 0] - start).abs().max() > 0.05


def test_the_last_matrix_and_vectors_are_adam_s():
    weights = [tensor(1, 5, 5, 1, 1), tensor(1, 5), tensor(1, 3, 5, 1, 1)]
    mine = [w.clone().requires_grad_() for w in weights]
    theirs = [w.clone().requires_grad_() for w in weights[1:]]
    muon, adam = Muon(mine, 0.01, 0.05, (0.9, 0.999)), torch.optim.Adam(theirs, 0.01)
    for _ in range(2):
        for w in mine:
            w.grad = torch.ones_like(w)
        for w in theirs:
            w.grad = torch.ones_like(w)
        muon.step()
        adam.step()
    for w, v in zip(mine[1:], theirs, strict=True):
        torch.testing.assert_close(w, v)
    assert [group.get("ratio") for group in muon.param_groups] == [5.0, None]
