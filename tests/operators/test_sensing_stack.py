import pytest
import torch

from untrained.sims.operators import Stack, make_operator, stack, stacked

SHAPE = (1, 6, 6)


def operators(name, seeds=(0, 1, 2)):
    """A few operators of a kind."""
    return [make_operator(name, SHAPE, 10, seed) for seed in seeds]


def images(*batch):
    """Random images."""
    return torch.randn(*batch, *SHAPE, generator=torch.Generator().manual_seed(0))


CASES = {
    "dense": lambda: stack(operators("gaussian")),
    "other": lambda: stack(operators("dct")),
    "mixed": lambda: stack([*operators("gaussian", (0, 1)), *operators("dct", (2,))]),
    "same": lambda: stack(operators("gaussian", (5, 5, 5))),
}


@pytest.fixture(params=[*CASES, "dense batched"])
def several(request, monkeypatch):
    """Every kind of stack; the batched product of accelerators is also tried on the CPU."""
    if request.param == "dense batched":
        monkeypatch.setattr(stacked.DenseStack, "_batched", lambda self, value: True)
        return CASES["dense"]()
    return CASES[request.param]()


@pytest.mark.parametrize("batch", [(3,), (3, 4), (3, 2, 2)], ids=str)
def test_a_stack_measures_each_image_by_its_own_operator(several, batch):
    x = images(*batch)
    y = several.forward(x)
    back = several.adjoint(y)
    assert y.shape == (*batch, 10)
    assert back.shape == x.shape
    for b, operator in enumerate(several.operators):
        # Sums of 36 float32 products of size one, in whatever order.
        torch.testing.assert_close(y[b], operator.forward(x[b]), rtol=0, atol=1e-5)
        torch.testing.assert_close(back[b], operator.adjoint(y[b]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch", [(3,), (3, 4)], ids=str)
def test_measurements_are_shared_by_the_restarts_of_an_image(several, batch):
    x, y = images(*batch), torch.randn(3, 10, generator=torch.Generator().manual_seed(1))
    residual, gradient = several.residual_and_gradient(x, y)
    assert residual.shape == (*batch, 10)
    for b, operator in enumerate(several.operators):
        r = operator.forward(x[b]) - y[b]
        torch.testing.assert_close(residual[b], r, rtol=0, atol=1e-5)
        torch.testing.assert_close(gradient[b], operator.adjoint(r), rtol=0, atol=1e-4)


def test_measurements_may_differ_between_restarts(several):
    x = images(3, 4)
    y = torch.randn(3, 4, 10, generator=torch.Generator().manual_seed(1))
    residual = several.residual_and_gradient(x, y)[0]
    torch.testing.assert_close(residual, several.forward(x) - y, rtol=0, atol=1e-5)


def test_a_stack_is_differentiable(several):
    x = images(3).requires_grad_()
    y = torch.zeros(3, 10)
    several.forward(x).square().sum().backward()
    torch.testing.assert_close(x.grad, 2 * several.residual_and_gradient(x, y)[1], rtol=0, atol=1e-4)


def test_moving_a_stack_keeps_what_it_does(several):
    x = images(3)
    torch.testing.assert_close(several.to("cpu").forward(x), several.forward(x), rtol=0, atol=0)


def test_the_norm_of_a_stack_is_its_largest(several):
    assert several.squared_norm() == max(a.squared_norm() for a in several.operators)


def test_dense_operators_hold_slices_of_the_one_tensor():
    single = operators("gaussian")
    before = [a.matrix.clone() for a in single]
    several = stack(single)
    held = {a.matrix.untyped_storage().data_ptr() for a in (*single, *several.operators, *several.to("cpu").operators)}
    assert held == {several.matrices.untyped_storage().data_ptr()}
    assert several.matrices.numel() == 3 * 10 * 36
    assert all(torch.equal(a.matrix, matrix) for a, matrix in zip(single, before, strict=True))


def test_moved_operators_hold_slices_of_the_moved_tensor():
    several = stack(operators("gaussian"))
    moved = several.to("meta")
    assert {a.matrix.device.type for a in moved.operators} == {"meta"}
    assert {a.matrix.device.type for a in several.operators} == {"cpu"}


def test_equal_operators_are_kept_once():
    several = stack(operators("gaussian", (5, 5, 5)))
    assert len({id(a) for a in several.operators}) == 1
    assert len(several) == 3


def test_a_plain_stack_of_dense_operators_agrees_with_the_gathered_one():
    x = images(3, 2)
    plain = Stack(operators("gaussian")).forward(x)
    torch.testing.assert_close(stack(operators("gaussian")).forward(x), plain, rtol=0, atol=1e-6)


def test_operators_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="operators must be at least one, got none"):
        stack([])
    with pytest.raises(ValueError, match="operators must agree in shape and m"):
        stack([make_operator("dct", SHAPE, 10), make_operator("dct", SHAPE, 11)])
    with pytest.raises(ValueError, match="operators must agree in shape and m"):
        stack([make_operator("dct", SHAPE, 10), make_operator("dct", (1, 4, 9), 10)])


def test_a_single_image_of_three_channels_is_no_batch_of_three():
    several = stack([make_operator("dct", (3, 4, 4), 10, seed) for seed in range(3)])
    with pytest.raises(ValueError, match="images must be 3, one for each operator"):
        several.forward(torch.zeros(3, 4, 4))


def test_batches_of_another_length_are_refused(several):
    with pytest.raises(ValueError, match="images must be 3, one for each operator"):
        several.forward(images(2))
    with pytest.raises(ValueError, match="images must be 3, one for each operator"):
        several.forward(images())
    with pytest.raises(ValueError, match="measurements must be 3, one for each operator"):
        several.residual_and_gradient(images(3), torch.zeros(2, 10))
    with pytest.raises(ValueError, match=r"images must be of shape \(\.\.\., 1, 6, 6\)"):
        several.forward(torch.zeros(3, 6, 6, 1))
