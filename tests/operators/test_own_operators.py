"""Operators that a function in a user's file makes, and objects that say what they are as scipy's do."""

import inspect
import re

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator

from untrained.sims.operators import as_operator, dot_test
from untrained.sims.operators.own_files import operator_in_file

SHAPE = (1, 4, 5)
A = np.random.default_rng(3).standard_normal((7, 20))


class Products:
    """What scipy's `aslinearoperator` takes."""

    shape = (7, 20)

    def matvec(self, x):
        return A @ x

    def rmatvec(self, y):
        return A.T @ y


FILE = """
import functools
import numpy as np

A = np.random.default_rng(3).standard_normal((7, 20))

def of_shape(shape):
    return A[:, : shape[0] * shape[1] * shape[2]]

def of_nothing():
    return A

def with_default(shape=None):
    return A if shape == (1, 4, 5) else None

def of_any(*shapes):
    return A if shapes else None

part = functools.partial(lambda scale, shape: scale * A, 1.0)

def of_two(shape, angles):
    return A

def only_named(*, shape):
    return A

def raises():
    raise TypeError("of its own")

""" + inspect.getsource(Products)


class OneWay:
    shape = (7, 20)

    def matvec(self, x):
        return A @ x


class Sized(Products):
    shape = 7


class ByArray(Products):
    shape = np.array([7, 20])

    def __matmul__(self, x):
        return A @ x

    @property
    def T(self):
        return A.T


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(FILE)
    return lambda factory: operator_in_file(f"{path}:{factory}", SHAPE)


@pytest.mark.parametrize("factory", ["of_shape", "of_nothing", "with_default", "of_any", "Products", "part"])
def test_a_factory_takes_the_shape_or_nothing(own, factory):
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(own(factory).forward(x), torch.from_numpy(A).float() @ x.flatten())


@pytest.mark.parametrize(("factory", "signature"), [("of_two", "(shape, angles)"), ("only_named", "(*, shape)")])
def test_a_factory_that_takes_something_else_is_refused(own, factory, signature):
    says = f"own.py:{factory}: factory must take the shape (C, H, W) of images, or nothing, got {factory}{signature}"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        own(factory)


def test_an_error_of_the_factory_is_told_as_its_own(own):
    line = FILE.splitlines().index('    raise TypeError("of its own")') + 1
    says = f"own.py:raises must make an operator, got TypeError: of its own (line {line})"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        own("raises")


def test_what_scipy_takes_as_a_linear_operator_is_one():
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    operator = as_operator(Products(), SHAPE)
    assert operator.m == 7
    assert dot_test(operator) < 1e-5
    like = as_operator(LinearOperator((7, 20), Products().matvec, Products().rmatvec, dtype=np.float64), SHAPE)
    torch.testing.assert_close(operator.forward(x), like.forward(x), rtol=0, atol=0)


def test_a_shape_may_be_of_any_kind():
    assert dot_test(as_operator(ByArray(), SHAPE)) < 1e-5


@pytest.mark.parametrize("user", [OneWay(), Sized()])
def test_products_without_both_sides_are_refused(user):
    with pytest.raises(ValueError, match=r"^operator must have a method forward, got \w+ without it$"):
        as_operator(user, SHAPE)


def test_its_columns_are_those_of_the_image():
    with pytest.raises(ValueError, match=r"^operator must have 16 columns for images of shape \(1, 4, 4\), got 20$"):
        as_operator(Products(), (1, 4, 4))
