"""Matrices that stay in their files, or sparse: the same products, read in blocks."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from untrained.sims.operators import as_operator, dot_test, matrices, own_files
from untrained.sims.operators.matrices import StoredMatrix

SHAPE = (1, 4, 5)
REAL = np.random.default_rng(0).standard_normal((13, 20))
MATRICES = {
    "float64": REAL,
    "float32": REAL.astype(np.float32),
    "complex": REAL * np.exp(1j * np.arange(20)),
    "columns together": np.asfortranarray(REAL),
    "complex columns together": np.asfortranarray(REAL * np.exp(1j * np.arange(20))),
    "integers": (100 * REAL).astype(np.int16),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_a_stored_matrix_has_the_products_of_the_one_in_memory(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(matrices, "STORED_BLOCK", 3 * 20 * 8)  # a few rows a block, and a smaller one at the end
    A = MATRICES[kind]
    np.save(tmp_path / "A.npy", A)
    stored, held = as_operator(StoredMatrix.at(tmp_path / "A.npy"), SHAPE), as_operator(A, SHAPE)
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((2, *SHAPE)))
    y = torch.from_numpy(np.random.default_rng(2).standard_normal((2, held.m)))
    # Sums of 20 products of order 100 at most, in float32 where the matrix is.
    close = {"rtol": 1e-5, "atol": 1e-4} if held._type.itemsize == 4 else {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(stored.forward(x), held.forward(x), **close)
    torch.testing.assert_close(stored.adjoint(y), held.adjoint(y), **close)
    for one, other in zip(stored.residual_and_gradient(x, y), held.residual_and_gradient(x, y), strict=True):
        torch.testing.assert_close(one, other, **close if one.dim() == 2 else {"rtol": 1e-3, "atol": 1e-2})
    assert stored.gain == pytest.approx(held.gain, rel=1e-12)
    assert dot_test(stored) < 1e-6


def test_a_large_matrix_stays_in_its_file(tmp_path, monkeypatch):
    np.save(tmp_path / "A.npy", REAL)
    assert isinstance(own_files.read_matrix(str(tmp_path / "A.npy")), np.ndarray)
    monkeypatch.setattr(own_files, "LARGE_MATRIX", 1000)
    assert own_files.read_matrix(str(tmp_path / "A.npy")) == StoredMatrix.at(tmp_path / "A.npy")
    operator = own_files.operator_of_matrix(str(tmp_path / "A.npy"), SHAPE)
    assert operator.memory == matrices.STORED_BLOCK


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix])
def test_entries_that_are_stored_in_parts_count_by_their_sum(form):
    plain = form(np.where(REAL > 0, REAL, 0)).tocoo()
    rows, columns = (np.concatenate([place, place]) for place in (plain.row, plain.col))
    parts = sparse.coo_array((np.concatenate([11 * plain.data, -10 * plain.data]), (rows, columns)), plain.shape)
    if form is not sparse.coo_array:
        # Conversions add the parts up; the lists of a compressed form may hold them apart all the same.
        flat = (rows, columns) if form is not sparse.csc_array else (columns, rows)
        order = np.lexsort(flat[::-1])
        starts = np.r_[0, np.cumsum(np.bincount(flat[0], minlength=plain.shape[form is sparse.csc_array]))]
        parts = form((parts.data[order], flat[1][order], starts), shape=plain.shape)
    stored = parts.data.copy()
    operator = as_operator(parts, SHAPE)
    assert operator.gain == pytest.approx((plain.data**2).sum() / 20, rel=1e-12)
    np.testing.assert_array_equal(parts.data, stored)
    x = np.random.default_rng(1).standard_normal(SHAPE)
    np.testing.assert_allclose(operator.forward(torch.from_numpy(x)), plain @ x.ravel(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kind", "total"), [(np.int8, 200), (np.uint8, 400), (bool, 2)])
def test_parts_whose_sum_is_beyond_their_type_are_summed_all_the_same(kind, total):
    parts = np.full(2, total // 2).astype(kind)
    matrix = sparse.coo_array((parts, ([0, 0], [3, 3])), (1, 20))
    assert as_operator(matrix, SHAPE).forward(torch.ones(SHAPE)).tolist() == [total]


def test_a_matrix_that_is_not_finite_is_refused_in_its_file_too(tmp_path):
    np.save(tmp_path / "A.npy", np.where(REAL > 2, np.nan, REAL))
    with pytest.raises(ValueError, match=r"^operator must hold finite numbers, got a matrix with others$"):
        as_operator(StoredMatrix.at(tmp_path / "A.npy"), SHAPE)


MEASURE = """
import sys
from untrained import operators, recover
from untrained.sims.operators.own_files import operator_of_matrix
operator = operator_of_matrix(sys.argv[1], (1, int(sys.argv[2]), int(sys.argv[3])))
import torch
y = operator.forward(torch.linspace(-1, 1, operator.n).reshape(operator.shape))
short = {"preset": "fast", "steps": 3} if sys.argv[4] == "csdip" else {"max_steps": 5}
recover(y, operator, method=sys.argv[4], **short)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) / 1e6)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(("kind", "method"), [("sparse", "tv"), ("sparse", "csdip"), ("dense", "csdip")])
def test_a_large_matrix_is_recovered_with_in_less_than_a_gigabyte(kind, method, tmp_path):
    """8000 x 65536 with 1 % of entries, 5.2 million, or a dense one of 2.1 GB in its file."""
    rng = np.random.default_rng(0)
    if kind == "sparse":
        path = tmp_path / "A.npz"
        sparse.save_npz(path, sparse.random_array((8000, 65536), density=0.01, rng=rng, format="csr"), compressed=False)
    else:
        path = tmp_path / "A.npy"
        stored = np.lib.format.open_memmap(path, "w+", np.float32, (8000, 65536))
        for start in range(0, 8000, 500):
            stored[start : start + 500] = rng.standard_normal((500, 65536), dtype=np.float32)
        del stored
    done = subprocess.run([sys.executable, "-c", MEASURE, path, "256", "256", method], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Not getrusage: its peak is that of the parent, which has just written the file, where this is larger.
    assert float(done.stdout.splitlines()[-1]) < 1.0
