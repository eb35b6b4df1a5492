from math import exp

from scipy.stats import chi2

from untrained.theory.claim import Claim, Constant, Control, CountRoute, Draw, ExactRoute, Sides, Source


def claimed(case, c):
    n, eps = case["n"], case["eps"]
    return c["factor"] * exp(-n * (c["square"] - c["cube"] * eps) * eps ** c["power"])


def exact(case, c):  # n ||A x||^2 / ||x||^2 is chi-square with n degrees of freedom
    n, eps = case["n"], case["eps"]
    return Sides(chi2.sf(n * (1 + eps), n) + chi2.cdf(n * (1 - eps), n), claimed(case, c))


SIZES = ((1, 0.001), (1, 0.9), (20, 0.5), (10**4, 0.001), (10**4, 0.2), (10**6, 0.05))
NUMBERS = {"factor": (2, "down"), "square": (1 / 4, "up"), "cube": (1 / 6, "down"), "power": (2, "down")}
LENGTHS = Claim(
    id="jl.lengths",
    source=Source("jl", "Johnson-Lindenstrauss lemma, one vector"),
    says="The energy of A x is off by a part eps with probability <= $factor e^{-n($square - $cube eps) eps^$power}.",
    tex=r"\Pr\le$factor\,e^{-n($square-$cube\,\varepsilon)\varepsilon^{$power}}",
    refuted_by="n and eps where the exact failure probability is larger",
    law={"g": Draw("gaussian", ("n",))},
    constants={name: Constant(*number) for name, number in NUMBERS.items()},
    exact=ExactRoute(tuple({"n": n, "eps": eps} for n, eps in SIZES), exact),
    count=CountRoute(
        ({"n": 20, "eps": 0.5},),
        lambda case, c: Sides(abs((case["g"] ** 2).mean(axis=1) - 1), case["eps"]),
        lambda case, c: 1 - claimed(case, c),
        trials=2000,
    ),
    controls=(Control("square_0.26", {"square": 0.26}), Control("factor_0.99", {"factor": 0.99})),
)
