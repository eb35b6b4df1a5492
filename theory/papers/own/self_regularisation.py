"""What it costs to descend on noisy measurements to the end: c from y = AJc + e, in the singular directions of AJ.

From zero, with singular values b_i, s_i = c_i^2 and n_i = nu^2/b_i^2 the mean squared error of tau steps is the sum of q_i^2 s_i + (1 - q_i)^2
n_i, q_i = (1 - eta b_i^2)^tau, and of K, the squared norm of what AJ does not see. The limit has q_i = 0: all of the n_i.
"""

from __future__ import annotations

from fractions import Fraction as F

import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced

_EXCESS = "own.self_regularisation.excess"


def singular_directions(case: Case) -> list[tuple[F, F, F]]:
    """(s_i, n_i, q_i) of the directions of a case, eta = 1: b_i^2, s_i and nu^2 given."""
    rows = ((F(case["step"]), F(case["s"])), (F(case["step_2"]), F(case["s_2"])))
    return [(s, F(case["variance"]) / h, (1 - h) ** int(case["tau"])) for h, s in rows if h]


def mean_errors(case: Case) -> tuple[F, F]:
    """Mean squared error after tau steps, and that of the limit; the descent starts at `start` times c."""
    rows, rest = singular_directions(case), F(case["rest"])
    away = (1 - F(case["start"])) ** 2
    stopped = sum((q**2 * s * away + (1 - q) ** 2 * n for s, n, q in rows), rest)
    return stopped, sum((n for _, n, _ in rows), rest)


# The excess of the limit.


def excess_argument(p: Premises) -> Symbolic:
    """q^2 s + (1 - q)^2 n = sn/(s + n) + (s + n)(q - n/(s + n))^2."""
    s, n, q = sp.symbols("s n q", positive=True)
    stopped, best = q**2 * s + (1 - q) ** 2 * n, s * n / (s + n)
    return reduced(
        "Noise has mean zero and one variance, so a direction's error is bias and variance; the best factor leaves sn/(s + n), and the "
        "limit n: their difference bounds the excess, whatever q is. K is in both.",
        [
            ("white noise, from zero", sp.Integer(int(p.given("white") and p.given("start"))) >= 1),
            ("square", sp.simplify(stopped - best - (s + n) * (q - n / (s + n)) ** 2)),
            ("excess", sp.simplify(n - best - n**2 / (n + s))),
            ("lead", exact_number(p["lead"]) - 1),
        ],
        sufficient=True,
    )


def excess_sides(case: Case, c: Constants) -> Sides:
    """The limit's error less that of the stop, in exact numbers; the same where every q_i is the best one."""
    stopped, limit = mean_errors(case)
    unit = sum(n * n / (n + s) for s, n, _ in singular_directions(case))
    more = limit - stopped - F(c["lead"]) * unit
    attained = all(q == n / (n + s) for s, n, q in singular_directions(case))
    return Sides(abs(more) if attained else more, F(0), unit=unit)


# When it is a factor.


def factor_argument(p: Premises) -> Symbolic:
    """n <= share s makes n^2/(n + s) at most share sn/(s + n)."""
    s, n = sp.symbols("s n", positive=True)
    share = exact_number(p["share"])
    return reduced(
        "The excess is at most sum of n^2/(n + s), and every stop leaves at least the sum of sn/(s + n): their ratio is at most the "
        "largest n/s. K adds to both sides.",
        [
            ("white noise, from zero", sp.Integer(int(p.given("white") and p.given("start"))) >= 1),
            ("noise", sp.Integer(int(p.given("noise"))) >= 1),
            ("excess", exact_number(p.of(_EXCESS)["lead"]) <= 1),
            ("ratio in a direction", sp.simplify((n**2 / (n + s)) / (s * n / (s + n)) - n / s)),
            ("factor", exact_number(p["factor"]) >= 1 + share),
        ],
        sufficient=True,
    )


def factor_sides(case: Case, c: Constants) -> Sides:
    """The limit's error against the factor times that of the stop."""
    stopped, limit = mean_errors(case)
    return Sides(limit, F(c["factor"]) * stopped)


def quiet(case: Case, c: Constants) -> bool:
    """Whether nu^2 is at most share b_i^2 c_i^2 in every direction."""
    return all(n <= F(c["share"]) * s for s, n, _ in singular_directions(case))


# Which stops are better than the limit.


def sooner_argument(p: Premises) -> Symbolic:
    """q^2 s + (1 - q)^2 n - n = q(q(s + n) - 2n)."""
    s, n, share = sp.symbols("s n share", positive=True)
    q = share * exact_number(p["double"]) * n / (s + n)
    change = q**2 * s + (1 - q) ** 2 * n - n
    return reduced(
        "The change of a direction is q times q(s + n) - 2n, not positive for 0 <= q <= 2n/(s + n).",
        [
            ("white noise, from zero", sp.Integer(int(p.given("white") and p.given("start"))) >= 1),
            ("late", sp.Integer(int(p.given("late"))) >= 1),
            ("change", sp.simplify(change - q * (q * (s + n) - 2 * n))),
            ("sign", exact_number(p["double"]) <= 2),
        ],
        sufficient=True,
    )


def sooner_sides(case: Case, c: Constants) -> Sides:
    """The stop's error against the limit's."""
    stopped, limit = mean_errors(case)
    return Sides(stopped, limit, unit=limit)


def late(case: Case, c: Constants) -> bool:
    """Whether 0 <= q_i <= double n_i/(s_i + n_i) in every direction."""
    return all(0 <= q <= F(c["double"]) * n / (s + n) for s, n, q in singular_directions(case))


def _case(step: F, s: F, variance: F, tau: int = 1, **more: F | int) -> Case:
    """One direction with eta b^2, c^2, nu^2; a second one and K where given."""
    return {
        "step": step,
        "s": s,
        "variance": variance,
        "tau": tau,
        "step_2": F(0),
        "s_2": F(0),
        "rest": F(0),
        "start": F(0),
    } | more


def _quietest(c: Constants) -> tuple[Case, ...]:
    """nu^2 = share b^2 c^2 with the best factor after one step, alone, and beside others."""
    share = F(c["share"])
    h = 1 / (1 + share)
    return (
        _case(h, F(1), share * h),
        _case(h, F(1), share * h, rest=F(1)),
        _case(h, F(1), share * h, step_2=h / 2, s_2=F(5)),
        _case(F(1, 2), F(1), share / 8, 3),
        _case(F(1, 10), F(1), F(9, 10)),
        _case(h, F(1), share * h, start=F(1)),
    )


def _latest(c: Constants) -> tuple[Case, ...]:
    """q = double n/(s + n) after one step, sooner, and later."""
    cases = []
    for h in (F(1, 2), F(1, 10)):
        q, double = 1 - h, F(c["double"])
        n = F(1)
        s = n * (double / q - 1)
        cases += [_case(h, s, h * n, tau) for tau in (1, 5)]
    return (*cases, _case(F(1, 2), F(100), F(1, 2)), _case(F(1, 2), F(3), F(1, 2), start=F(-1)))


_WHITE = Hypothesis("white", "the entries of the noise are uncorrelated, of mean zero and of variance nu nu")
_START = Hypothesis("start", "the descent starts at zero", lambda case, c: case["start"] == 0)
_NOISE = Hypothesis("noise", "nu nu <= ${share:factor}(b_i c_i)(b_i c_i) in every singular direction of AJ", quiet)
_LATE = Hypothesis("late", "every q_i lies between zero and ${double:factor}n_i/(s_i + n_i)", late)
_WORDS = "s_i = c_i c_i, n_i = nu nu/(b_i b_i) for the nonzero singular values b_i of AJ"
_RISE = tuple(_case(F(h), F(s), F(h) * s * (1 - F(h)) / F(h), 1, rest=F(k)) for h in (F(1, 2), F(1, 9)) for s in (1, 7) for k in (0, 3))  # fmt: skip

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=_EXCESS,
        source=Source("own", "self-regularisation of Heckel and Soltanolkotabi 2020, with noise"),
        says=f"The mean squared error of c at the limit of descent exceeds that at any stop by at most ${{lead:factor}}the sum of n_i n_i/(n_i + s_i), {_WORDS}; attained where the stop leaves n_i/(n_i + s_i) of every direction.",
        tex=r"E_\infty-E_\tau\le ${lead:factor}\sum_i\frac{n_in_i}{n_i+s_i}",
        refuted_by="singular values, a signal and a stop that is better by more",
        domain={"tau": Range(1, 10**9)},
        hypotheses=(_WHITE, _START),
        constants={"lead": Constant(1)},
        proofs=(excess_argument,),
        exact=ExactRoute(
            (
                *_RISE,
                _case(F(1, 2), F(3), F(1, 5), 4, step_2=F(1, 7), s_2=F(2)),
                _case(F(1, 2), F(1), F(1, 2), start=F(1)),
            ),
            excess_sides,
        ),
        version=2,
        controls=(Control("lead_0.98", {"lead": F(98, 100)}), Control("lead_1.02", {"lead": F(102, 100)})),
    ),
    Claim(
        id="own.self_regularisation.factor",
        source=Source("own", "self-regularisation of Heckel and Soltanolkotabi 2020, for how much noise"),
        says="The limit of descent has at most $factor times the mean squared error of c of the best stop, b_i the nonzero singular values of AJ and c_i the coefficients in its directions.",
        tex=r"\nu\nu\le ${share:factor}\min_i(b_ic_i)(b_ic_i)\Rightarrow E_\infty\le $factor\min_\tau E_\tau",
        refuted_by="singular values, a signal and a stop that is better by more",
        domain={"tau": Range(1, 10**9)},
        hypotheses=(_WHITE, _START, _NOISE),
        constants={"share": Constant(1, "up"), "factor": Constant(2, "down")},
        needs=(_EXCESS,),
        proofs=(factor_argument,),
        exact=ExactRoute(_quietest, factor_sides),
        version=2,
        controls=(Control("share_1.05", {"share": F(105, 100)}), Control("factor_1.95", {"factor": F(195, 100)})),
    ),
    Claim(
        id="own.self_regularisation.sooner",
        source=Source("own", "with noise some stop is never worse than the limit"),
        says=f"A stop at which every direction has little left is no worse than the limit: {_WORDS}, q_i = (1 - eta b_i b_i)^tau. With any noise there is such a stop.",
        tex=r"q_i\ge 0,\ q_i\le ${double:factor}\frac{n_i}{s_i+n_i}\ \forall i\Rightarrow E_\tau\le E_\infty",
        refuted_by="a stop that is so late and worse",
        domain={"tau": Range(1, 10**9)},
        hypotheses=(_WHITE, _START, _LATE),
        constants={"double": Constant(2, "up")},
        proofs=(sooner_argument,),
        exact=ExactRoute(_latest, sooner_sides),
        version=2,
        controls=(Control("double_2.05", {"double": F(205, 100)}),),
    ),
)
