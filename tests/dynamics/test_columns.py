import numpy as np
import pytest
import torch
from scipy import stats

from untrained.sims.dynamics import columns as room
from untrained.sims.dynamics.columns import Half, Mixed, Regenerated, StoredColumns, block_size


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(room, "COLUMN_BLOCK", 16 * 5)


def whole(columns):
    blocks = list(columns.blocks())
    assert [b.start for b in blocks] == np.cumsum([0, *(len(b.h0) for b in blocks[:-1])]).tolist()
    V = torch.cat([b.V for b in blocks], 1)
    torch.testing.assert_close(torch.cat([b.norms for b in blocks]), V.norm(dim=0))
    return V, torch.cat([b.h0 for b in blocks])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_held_columns_are_those_drawn_anew(small_blocks, dtype):
    drawn = Regenerated(5, 203, 4, dtype=dtype)
    assert drawn.count > block_size(5)
    (V, h0), (W, g0) = whole(drawn), whole(StoredColumns.draw(drawn))
    assert torch.equal(V, W)
    assert torch.equal(h0, g0)
    assert V.shape == (5, drawn.count)
    assert (V.dtype, StoredColumns.draw(drawn).width) == (dtype, 203)


def test_both_dtypes_hold_the_same_numbers(small_blocks):
    V, h0 = whole(Regenerated(5, 203, 4))
    W, g0 = whole(Regenerated(5, 203, 4, dtype=torch.float64))
    assert torch.equal(V.double(), W)
    assert torch.equal(h0.double(), g0)


def test_threads_change_no_number(small_blocks, monkeypatch):
    alone = whole(Regenerated(5, 999, 4))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = whole(Regenerated(5, 999, 4))
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_the_columns_on_are_a_fair_half_and_their_h_half_normal():
    counts = [Regenerated(3, 1000, seed).count for seed in range(200)]
    assert (
        stats.kstest((np.array(counts) + np.random.default_rng(0).random(200) - 500.5) / 250**0.5, "norm").pvalue > 1e-3
    )
    _, h0 = whole(Regenerated(3, 20_000, 1))
    assert stats.kstest(h0.numpy(), "halfnorm").pvalue > 1e-3


def test_of_a_whole_network_the_neurons_that_are_on_are_kept():
    V, h0 = torch.arange(12.0).view(2, 6), torch.tensor([1.0, -1.0, 0.0, 2.0, -0.5, 3.0])
    columns = StoredColumns.of(V, h0)
    assert columns.V.tolist() == [[0.0, 2.0, 3.0, 5.0], [6.0, 8.0, 9.0, 11.0]]
    assert columns.h0.tolist() == [1.0, 0.0, 2.0, 3.0]
    assert (columns.width, columns.count, columns.n) == (6, 4, 2)


@pytest.mark.parametrize(("kind", "unit"), [(torch.bfloat16, 2.0**-9), (torch.float16, 2.0**-12)])
def test_half_the_memory_costs_the_error_it_reports(small_blocks, kind, unit):
    drawn = Regenerated(5, 2003, 4)
    half = Half(drawn, kind)
    (V, h0), (W, g0) = whole(drawn), whole(half)
    assert torch.equal(W, V.to(kind).float())
    assert torch.equal(h0, g0)
    assert half.error == pytest.approx(float((V - W).norm() / V.norm()), rel=1e-5)
    # Rounding is uniform within a unit of the last place, which is between 1 and 2 units of the relative precision.
    assert 0.4 * unit < half.error < 1.2 * unit
    assert half.V.element_size() == 2


def test_mixed_columns_are_measurements_of_columns(small_blocks):
    drawn, A = Regenerated(5, 203, 4), torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    (V, h0), (W, g0) = whole(drawn), whole(Mixed(drawn, A))
    torch.testing.assert_close(W, A @ V)
    assert torch.equal(h0, g0)
    assert (Mixed(drawn, A).n, Mixed(drawn, A).width) == (3, 203)


def test_what_is_drawn_is_pinned():
    """A change of the law of a seed would change every record."""
    V, h0 = whole(Regenerated(2, 10, 0))
    torch.testing.assert_close(V[:, :2], PINNED[:2].T, rtol=0, atol=1e-5)
    torch.testing.assert_close(h0[:2], PINNED[2], rtol=0, atol=1e-5)


PINNED = torch.tensor([[0.455671, -0.635792], [-0.702714, 0.291468], [1.757298, 0.389899]])


def test_a_network_without_neurons_that_are_on_has_no_blocks():
    one = next(seed for seed in range(100) if Regenerated(3, 1, seed).count == 0)
    assert list(Regenerated(3, 1, one).blocks()) == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Regenerated(0, 5, 0), "n and width must be at least 1, got 0 and 5"),
        (lambda: Regenerated(5, 0, 0), "n and width must be at least 1, got 5 and 0"),
        (lambda: Regenerated(2, 2, 0, dtype=torch.float16), "dtype must be torch.float32 or torch.float64"),
        (lambda: Half(Regenerated(2, 9, 0), torch.float32), "kind must be torch.bfloat16 or torch.float16"),
        (lambda: StoredColumns(torch.zeros(2, 3), torch.zeros(2), 3), r"V and h0 must be of shape \(n, D\) and \(D,\)"),
        (lambda: StoredColumns(torch.zeros(2, 3), -torch.ones(3), 3), "h0 must be that of the neurons that are on"),
        (lambda: StoredColumns(torch.zeros(2, 3), torch.ones(3), 2), "no more than the width"),
        (lambda: Mixed(Regenerated(2, 9, 0), torch.zeros(3, 4)), r"A must be of shape \(m, 2\), got \(3, 4\)"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
