"""The kernels, run by Triton's interpreter where it is installed: no accelerator is needed."""

import importlib.util
import os

import pytest
import torch

from untrained.sims.dynamics import columns as room
from untrained.sims.dynamics.columns import Regenerated
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.survey import survey
from untrained.theory.objects.width import step_proof

triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(room, "COLUMN_BLOCK", 6 * 400)
    monkeypatch.setattr(room, "AT_ONCE", 2)
    monkeypatch.setattr(
        Regenerated, "fused", property(lambda self: self.n % 2 == 0 and "TRITON_INTERPRET" in os.environ)
    )


def blocks(columns):
    parts = list(columns.blocks())
    return torch.cat([b.V for b in parts], 1), torch.cat([b.h0 for b in parts])


@triton
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_kernel_draws_the_same_columns(interpreted, monkeypatch):
    drawn = Regenerated(6, 4100, 2)
    V, h0 = blocks(drawn)
    monkeypatch.delenv("TRITON_INTERPRET")
    W, g0 = blocks(drawn)
    # float32 logarithms and cosines of another library.
    torch.testing.assert_close(V, W, rtol=0, atol=5e-6)
    torch.testing.assert_close(h0, g0, rtol=0, atol=5e-6)


@triton
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_fused_pass_is_a_pass(interpreted, monkeypatch):
    drawn = Regenerated(6, 4100, 2)
    off = torch.rand(drawn.count, generator=torch.Generator().manual_seed(0)) < 0.3
    S = torch.randn(6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    marks = [off.clone(), off.clone()]
    fused = survey(drawn, S, 0.4, 1.3, marks[0], 40, gram=False)
    monkeypatch.delenv("TRITON_INTERPRET")
    plain = survey(drawn, S, 0.4, 1.3, marks[1], 40, gram=False)
    assert torch.equal(*marks)
    assert marks[0].sum() > off.sum()
    torch.testing.assert_close(fused.output, plain.output, rtol=1e-5, atol=1e-3)
    assert fused.near.places.tolist() == plain.near.places.tolist()
    for name in ("V", "h0", "margins"):
        torch.testing.assert_close(getattr(fused.near, name), getattr(plain.near, name), rtol=1e-4, atol=1e-5)
    assert fused.near.reach == pytest.approx(plain.near.reach, rel=1e-4)
    for name in ("V", "depths", "moved"):
        torch.testing.assert_close(getattr(fused.gone, name), getattr(plain.gone, name), rtol=1e-4, atol=1e-4)


@triton
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_run_by_kernels_is_the_same_run(interpreted, monkeypatch):
    monkeypatch.setattr("untrained.sims.dynamics.reduced.NEAR_BYTES", 1)
    y = torch.ones(1, 6, dtype=torch.float64)
    step = torch.tensor([3 * step_proof(float(y.norm()), 6, 4100)], dtype=torch.float64)
    fused = descend([Regenerated(6, 4100, 2)], y, step, 12)
    monkeypatch.delenv("TRITON_INTERPRET")
    plain = descend([Regenerated(6, 4100, 2)], y, step, 12)
    assert fused.passes == plain.passes > 1
    assert fused.misfits[0] == pytest.approx(plain.misfits[0], rel=1e-4)
    assert plain.switched[0, -1] > 0
    assert fused.switched[0].tolist() == plain.switched[0].tolist()


def test_columns_are_gathered_by_their_places(monkeypatch):
    monkeypatch.setattr(room, "COLUMN_BLOCK", 6 * 400)
    drawn = Regenerated(6, 4100, 2, dtype=torch.float64)
    V, h0 = blocks(drawn)
    places = torch.tensor([0, 3, 199, 200, 399, 400, 1999, drawn.count - 1])
    W, g0 = drawn.gathered(places)
    torch.testing.assert_close(W, V[:, places], rtol=0, atol=5e-6)
    torch.testing.assert_close(g0, h0[places], rtol=0, atol=5e-6)
    assert W.dtype == torch.float64
