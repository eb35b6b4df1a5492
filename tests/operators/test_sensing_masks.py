import json

import numpy as np
import pytest
import torch

from untrained.sims.operators import make_operator, operator_from_spec


def image(shape):
    """An image whose every value tells its place."""
    return torch.arange(float(np.prod(shape))).reshape(shape)


def test_inpainting_keeps_the_same_positions_in_every_channel():
    operator = make_operator("inpainting", (3, 4, 5), m=6)
    y = operator.forward(image((3, 4, 5))).reshape(3, 6)
    positions = np.flatnonzero(operator.mask())
    assert (operator.m, operator.coefficients, len(positions)) == (18, 6, 6)
    np.testing.assert_array_equal(y, [positions, positions + 20, positions + 40])


def test_inpainting_back_and_forth_blanks_unknown_pixels():
    operator = make_operator("inpainting", (3, 4, 5), m=6)
    x = image((3, 4, 5)) + 1
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x * operator.mask(), rtol=0, atol=0)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, np.ndarray.tolist])
def test_a_given_mask_is_kept_and_described(kind):
    mask = np.random.default_rng(0).random((5, 7)) < 0.4
    operator = make_operator("inpainting", (3, 5, 7), mask=kind(mask))
    again = operator_from_spec(json.loads(json.dumps(operator.spec())))
    np.testing.assert_array_equal(operator.mask(), mask)
    np.testing.assert_array_equal(again.mask(), mask)
    assert again.fingerprint() == operator.fingerprint()
    assert operator.coefficients == mask.sum()


def test_a_mask_costs_a_bit_a_pixel_in_the_spec():
    operator = make_operator("inpainting", (1, 64, 64), mask=np.eye(64, dtype=bool))
    assert len(operator.spec()["options"]["mask"]) <= 64 * 64 / 8 * 4 / 3 + 4


def test_positions_are_drawn_uniformly():
    # 400 draws of 4 of 16 positions: each is drawn 100 +- 8.7 times.
    masks = sum(make_operator("inpainting", (1, 4, 4), 4, seed).mask().int() for seed in range(400))
    assert int((masks - 100).abs().max()) < 5 * 8.7


def test_superresolution_averages_blocks():
    operator = make_operator("superres", (3, 4, 6), factor=2)
    x = image((3, 4, 6))
    y = operator.forward(x).reshape(3, 2, 3)
    expected = [
        [[x[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(3)] for i in range(2)] for c in range(3)
    ]
    np.testing.assert_array_equal(y, expected)


def test_superresolution_knows_its_norm_and_its_rows():
    operator = make_operator("superres", (1, 6, 6), factor=3)
    A = operator.forward(torch.eye(36).reshape(-1, 1, 6, 6)).T
    torch.testing.assert_close(A @ A.T, torch.eye(4) / 9)
    assert operator.squared_norm() == pytest.approx(1 / 9, rel=1e-15)


def test_the_group_of_a_row_is_its_position_in_every_channel():
    operator = make_operator("inpainting", (3, 4, 5), m=6)
    places = (operator.forward(image((3, 4, 5))) % 20).long()
    assert operator.row_groups.tolist() == places.tolist()


@pytest.mark.parametrize("whole", [True, False])
def test_the_group_of_a_fourier_row_is_its_column_where_whole_columns_are_sampled(whole):
    mask = np.zeros((4, 6), dtype=bool)
    mask[:, [1, 3, 4]] = True
    mask[0, 0] = not whole
    operator = make_operator("fourier-cartesian", (1, 4, 6), mask=mask)
    columns = torch.from_numpy(np.nonzero(mask)[1])
    # a wave along rows has its coefficients in two columns, that of its frequency and the opposite one
    for frequency in range(3):
        wave = torch.cos(2 * np.pi * frequency * (torch.arange(6) - 3) / 6 + 0.3).expand(1, 4, 6)
        hit = (operator.forward(wave).abs() > 1e-5).reshape(2, -1).any(0)
        assert set(columns[hit].tolist()) <= {3 - frequency, 3 + frequency}
    rows = operator.row_groups.reshape(2, -1)
    assert rows.tolist() == 2 * [columns.tolist() if whole else np.flatnonzero(mask).tolist()]


def test_the_group_of_a_coils_row_is_its_column():
    operator = make_operator("multicoil", (1, 4, 6), coils=2, acceleration=2)
    rows = operator.row_groups.reshape(2, 2, 4, -1)
    assert sorted(set(rows.flatten().tolist())) == np.flatnonzero(operator.mask()[0].roll(-3)).tolist()
    assert (rows == rows[:1, :1, :1]).all()
