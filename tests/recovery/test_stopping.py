import numpy as np
import pytest
import torch

from untrained.sims.random.streams import stream
from untrained.sims.recovery.stopping import (
    RULES,
    CautiousDiscrepancy,
    Discrepancy,
    Fixed,
    HeldOut,
    Iterates,
    LastWindow,
    Oracle,
    WindowedVariance,
    stopping_rule,
)

PROBLEMS, SHAPE = 6, (1, 2, 3)
TRUTH = torch.from_numpy(stream(0, "truth").standard_normal((PROBLEMS, *SHAPE))).float()


def course(seed, steps=60, spoilt=0.1):
    """Iterates that wander, with misfits of their own, a share of them not finite in the image or the misfit."""
    rng = stream(seed, "course")
    images = np.cumsum(rng.standard_normal((steps, PROBLEMS, *SHAPE)), 0) / 8
    misfits, held_out = rng.gamma(2, size=(2, steps, PROBLEMS)) * np.linspace(2, 0.3, steps)[:, None]
    images[rng.random((steps, PROBLEMS)) < spoilt] = np.nan
    misfits[rng.random((steps, PROBLEMS)) < spoilt / 2] = np.inf
    misfits[rng.random((steps, PROBLEMS)) < spoilt / 2] = np.nan
    tensors = (torch.from_numpy(a).float() for a in (images, misfits, held_out))
    return [Iterates(step, *numbers) for step, numbers in enumerate(zip(*tensors, strict=True), 1)]


def one(history, problem):
    """The course of one problem: by step, its image, misfit and held-out misfit, or nothing where not finite."""
    by_step = {}
    for iterates in history:
        image, misfit = iterates.images[problem].double().numpy(), float(iterates.misfits[problem])
        if np.isfinite(image).all() and np.isfinite(misfit):
            by_step[iterates.step] = (image, misfit, float(iterates.held_out[problem]))
    return by_step


def least(scores, steps, patience=None):
    """The step of the least score, and the step at which none lower had come for so long (none: never)."""
    best = since = 0
    for step in range(1, steps + 1):
        if step in scores and (not best or scores[step] < scores[best]):
            best, since = step, 0
        elif best:
            since += 1
        if since == patience:
            return best, step
    return best, None


def fixed_twin(finite, steps):
    return max(finite, default=0), None


def last_window_twin(finite, steps, window):
    last = {step: misfit for step, (_, misfit, _) in finite.items() if step > steps - window}
    return (least(last, steps)[0] or max(finite, default=0)), None


def discrepancy_twin(finite, steps, bound):
    met = [step for step, (_, misfit, _) in finite.items() if misfit <= bound]
    return (met[0], met[0]) if met else (max(finite, default=0), None)


def cautious_twin(finite, steps, bound, window):
    best, stop = discrepancy_twin(finite, steps, bound)
    return (best, stop) if stop else last_window_twin(finite, steps, window)


def windowed_variance_twin(finite, steps, window, patience):
    scores = {}
    for step in range(window, steps + 1):
        last = [finite[s][0] for s in range(step - window + 1, step + 1) if s in finite]
        if len(last) == window:
            scores[step] = np.var(last, axis=0).sum()
    best, stop = least(scores, steps, patience)
    return best or max(finite, default=0), stop


def held_out_twin(finite, steps, patience):
    return least({step: held_out for step, (_, _, held_out) in finite.items()}, steps, patience)


def oracle_twin(finite, steps, truth):
    truth = truth.double().numpy()
    return least({step: ((image - truth) ** 2).mean() for step, (image, _, _) in finite.items()}, steps)


# By name: how to make the rule, and its slow twin for problem p, which is told all iterates and decides at the end.
CASES = {
    "fixed": (Fixed, lambda p: fixed_twin, {}),
    "last-window": (lambda: LastWindow(60, 15), lambda p: last_window_twin, {"window": 15}),
    "last-window longer": (lambda: LastWindow(60, 90), lambda p: last_window_twin, {"window": 90}),
    "last-window of one": (lambda: LastWindow(60, 1), lambda p: last_window_twin, {"window": 1}),
    "discrepancy": (lambda: Discrepancy(0.5), lambda p: discrepancy_twin, {"bound": 0.25}),
    "discrepancy never": (lambda: Discrepancy(1e-6, 2.0), lambda p: discrepancy_twin, {"bound": 4e-12}),
    "cautious-discrepancy": (
        lambda: CautiousDiscrepancy(0.5, 60, 15), lambda p: cautious_twin, {"bound": 0.7 * 0.25, "window": 15},
    ),
    "cautious-discrepancy never": (
        lambda: CautiousDiscrepancy(1e-6, 60, 15), lambda p: cautious_twin, {"bound": 0.7e-12, "window": 15},
    ),
    "windowed-variance": (
        lambda: WindowedVariance(5, 12), lambda p: windowed_variance_twin, {"window": 5, "patience": 12},
    ),
    "windowed-variance of two": (
        lambda: WindowedVariance(2, 9), lambda p: windowed_variance_twin, {"window": 2, "patience": 9},
    ),
    "held-out": (lambda: HeldOut(8), lambda p: held_out_twin, {"patience": 8}),
    "oracle": (lambda: Oracle(TRUTH), lambda p: lambda f, steps: oracle_twin(f, steps, TRUTH[p]), {}),
    "oracle of one truth": (lambda: Oracle(TRUTH[2]), lambda p: lambda f, steps: oracle_twin(f, steps, TRUTH[2]), {}),
}  # fmt: skip


def observed(chosen, history):
    """Run a rule; for each problem the step it stopped at, or none."""
    answers = torch.stack([chosen.observe(iterates) for iterates in history])
    assert (answers[1:] >= answers[:-1]).all()  # what has stopped stays stopped
    return [history[int(a.int().argmax())].step if a.any() else None for a in answers.T]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("spoilt", [0.0, 0.1, 0.6])
def test_a_rule_keeps_what_its_slow_twin_finds_among_all_iterates(name, spoilt):
    make, twin, options = CASES[name]
    stops = []
    for seed in range(6):
        history = course(seed, spoilt=spoilt)
        chosen = make()
        stopped = observed(chosen, history)
        for p in range(PROBLEMS):
            best, stop = twin(p)(one(history, p), len(history), **options)
            assert (int(chosen.best.steps[p]), stopped[p]) == (best, stop), (seed, p)
            if best:
                assert torch.equal(chosen.best.images[p], history[best - 1].images[p])
                assert chosen.best.misfits[p] == history[best - 1].misfits[p]
        stops.append(len(set(stopped)))
    if name in ("discrepancy", "windowed-variance", "held-out") and spoilt < 0.5:
        assert max(stops) > 2  # some batches had problems that stopped at different steps


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_finite_is_never_kept(name):
    nothing = [Iterates(s.step, s.images * torch.nan, s.misfits, s.held_out) for s in course(0, 20, 0.0)]
    nothing += [Iterates(s.step + 20, s.images, s.misfits * torch.nan, s.held_out) for s in course(1, 20, 0.0)]
    chosen = CASES[name][0]()
    for iterates in nothing:
        chosen.observe(iterates)
        assert torch.equal(chosen.best.images, torch.zeros(PROBLEMS, *SHAPE))
        assert not chosen.best.steps.any()
        assert chosen.best.misfits.isinf().all()
    after = course(2, 60, 0.0)[45:]
    for iterates in after:
        chosen.observe(iterates)
    assert chosen.best.images.isfinite().all()


def test_a_window_of_one_is_the_last_iterate():
    history = course(3)
    one_step, last = LastWindow(len(history), 1), Fixed()
    for iterates in history:
        one_step.observe(iterates)
        last.observe(iterates)
        assert torch.equal(one_step.best.images, last.best.images)
        assert torch.equal(one_step.best.steps, last.best.steps)


def test_an_iterate_from_before_the_window_yields_to_a_worse_one_within():
    images = torch.ones(1, *SHAPE)
    history = [
        Iterates(step, step * images, torch.tensor([m])) for step, m in enumerate([0.1, torch.nan, 5.0, 3.0, 4.0], 1)
    ]
    chosen = LastWindow(5, 4)
    observed(chosen, history)
    assert int(chosen.best.steps) == 4


def test_what_is_kept_does_not_change_under_the_rule():
    """Solvers write the next iterate over the last one; what is kept must be a copy, without its graph."""
    for name, (make, _, _) in CASES.items():
        chosen, (iterates, *_) = make(), course(4, 1, 0.0)
        iterates.images.requires_grad_()
        chosen.observe(iterates)
        images, misfits = chosen.best.images.clone(), chosen.best.misfits.clone()
        assert not chosen.best.images.requires_grad
        iterates.images.detach().fill_(9.0)
        iterates.misfits.fill_(9.0)
        assert torch.equal(chosen.best.images, images), name
        assert torch.equal(chosen.best.misfits, misfits), name


class SinglePrecision(WindowedVariance):
    """The deliberate mistake: running sums in float32."""

    def _slide(self, images, finite):
        if not len(self._ring):
            super()._slide(images, finite)
            self._sum, self._squares = self._sum.float(), self._squares.float()
            return
        super()._slide(images, finite)


def trembling(steps=2000, calmest=1500):
    """Images near 1 that tremble by ever less until one step, then by more: variances of 1e-9 beside squares of 6."""
    rng = stream(5, "trembling")
    for step in range(1, steps + 1):
        noise = 1e-5 * (1 + 3 * abs(step - calmest) / calmest) * rng.choice([-1.0, 1.0], (2, *SHAPE))
        yield Iterates(step, torch.from_numpy(1 + noise).float(), torch.ones(2))


def test_running_sums_keep_small_variances_over_thousands_of_steps():
    history = list(trembling())
    images = torch.stack([iterates.images for iterates in history]).double().numpy()
    windows = np.lib.stride_tricks.sliding_window_view(images, 50, axis=0)
    wanted = 50 + windows.var(-1).sum((2, 3, 4)).argmin(0)
    exact, rounded = WindowedVariance(50, 10**6), SinglePrecision(50, 10**6)
    for iterates in history:
        exact.observe(iterates)
        rounded.observe(iterates)
    np.testing.assert_array_equal(exact.best.steps, wanted)
    assert (rounded.best.steps - torch.from_numpy(wanted)).abs().max() > 100


def test_the_ring_holds_as_many_images_as_the_window():
    chosen = WindowedVariance(7)
    for iterates in course(6, 30):
        chosen.observe(iterates)
    assert chosen._ring.shape == (7, PROBLEMS, *SHAPE)
    assert chosen._ring.dtype == torch.float32


def test_rules_are_made_by_name_and_the_oracle_says_that_it_looks_at_the_truth():
    made = {name: stopping_rule(name, 100, noise=0.1, truth=TRUTH) for name in RULES}
    assert [type(r) for r in made.values()] == [
        Fixed, LastWindow, Discrepancy, CautiousDiscrepancy, WindowedVariance, HeldOut, Oracle,
    ]  # fmt: skip
    assert made["last-window"].begin == 81
    assert stopping_rule("last-window", 100, window=51).begin == 50
    assert made["windowed-variance"].window == 100
    assert made["discrepancy"].bound == pytest.approx(0.01)
    assert made["cautious-discrepancy"].bound == pytest.approx(0.007)
    assert made["cautious-discrepancy"].begin == 81
    assert {name: r.label for name, r in made.items() if name != r.label} == {"oracle": "oracle (uses the truth)"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: stopping_rule("never", 10), "stopping must be one of fixed, .*, oracle, got 'never'"),
        (lambda: stopping_rule("oracle", 10), "stopping by the oracle needs the true image"),
        (lambda: stopping_rule("discrepancy", 10), "stopping by discrepancy needs a noise level above 0, got 0"),
        (lambda: CautiousDiscrepancy(0.1, 0), "steps must be at least 1, got 0"),
        (lambda: Discrepancy(0.1, 0.0), "tau must be above 0, got 0"),
        (lambda: stopping_rule("last-window", 10, window=0), "window must be at least 1, got 0"),
        (lambda: stopping_rule("last-window", 0), "steps must be at least 1, got 0"),
        (lambda: stopping_rule("windowed-variance", 10, window=1), "window must be at least 2 for a variance, got 1"),
        (lambda: HeldOut(0), "patience must be at least 1, got 0"),
        (lambda: HeldOut().observe(next(trembling())), "needs measurements that were held out, got none"),
        (
            lambda: Oracle(TRUTH[0, 0]).observe(course(0)[0]),
            r"truth must have shape \(1, 2, 3\) or \(6, 1, 2, 3\), got \(2, 3\)",
        ),
    ],
)
def test_a_rule_that_lacks_what_it_needs_says_so(make, said):
    with pytest.raises(ValueError, match=said):
        make()
