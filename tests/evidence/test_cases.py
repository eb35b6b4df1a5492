import numpy as np
import pytest

from untrained.sims.dynamics.trajectory import follow
from untrained.sims.evidence.cases import build_case, draw_shape
from untrained.sims.evidence.counts import count
from untrained.sims.evidence.search import look
from untrained.sims.random import draws
from untrained.sims.random.streams import stream
from untrained.theory.claim import Claim, CountRoute, Draw, SearchRoute, Sides, Source

TWO_OF_A_SHAPE = {"A": Draw("gaussian", ("n", 3)), "B": Draw("gaussian", ("n", 3))}


def streams(role):
    return stream(7, "cases", role)


def build(law, params, batch=4):
    return build_case(law, params, streams, batch)


class Recorder:
    """Sides that hold and remember the cases they were given."""

    def __init__(self):
        self.cases = []

    def __call__(self, case, c):
        self.cases.append(case)
        return Sides(0.0, 1.0)


def toy(law, *, search=None, counted=None):
    return Claim("own.toy", Source("own", "toy"), "says", "tex", "no case", law=law, search=search, count=counted)


def test_two_draws_of_one_shape_differ_in_a_count():
    sides = Recorder()
    route = CountRoute(({"n": 2}, {"n": 2}), sides, lambda case, c: 0.5, 10)
    for cell in (0, 1):
        count(toy(TWO_OF_A_SHAPE, counted=route), route, cell, 10, 1e-3, 5)
    arrays = [case[name] for case in sides.cases for name in "AB"]
    assert [a.shape for a in arrays] == [(10, 2, 3)] * 4
    assert len(np.unique(np.concatenate(arrays))) == 4 * 60


def test_two_draws_of_one_shape_differ_in_a_search_and_follow_the_seeds():
    sides = Recorder()
    route = SearchRoute(sides)
    claim = toy(TWO_OF_A_SHAPE, search=route)
    for seed, root_seed in ((0, 0), (1, 0), (0, 1), (0, 0)):
        assert look(claim, route, {"n": 2}, seed, root_seed) == (1.0, True)
    arrays = [case[name] for case in sides.cases for name in "AB"]
    assert [a.shape for a in arrays] == [(1, 2, 3)] * 8
    assert len(np.unique(np.concatenate(arrays[:6]))) == 6 * 6
    np.testing.assert_array_equal(arrays[6:], arrays[:2])


def test_a_draw_does_not_depend_on_the_others():
    alone = build({"B": TWO_OF_A_SHAPE["B"]}, {"n": 2})
    np.testing.assert_array_equal(alone["B"], build(TWO_OF_A_SHAPE, {"n": 2})["B"])


def test_shapes_put_values_for_the_names_of_parameters():
    params = {"n": 3, "d": 5.0}
    assert draw_shape(Draw("gaussian", ("n", 2, "d")), params) == [3, 2, 5]
    assert draw_shape(Draw("gaussian"), params) == []
    assert build({"V": Draw("gaussian", ("d", "n"))}, params)["V"].shape == (4, 5, 3)


def test_a_case_keeps_its_parameters_and_leaves_those_given_alone():
    params = {"n": 3}
    case = build(TWO_OF_A_SHAPE, params)
    assert set(case) == {"n", "A", "B"}
    assert params == {"n": 3}


@pytest.mark.parametrize(("scale", "times"), [(0.25, 0.25), ("size", 40.0)])
def test_a_gaussian_draw_is_scaled_by_a_number_or_a_parameter(scale, times):
    params = {"n": 6, "size": 40.0}
    plain = streams("g").standard_normal((4, 6))
    np.testing.assert_array_equal(build({"g": Draw("gaussian", ("n",), {"scale": scale})}, params)["g"], times * plain)
    np.testing.assert_array_equal(build({"g": Draw("gaussian", ("n",))}, params)["g"], plain)


@pytest.mark.parametrize(("options", "norm"), [({}, 1.0), ({"norm": 2.5}, 2.5), ({"norm": "size"}, 40.0)])
def test_a_direction_has_the_norm_asked_for(options, norm):
    z = build({"z": Draw("direction", ("n",), options)}, {"n": 6, "size": 40.0}, batch=50)["z"]
    assert z.shape == (50, 6)
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), norm, rtol=1e-14)
    assert (z.min(axis=0) < 0).all()
    assert (z.max(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        ("sigma_min", draws.smallest_singular_values),
        ("sigma_max", draws.largest_singular_values),
        ("jacobian_sigma_min", draws.jacobian_smallest_singular_values),
    ],
)
def test_singular_values_are_drawn_for_rows_and_columns_in_that_order(kind, drawn):
    values = build({"s": Draw(kind, ("n", "d"))}, {"n": 3, "d": 20})["s"]
    np.testing.assert_array_equal(values, drawn(streams("s"), 3, 20, 4))
    assert (values > 0).all()


def test_images_of_one_batch_differ_and_have_norm_one():
    y = build({"y": Draw("image", ("n",))}, {"n": 64}, batch=5)["y"]
    assert y.shape == (5, 64)
    assert len(np.unique(y, axis=0)) == 5
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("kind", "shape"), [("gaussian", ("n",)), ("direction", ("n",)), ("image", ("n",)), ("sigma_min", ("n", "d"))]
)
def test_every_kind_of_draw_has_a_stream_of_its_own_name(kind, shape):
    case = build({"a": Draw(kind, shape), "b": Draw(kind, shape)}, {"n": 16, "d": 40})
    assert (case["a"] != case["b"]).any()


def descending(step):
    return {
        "V": Draw("gaussian", ("n", "d")),
        "g": Draw("gaussian", ("d",)),
        "y": Draw("direction", ("n",)),
        "run": Draw("descent", (), {"step": step}),
    }


def test_a_descent_is_the_run_from_the_drawn_arrays():
    case = build(descending(lambda case: 0.5 * case["n"]), {"n": 3, "d": 20, "steps": 12})
    expected = follow(case["V"], case["g"], case["y"], step=1.5, steps=12, z_norm=1.0)
    assert case["run"].misfits.shape == (4, 13)
    for name in ("misfits", "distances", "sign_changes", "diverged_at"):
        np.testing.assert_array_equal(getattr(case["run"], name), getattr(expected, name))
    assert (case["run"].misfits[:, -1] < case["run"].misfits[:, 0]).all()


def test_a_derived_object_is_computed_from_what_was_drawn_before_it():
    law = {"A": Draw("gaussian", ("n",)), "twice": Draw("derived", (), {"of": lambda case: case["n"] * case["A"]})}
    case = build(law, {"n": 2})
    np.testing.assert_array_equal(case["twice"], 2 * case["A"])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="draw 'x' must have a known kind, got 'uniform'"):
        build({"x": Draw("uniform", ("n",))}, {"n": 2})


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_neuron_at_exactly_zero_takes_part_in_the_first_step(zero):
    # V = 1, y = 1, nu = 1: h goes 0, 1/2, 3/4 and the misfit 1 - h halves.
    one = np.ones((1, 1))
    run = follow(one[None], zero * one, one, step=0.5, steps=2, z_norm=1.0)
    np.testing.assert_array_equal(run.misfits, [[1.0, 0.5, 0.25]])
    np.testing.assert_array_equal(run.distances, [[0.0, 0.5, 0.75]])
    assert run.sign_changes[0] == 0


def test_a_neuron_pushed_below_zero_stays_there_and_has_changed_its_sign():
    # V = 1, y = -1: h goes 0, -1/2 and then rests.
    one = np.ones((1, 1))
    run = follow(one[None], 0 * one, -one, step=0.5, steps=3, z_norm=1.0)
    np.testing.assert_array_equal(run.misfits, [[1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(run.distances, [[0.0, 0.5, 0.5, 0.5]])
    assert run.sign_changes[0] == 1


def fitting(n=3, d=40, steps=60, batch=4, seed=0):
    law = {"y": Draw("direction", ("n",)), "fit": Draw("fit", ("n", "d"))}
    return build_case(law, {"n": n, "d": d, "steps": steps}, lambda role: stream(seed, role), batch)


def test_a_fit_is_the_misfit_of_a_descent_with_the_proof_s_step():
    case = fitting()
    fit = case["fit"]
    assert fit.shape == (4, 61)
    assert (fit[:, 0] > 0.2).all()
    assert (np.minimum.accumulate(fit, axis=1)[:, -1] < 0.2 * fit[:, 0]).all()
    ended = np.isinf(fit)
    assert not (ended[:, :-1] & ~ended[:, 1:]).any()


def test_a_fit_is_followed_once_for_what_it_starts_from():
    first, again, other = fitting(), fitting(), fitting(seed=1)
    assert first["fit"] is again["fit"]
    assert (other["fit"][:, 0] != first["fit"][:, 0]).all()
    assert fitting(steps=30)["fit"].shape == (4, 31)


def test_a_descent_is_followed_once_for_what_it_starts_from():
    sizes = {"n": 3, "d": 20, "steps": 12}
    runs = [build(descending(lambda case, s=s: s), sizes)["run"] for s in (1.5, 1.5, 1.6)]
    assert runs[0] is runs[1]
    assert runs[0].misfits[0, 1] != runs[2].misfits[0, 1]
