import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.linalg import hadamard

from untrained.sims.operators import transforms
from untrained.sims.operators.transforms import dct2, inverse_dct2, walsh_hadamard2


def batch(*shape, dtype=torch.float64):
    """A batch of random images."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.fixture(params=["matrix", "fast"])
def way(request, monkeypatch):
    """Both ways of a transform: by its matrix and by the fast one."""
    monkeypatch.setattr(transforms, "LARGEST_MATRIX", {"matrix": 512, "fast": 2}[request.param])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", [(8, 8), (7, 12), (1, 5), (16, 1), (33, 2)], ids=str)
def test_the_dct_is_scipys_and_its_inverse_undoes_it(size):
    x = batch(2, 3, *size)
    c = dct2(x)
    np.testing.assert_allclose(c, dctn(x.numpy(), axes=(-2, -1), norm="ortho"), rtol=0, atol=1e-13)
    torch.testing.assert_close(inverse_dct2(c), x, rtol=0, atol=1e-13)


def test_a_large_dct_in_float32_is_scipys():
    x = batch(1, 4, 700, dtype=torch.float32)
    assert dct2(x).dtype == torch.float32
    # Values of size one, a transform of log2(700) = 10 stages at 6e-8 each.
    np.testing.assert_allclose(dct2(x), dctn(x.double().numpy(), axes=(-2, -1), norm="ortho"), rtol=0, atol=1e-5)
    torch.testing.assert_close(inverse_dct2(dct2(x)), x, rtol=0, atol=1e-5)


def test_the_walsh_hadamard_transform_is_that_of_the_flattened_image():
    x = batch(2, 3, 4, 16)
    expected = x.flatten(-2).numpy() @ hadamard(64) / 8
    np.testing.assert_allclose(walsh_hadamard2(x).flatten(-2), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("radix", [2, 4, 512])
def test_every_radix_gives_the_same_walsh_hadamard_transform(radix, monkeypatch):
    monkeypatch.setattr(transforms, "LARGEST_MATRIX", radix)
    x = batch(2, 1, 32)
    np.testing.assert_allclose(walsh_hadamard2(x), x.numpy() @ hadamard(32) / 32**0.5, rtol=0, atol=1e-14)


def test_the_walsh_hadamard_transform_is_its_own_inverse():
    x = batch(1, 16, 8)
    torch.testing.assert_close(walsh_hadamard2(walsh_hadamard2(x)), x, rtol=0, atol=1e-14)


def test_the_walsh_hadamard_transform_refuses_other_sizes():
    with pytest.raises(ValueError, match=r"sides must be powers of two .*use dct"):
        walsh_hadamard2(torch.ones(1, 8, 12))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("transform", [dct2, inverse_dct2, walsh_hadamard2])
def test_transforms_are_differentiable(transform):
    torch.autograd.gradcheck(transform, batch(2, 4, 8).requires_grad_())


def test_a_matrix_first_used_in_inference_mode_serves_training_too():
    transforms._matrix.cache_clear()
    with torch.inference_mode():
        dct2(torch.ones(1, 6, 6))
    x = torch.ones(1, 6, 6, requires_grad=True)
    dct2(x).sum().backward()
    assert x.grad is not None
