"""Gaussian matrices and vectors: extreme singular values, concentration, suprema."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import Claim, Constant, Source

_HALF = F(1, 2)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="textbook.davidson_szarek.largest",
        source=Source("textbook", "Davidson and Szarek 2001, Theorem II.13"),
        says="For V of shape n x s with independent standard normal entries, ||V|| > ${columns:factor}sqrt s + ${rows:factor}sqrt n + t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
        tex=r"P\{\|V\|>${columns:factor}\sqrt s+${rows:factor}\sqrt n+t\}\le ${factor:factor}e^{-${rate:factor}t^$power}",
        refuted_by="n, s, t where the exact law of the largest eigenvalue of V V^T gives more",
        constants={
            "columns": Constant(1, "down"),
            "rows": Constant(1, "down"),
            "factor": Constant(1, "down"),
            "rate": Constant(_HALF, "up"),
            "power": Constant(2, "up"),
        },
    ),
    Claim(
        id="textbook.davidson_szarek.smallest",
        source=Source("textbook", "Davidson and Szarek 2001, Theorem II.13"),
        says="For V of shape n x s with independent standard normal entries, its n-th singular value is below ${columns:factor}sqrt s - ${rows:factor}sqrt n - t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
        tex=r"P\{\sigma_n(V)<${columns:factor}\sqrt s-${rows:factor}\sqrt n-t\}\le ${factor:factor}e^{-${rate:factor}t^$power}",
        refuted_by="n, s, t where the exact law of the smallest eigenvalue of V V^T gives more",
        constants={
            "columns": Constant(1, "up"),
            "rows": Constant(1, "down"),
            "factor": Constant(1, "down"),
            "rate": Constant(_HALF, "up"),
            "power": Constant(2, "up"),
        },
    ),
    Claim(
        id="textbook.gaussian_lipschitz",
        source=Source("textbook", "Gaussian concentration (Tsirelson, Ibragimov, Sudakov 1976)"),
        says="For a function F of independent standard normal variables with Lipschitz constant $lipschitz, F > E F + t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
        tex=r"P\{F>\mathbb{E}F+t\}\le ${factor:factor}e^{-${rate:factor}t^$power}",
        refuted_by="a Lipschitz function whose tail is heavier",
        constants={
            "lipschitz": Constant(1, "up"),
            "factor": Constant(1, "down"),
            "rate": Constant(_HALF, "up"),
            "power": Constant(2, "up"),
        },
    ),
    Claim(
        id="textbook.chevet",
        source=Source("textbook", "Chevet 1978; Gordon 1985"),
        says="For V of shape n x d with independent standard normal entries, E max over |S| = s of ||V_S|| is at most ${rows:factor}sqrt n + ${width:factor}E max over |S| = s of ||g_S||, g standard normal in R^d.",
        tex=r"\mathbb{E}\max_{|S|=s}\|V_S\|\le ${rows:factor}\sqrt n+${width:factor}\mathbb{E}\max_{|S|=s}\|g_S\|",
        refuted_by="n, d, s where the mean is larger",
        constants={"rows": Constant(1, "down"), "width": Constant(1, "down")},
    ),
    Claim(
        id="textbook.wishart",
        source=Source("textbook", "de Bruijn 1955; Chiani 2014: eigenvalues of a real Wishart matrix"),
        says="For V of shape n x s with independent standard normal entries, s >= n, the eigenvalues of V V^T have a density proportional to the product of x_i^{(s - n - ${offset})/$halving} e^{-x_i/$halving} and of their distances |x_i - x_j|.",
        tex=r"f(x)\propto\prod_i x_i^{(s-n-$offset)/$halving}e^{-x_i/$halving}\prod_{i<j}|x_i-x_j|",
        refuted_by="a probability that differs from an integral done another way",
        constants={"offset": Constant(1), "halving": Constant(2)},
    ),
)
