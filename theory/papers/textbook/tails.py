"""Tails and medians of scalar laws, and Wendel's count of half-spaces."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import Claim, Constant, Source

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="textbook.chernoff",
        source=Source("textbook", "Markov's inequality for e^{tX} (Chernoff 1952)"),
        says="P(X >= a) <= ${factor:factor}e^{-ta} E e^{tX} for every t >= 0.",
        tex=r"P\{X\ge a\}\le ${factor:factor}e^{-ta}\,\mathbb{E}e^{tX}",
        refuted_by="a law and a t where the probability is larger",
        constants={"factor": Constant(1, "down")},
    ),
    Claim(
        id="textbook.binomial_lower",
        source=Source("textbook", "Chernoff's bound for the binomial law (relative entropy form)"),
        says="For x <= p, Bin(d, p) <= x d with probability at most ${factor:factor}e^{-${rate:factor}d KL(x||p)}, KL the relative entropy.",
        tex=r"P\{\mathrm{Bin}(d,p)\le xd\}\le ${factor:factor}e^{-${rate:factor}d\,\mathrm{KL}(x\|p)}",
        refuted_by="d, p, x where the binomial law gives more",
        constants={"factor": Constant(1, "down"), "rate": Constant(1, "up")},
    ),
    Claim(
        id="textbook.binomial_upper",
        source=Source("textbook", "Chernoff's bound for the binomial law (Poisson form)"),
        says="For m >= dp, Bin(d, p) >= m with probability at most ${factor:factor}((dp/m)^m e^{m - dp})^$rate.",
        tex=r"P\{\mathrm{Bin}(d,p)\ge m\}\le ${factor:factor}\big((dp/m)^me^{m-dp}\big)^{$rate}",
        refuted_by="d, p, m where the binomial law gives more",
        constants={"factor": Constant(1, "down"), "rate": Constant(1, "up")},
    ),
    Claim(
        id="textbook.hoeffding",
        source=Source("textbook", "Hoeffding 1963, for the binomial law with p = 1/2"),
        says="|Bin(d, 1/2) - d/2| > u with probability at most ${factor:factor}e^{-${rate:factor}u^$power/d}, for every u >= 0.",
        tex=r"P\{|\mathrm{Bin}(d,\tfrac12)-\tfrac d2|>u\}\le ${factor:factor}e^{-${rate:factor}u^$power/d}",
        refuted_by="d, u where the binomial law gives more",
        constants={"factor": Constant(2, "down"), "rate": Constant(2, "up"), "power": Constant(2, "up")},
    ),
    Claim(
        id="textbook.bernstein_lower",
        source=Source("textbook", "lower tail of a sum of independent non-negative variables (Maurer 2003)"),
        says="For independent X_l >= 0, the sum of X_l is below its mean by more than u with probability at most ${factor:factor}e^{-${rate:factor}u^$power/sum E X_l^$moment}, for every u >= 0.",
        tex=r"P\{\sum X_l<\mathbb{E}\sum X_l-u\}\le ${factor:factor}e^{-${rate:factor}u^$power/\sum\mathbb{E}X_l^$moment}",
        refuted_by="a law of X_l >= 0 and u where the sum falls below more often",
        constants={
            "factor": Constant(1, "down"),
            "rate": Constant(F(1, 2), "up"),
            "power": Constant(2, "up"),
            "moment": Constant(2),
        },
    ),
    Claim(
        id="textbook.mills",
        source=Source("textbook", "Mills' ratio (Gordon 1941)"),
        says="phi(t)/Q(t) < ${slope:factor}t + ${inverse:factor}/t for every t > 0, phi the normal density and Q its upper tail.",
        tex=r"\varphi(t)/Q(t)<${slope:factor}t+$inverse/t",
        refuted_by="t > 0 where the ratio is larger",
        constants={"slope": Constant(1, "down"), "inverse": Constant(1, "down")},
    ),
    Claim(
        id="textbook.wendel",
        source=Source("textbook", "Wendel 1962"),
        says="D independent directions in R^n in general position, each symmetric about the origin, lie in one half-space with probability P(Bin(D - ${less}, $share) <= n - $fewer).",
        tex=r"P\{v_1,\dots,v_D\ \text{in a half-space}\}=P\{\mathrm{Bin}(D-$less,$share)\le n-$fewer\}",
        refuted_by="D, n where another share of sign patterns leaves the directions in a half-space",
        constants={"less": Constant(1), "share": Constant(F(1, 2)), "fewer": Constant(1)},
    ),
    Claim(
        id="textbook.binomial_median",
        source=Source("textbook", "Kaas and Buhrman 1980"),
        says="A median of Bin(d, p) lies between the whole numbers next to dp: P(Bin(d, p) >= m) <= $share wherever m >= dp + $above.",
        tex=r"m\ge dp+$above\Rightarrow P\{\mathrm{Bin}(d,p)\ge m\}\le $share",
        refuted_by="d, p, m where the binomial law gives more",
        constants={"share": Constant(F(1, 2), "down"), "above": Constant(1, "down")},
    ),
)
