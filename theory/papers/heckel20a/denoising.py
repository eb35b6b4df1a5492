"""The linear warm-up and the denoising theorem in the linearised model: filters, signal part, early stopping.

Descent from 0 on ||J c - y||^2/2, y = x + z, lambda_1 >= lambda_2 >= ... the eigenvalues of J J^T. Source: heckel20a
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    FAILURE_SIDES,
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
from untrained.theory.laws.quadratic_forms import QuadraticForm
from untrained.theory.objects import dual_kernels
from untrained.theory.objects.residual_filters import LinearDenoising, early_stopping_time
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced

_LIPSCHITZ = "textbook.gaussian_lipschitz"
_SIGNAL, _MEAN = "heckel20a.linear.signal", "heckel20a.early_stopping.mean"
_MEMORY = (
    "from memory, the paper's text was not seen: failure at most e^{-k^2} + 1/n^2, the first of it by the random weights, "
    "which the linear model does not have"
)


def _source(label: str, equation: str, reading: str = "") -> Source:
    return Source("heckel20a", label, equation, None, reading or "from memory and the notebooks; re-derived")


# The filters.


def recursion_argument(p: Premises) -> Symbolic:
    """r = y - s c along one pair of singular vectors, c+ = c - eta d/dc loss."""
    s, c, y, eta, other = sp.symbols("s c y eta other", real=True)
    start = sp.Integer(0) if p.given("start") else other
    loss = exact_number(p["loss_factor"]) * (s * c - y) ** 2
    after = y - s * (c - eta * sp.diff(loss, c))
    return reduced(
        "Along one pair of singular vectors a step multiplies the residual by 1 - eta lambda, whatever it was; from c = 0 it "
        "is y, and tau steps multiply tau times.",
        [
            ("one step", sp.expand(after - (1 - exact_number(p["rate"]) * eta * s**2) * (y - s * c))),
            ("residual at the start", y - s * start - y),
        ],
    )


def descent_of_one(case: Case, c: Constants) -> Sides:
    """The descent in rational numbers, against the filter."""
    s, y, eta, at = F(case["s"]), F(1), F(case["eta"]), F(case["from"])
    for _ in range(case["tau"]):
        at -= eta * 2 * F(c["loss_factor"]) * s * (s * at - y)
    left = (1 - F(c["rate"]) * eta * s**2) ** case["tau"] * y
    return Sides(abs(y - s * at - left), F(0), unit=F(1))


def signal_argument(p: Premises) -> Symbolic:
    """lambda_i = lambda_p + more for i <= p, and no factor is below 0."""
    eta, more, rest = sp.symbols("eta more rest", nonnegative=True)
    least = sp.Symbol("least", positive=True)  # lambda_p; 1/eta is lambda_i + rest
    both = p.given("span") and p.given("step")
    return reduced(
        "Each coefficient of x is multiplied by (1 - eta lambda_i)^tau, 0 <= 1 - eta lambda_i <= 1 - eta lambda_p for i <= p, and "
        "by 0 <= tau this is at most (1 - eta lambda_p)^tau; the other coefficients are 0.",
        [
            ("both hypotheses", sp.Integer(int(both)) >= 1),
            ("factors fall", sp.expand((1 - eta * least) - (1 - eta * (least + more))) - eta * more),
            ("no factor is negative", sp.simplify(1 - (least + more) / (least + more + rest)) >= 0),
            ("factor", exact_number(p["factor"]) >= 1),
            ("exponent", exact_number(p["lead"]) <= 1),
        ],
        sufficient=True,
    )


def signal_of_two(case: Case, c: Constants) -> Sides:
    """||x|| = 1 on one vector of the basis, eta lambda there against eta lambda_p."""
    steps, tau = F(case["steps"]), case["tau"]
    return Sides(abs(1 - steps) ** tau, float(c["factor"]) * float(1 - F(case["least"])) ** (float(c["lead"]) * tau))


# The stopping time of the theorem.


def noise_mean_argument(p: Premises) -> Symbolic:
    """At most 1 for i <= p and at most p/n for i > p."""
    x = sp.Symbol("x", positive=True)  # p/n
    factor, less, power = (exact_number(p[name]) for name in ("factor", "less", "power"))
    stands = p.given("step") and p.given("white")
    return reduced(
        "At tau the filter of lambda_{p+} is sqrt(p/n); filters rise with lambda and are at most one, so the mean is at most "
        "that of p ones and n - p times p/n; and (p/n)^c falls in c.",
        [
            ("both hypotheses", sp.Integer(int(stands)) >= 1),
            ("p ones and n - p times p/n", sp.expand(x + (1 - x) * x - (2 * x - x**2))),
            ("factor", factor >= 2),
            ("less", sp.And(less <= 1, less >= 0)),
            ("power", power >= 2),
        ],
        sufficient=True,
    )


def noise_of_two_values(case: Case, c: Constants) -> Sides:
    """One step: eta lambda is `first` for i <= p and sqrt(p/n) beyond, so the filters are these."""
    share = F(case["p"], case["n"])
    mean = share * F(case["first"]) ** 2 + (1 - share) * share
    taken = share ** F(c["power"]) if F(c["power"]).denominator == 1 else float(share) ** float(c["power"])
    return Sides(mean, F(c["factor"]) * share - F(c["less"]) * taken)


@cache
def triangle_spectrum(length: int, half_width: int) -> tuple[Array, float]:
    """Falling eigenvalues, and the step 1/||Fu||_inf^2."""
    return falling_spectrum(dual_kernels.triangle_kernel(length, half_width))


def falling_spectrum(kernel: Array) -> tuple[Array, float]:
    """Eigenvalues of Sigma(U) from the largest on, and the step 1/||Fu||_inf^2, of a kernel on a line."""
    values = np.sort(dual_kernels.basis_spectrum(kernel))[::-1]
    return values, 1 / float(np.square(dual_kernels.transfer(kernel)).max())


def exceeds_printed(case: Case, c: Constants) -> Sides:
    """P(noise part above the bound), exact, for a triangle or for the identity and a multiple of the mean."""
    if "floor" in case:
        values, eta = falling_spectrum(float(case["floor"]) + (np.arange(case["n"]) == 0))
    else:
        values, eta = triangle_spectrum(case["n"], case["half_width"])
    law = LinearDenoising(np.zeros(case["n"]), values, eta, 1.0).noise_part(early_stopping_time(values, eta, case["p"]))
    failure = law.above(float(c["factor"]) * case["p"] / case["n"])
    return Sides(failure, float(case["n"]) ** -float(c["power"]))


def _mean_within(p: Premises) -> list[tuple[str, Any]]:
    """Whether the mean square is at most factor p/n: what is taken off it is not negative."""
    mean = p.of(_MEAN)
    return [
        ("mean", exact_number(p["factor"]) >= exact_number(mean["factor"])),
        ("what is taken off the mean", exact_number(mean["less"]) >= 0),
    ]


def corrected_argument(p: Premises) -> Symbolic:
    """||F z|| is a Lipschitz function of z, and its mean at most the root of its mean square."""
    tail = p.of(_LIPSCHITZ)
    n = sp.Symbol("n", positive=True)
    slope = exact_number(p["slope"])
    t = slope * sp.sqrt(sp.log(n))
    exponent = exact_number(tail["rate"]) * t ** exact_number(tail["power"]) / sp.log(n)
    stands = p.given("step") and p.given("gaussian")
    return reduced(
        "The noise part's norm is a Lipschitz function of standard normal variables with constant varsigma/sqrt(n), as no filter "
        "is above one; its mean is at most varsigma sqrt(2p/n) by `heckel20a.early_stopping.mean`.",
        [
            ("both hypotheses", sp.Integer(int(stands)) >= 1),
            *_mean_within(p),
            ("Lipschitz", exact_number(tail["lipschitz"]) >= 1),
            ("a tail", exact_number(tail["factor"]) <= 1),
            ("exponent", sp.simplify(exponent) >= exact_number(p["power"])),
        ],
        sufficient=True,
    )


def exceeds_corrected(case: Case, c: Constants) -> Sides:
    """Filters one for i <= p and sqrt(p/n) beyond, the worst of all; z as stated."""
    n, p = case["n"], case["p"]
    filters = np.where(np.arange(n) < p, float(case["first"]), math.sqrt(p / n))
    bound = math.sqrt(float(c["factor"]) * p) + float(c["slope"]) * math.sqrt(math.log(n))
    return Sides(QuadraticForm(np.zeros(n), filters).above(bound**2), float(n) ** -float(c["power"]))


def bound_argument(p: Premises) -> Symbolic:
    """The mean of z is zero, so the risk is the sum of both squares, at most the square of the sum."""
    signal, noise = sp.symbols("signal noise", nonnegative=True)
    stands = p.given("span") and p.given("step") and p.given("white")
    return reduced(
        "The error is the noise part less what is left of x; its mean square is that of both, as z has mean zero, and the root "
        "of a sum of two squares is at most the sum.",
        [
            ("hypotheses", sp.Integer(int(stands)) >= 1),
            ("square of the sum", sp.expand((signal + noise) ** 2 - signal**2 - noise**2) >= 0),
            ("factor of the signal", exact_number(p.of(_SIGNAL)["factor"]) <= 1),
            ("exponent of the signal", exact_number(p["lead"]) <= exact_number(p.of(_SIGNAL)["lead"])),
            *_mean_within(p),
        ],
        sufficient=True,
    )


def whole_bound(case: Case, c: Constants) -> Sides:
    """Root of the exact risk, x = w_p, against the theorem's bound."""
    left, values, eta, tau = _stopped(case, c)
    signal = np.zeros(case["n"])
    signal[case["p"] - 1] = 1
    risk = LinearDenoising(signal, values, eta, case["noise"]).risk(tau)
    return Sides(math.sqrt(risk), left + case["noise"] * math.sqrt(float(c["factor"]) * case["p"] / case["n"]))


def bound_is_of_use(case: Case, c: Constants) -> bool:
    """Whether it is below ||x|| and below varsigma: what 0 and y themselves attain."""
    return bool(whole_bound(case, c).rhs < min(1.0, case["noise"]))


def _stopped(case: Case, c: Constants) -> tuple[float, Array, float, float]:
    values, eta = triangle_spectrum(case["n"], case["half_width"])
    tau = early_stopping_time(values, eta, case["p"])
    return float((1 - eta * values[case["p"] - 1]) ** (float(c["lead"]) * tau)), values, eta, tau


_STEP = Hypothesis(
    "step",
    "lambda_1 >= lambda_2 >= ... are the eigenvalues of JJ^T, lambda_{p+} the one after lambda_p, and eta is at most the inverse of lambda_1",
    lambda case, c: case.get("first", 0) <= 1 and case.get("steps", 0) <= 1,
)
_SPAN = Hypothesis(
    "span",
    "x lies in the span of the first p eigenvectors",
    lambda case, c: case.get("steps", 1) >= case.get("least", 0),
)
_WHITE = Hypothesis("white", "the entries of z are uncorrelated, of mean zero and of one variance")
_GAUSSIAN = Hypothesis("gaussian", "z has independent normal entries of mean zero and of one variance")
_TAU = r"\tau=\tfrac{\ln(1-\sqrt{p/n})}{\ln(1-\eta\lambda_{p+})}"
_ONES = tuple({"s": s, "eta": e, "tau": t, "from": 0} for s in (F(1, 2), F(1)) for e in (F(1, 3), F(1)) for t in (1, 3))
_TRIANGLES = tuple({"n": 300, "half_width": w, "p": p} for w in (5, 10, 20, 30) for p in range(1, 62, 2))
_FLAT = tuple(
    {"n": n, "p": p, "first": 1}
    for n, p in ((4, 1), (100, 1), (100, 25), (300, 61), (10**6, 10**3), (10**6, 10**6 - 1))
)
_SPIKES = tuple({"n": n, "p": p, "first": 1} for n in (10, 300, 3000) for p in (1, 3) if p < n)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="heckel20a.linear.residual",
        source=_source("Section on linear least squares", "r_tau = sum (1 - eta sigma_i^2)^tau <w_i, y> w_i"),
        says="Gradient descent of $loss_factor times the squared norm of Jc - y leaves, after tau steps of length eta, (1 - ${rate:factor}eta lambda_i)^tau of the coefficient of y along the eigenvector of JJ^T with eigenvalue lambda_i.",
        tex=r"\langle w_i,y-Jc_\tau\rangle=(1-${rate:factor}\eta\lambda_i)^\tau\langle w_i,y\rangle,\ L=$loss_factor\langle Jc-y,Jc-y\rangle",
        refuted_by="a descent that leaves another residual",
        domain={"eta": Range(0, 1e9, False), "tau": Range(0, 10**9)},
        hypotheses=(Hypothesis("start", "the descent starts at zero", lambda case, c: case["from"] == 0),),
        constants={
            "loss_factor": Constant(F(1, 2)),
            "rate": Constant(1),
        },
        proofs=(recursion_argument,),
        exact=ExactRoute((*_ONES, {"s": F(1), "eta": F(1, 3), "tau": 2, "from": 1}), descent_of_one),
        controls=(Control("rate_1.05", {"rate": F(105, 100)}), Control("loss_0.45", {"loss_factor": F(45, 100)})),
    ),
    Claim(
        id=_SIGNAL,
        source=_source("Denoising theorem, its first term", "(1 - eta sigma_p^2)^tau ||x||"),
        says="What tau steps leave of x is at most ${factor:factor}(1 - eta lambda_p)^{${lead:factor}tau}||x||.",
        tex=r"\|(I-\eta JJ^T)^\tau x\|\le ${factor:factor}(1-\eta\lambda_p)^{${lead:factor}\tau}\|x\|",
        refuted_by="a signal in the span of which more is left",
        domain={"eta": Range(0, 1e9, False), "tau": Range(0, 10**9), "p": Range(1, 10**9)},
        hypotheses=(
            _SPAN,
            _STEP,
        ),
        constants={"factor": Constant(1, "down"), "lead": Constant(1, "up")},
        proofs=(signal_argument,),
        exact=ExactRoute(
            (
                *({"steps": F(s), "least": F(1, 4), "tau": t} for s in (F(1, 4), F(1, 2), F(1)) for t in (1, 7)),
                {"steps": F(1, 8), "least": F(1, 4), "tau": 3},
                {"steps": F(2), "least": F(1, 4), "tau": 3},
            ),
            signal_of_two,
        ),
        controls=(Control("factor_0.98", {"factor": F(98, 100)}), Control("lead_1.05", {"lead": F(105, 100)})),
    ),
    Claim(
        id=_MEAN,
        source=_source("Denoising theorem, its stopping time, in the mean", "varsigma sqrt(2p/n)"),
        says="At tau = ln(1 - sqrt(p/n))/ln(1 - eta lambda_{p+}) the mean of the squared noise part, that of sum_i (1 - (1 - eta lambda_i)^tau)z_i w_i, is at most $factor p/n - ${less:factor}(p/n)^$power times that of z.",
        tex=_TAU
        + r"\Rightarrow\mathbb E\langle Fz,Fz\rangle\le($factor\tfrac pn-${less:factor}(\tfrac pn)^{$power})\mathbb E\langle z,z\rangle,\ F=I-(I-\eta JJ^T)^\tau",
        refuted_by="a spectrum at which the mean is larger",
        domain={"n": Range(2, 10**9), "p": Range(1, 10**9), "eta": Range(0, 1e9, False)},
        hypotheses=(_STEP, _WHITE),
        constants={
            "factor": Constant(2, "down"),
            "less": Constant(1, "up"),
            "power": Constant(2, "down"),
        },
        proofs=(noise_mean_argument,),
        exact=ExactRoute((*_FLAT, {"n": 100, "p": 25, "first": 2}), noise_of_two_values),
        controls=(
            Control("factor_1.98", {"factor": F(198, 100)}),
            Control("less_1.05", {"less": F(105, 100)}),
            Control("power_1.95", {"power": F(195, 100)}),
        ),
    ),
    Claim(
        id="heckel20a.early_stopping.probable.printed",
        source=_source(
            "Denoising theorem, its stopping time", "varsigma sqrt(2p/n) with probability 1 - 1/n^2", _MEMORY
        ),
        says="At that tau the squared noise part is at most $factor p/n times the mean of the squared norm of z but with probability n^{-$power}, for the linear model of every kernel.",
        tex=_TAU
        + r"\Rightarrow P\{\langle Fz,Fz\rangle>$factor\tfrac pn\mathbb E\langle z,z\rangle\}\le n^{-$power},\ F=I-(I-\eta JJ^T)^\tau",
        refuted_by="a kernel at which the bound fails more often",
        domain={"n": Range(2, 10**9), "p": Range(1, 10**9)},
        hypotheses=(_STEP, _GAUSSIAN),
        constants={
            "factor": Constant(2, "down"),
            "power": Constant(2, "up"),
        },
        exact=ExactRoute(({"n": 300, "floor": F(1, 10), "p": 1}, *_TRIANGLES), exceeds_printed, compares=FAILURE_SIDES),
        controls=(Control("factor_1.9", {"factor": F(19, 10)}),),
    ),
    Claim(
        id="heckel20a.early_stopping.probable.corrected",
        source=_source("Denoising theorem, its stopping time, with room for the deviation", "", _MEMORY),
        says="At that tau the norm of the noise part is at most varsigma(sqrt($factor p/n) + ${slope:factor}sqrt(ln(n)/n)) but with probability n^{-$power}, varsigma the root of the mean of the squared norm of z.",
        tex=_TAU
        + r"\Rightarrow P\{\|(I-(I-\eta JJ^T)^\tau)z\|>\varsigma(\sqrt{$factor p/n}+${slope:factor}\sqrt{\ln(n)/n})\}\le n^{-$power}",
        refuted_by="a spectrum at which the bound fails more often",
        domain={"n": Range(2, 10**9), "p": Range(1, 10**9)},
        hypotheses=(_STEP, _GAUSSIAN),
        constants={
            "factor": Constant(2, "down"),
            "slope": Constant(2, "down"),
            "power": Constant(2, "up"),
        },
        needs=(_MEAN, _LIPSCHITZ),
        proofs=(corrected_argument,),
        exact=ExactRoute((*_SPIKES, {"n": 300, "p": 1, "first": 2}), exceeds_corrected, compares=FAILURE_SIDES),
        controls=(Control("slope_4/3", {"slope": F(4, 3)}),),
    ),
    Claim(
        id="heckel20a.early_stopping.bound",
        source=_source("Denoising theorem with its stopping time, both terms", "", _MEMORY),
        says="At that tau the root of the mean squared error is at most (1 - eta lambda_p)^{${lead:factor}tau}||x|| + varsigma sqrt($factor p/n), varsigma the root of the mean of the squared norm of z.",
        tex=_TAU
        + r"\Rightarrow\sqrt{\mathbb E\langle\hat x-x,\hat x-x\rangle}\le(1-\eta\lambda_p)^{${lead:factor}\tau}\|x\|+\varsigma\sqrt{$factor p/n}",
        refuted_by="a signal of which more is left, or more noise",
        domain={"n": Range(2, 10**9), "p": Range(1, 10**9)},
        hypotheses=(_SPAN, _STEP, _WHITE),
        constants={"lead": Constant(1, "up"), "factor": Constant(2, "down")},
        needs=(_SIGNAL, _MEAN),
        proofs=(bound_argument,),
        exact=ExactRoute(
            tuple(
                {"n": 300, "half_width": w, "p": p, "noise": noise}
                for w in (5, 10, 20, 30, 50)
                for p in range(1, 62, 2)
                for noise in (1e-3, 0.3, 1.0, 3.0, 1e3)
            ),
            whole_bound,
            informative=bound_is_of_use,
        ),
        controls=(Control("lead_1.1", {"lead": F(11, 10)}),),
        version=2,
    ),
)
