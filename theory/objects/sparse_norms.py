"""sup over |S| <= s of ||V_S||, V Gaussian n x d: the width of the sparse unit vectors, exactly and bounded.

Chevet: E sup ||V_S|| <= sqrt(n) + w(s), w(s) = E max_{|S| = s} ||g_S||, and the supremum is 1-Lipschitz in V.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad
from scipy.special import betainc, ndtri

from untrained.theory.objects.shapes import Array, real_array, whole_number


def energy_of_largest(share: float) -> float:
    """L(p) = E[g^2; |g| > t], P(|g| > t) = p: the energy per coordinate of the largest share p of a Gaussian.

    L(p) = p + 2 t phi(t). By duality E max_{|S|=s} ||g_S||^2 <= d L(s/d) for every d.

    Raises
    ------
    ValueError
        where the share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in [0, 1], got {share}")
    if share == 0:
        return 0.0
    t = -float(ndtri(share / 2))
    if math.isinf(t):
        return share
    return share + 2 * t * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def width_bound(sparsity: float, width: int, *, linear: float = 1.0) -> float:
    """sqrt(2 s log(d/s) + c s): with c = 1 a bound on w(s) for all s <= d; c = 0 is the printed form.

    Raises
    ------
    ValueError
        where s is not in (0, d].
    Source: vanveen18 eq. (14)
    """
    s, d = sparsity, width
    if not 0 < s <= d:
        raise ValueError(f"sparsity must lie in (0, width], got {s} with width {d}")
    return math.sqrt(max(0.0, 2 * s * math.log(d / s) + linear * s))


def width_by_duality(sparsity: int, width: int) -> float:
    """sqrt(d L(s/d)), the sharper bound on w(s)."""
    d = whole_number("width", width, 1)
    return math.sqrt(d * energy_of_largest(whole_number("sparsity", sparsity, 1) / d))


def squared_width_exact(sparsity: int, width: int) -> float:
    """E max_{|S|=s} ||g_S||^2, the sum of the s largest expected order statistics of d chi-squares.

    E sum of the s largest = integral over t of t^2's weight: d E[g^2 P(fewer than s of the others exceed |g|)].
    """
    s, d = whole_number("sparsity", sparsity, 1), whole_number("width", width, 1)
    if s > d:
        raise ValueError(f"sparsity must be at most the width {d}, got {s}")
    if s == d:
        return float(d)

    def weight(t: float) -> float:
        above = math.erfc(t / math.sqrt(2))
        share_above = betainc(d - s, s, 1 - above) if above < 1 else 0.0
        return 2 * t * t * math.exp(-t * t / 2) / math.sqrt(2 * math.pi) * float(share_above)

    middle = -float(ndtri(s / d / 2))
    return d * (quad(weight, 0, middle, limit=200)[0] + quad(weight, middle, middle + 12, limit=200)[0])


def largest_norm_exhaustive(output_weights: Array, sparsity: int) -> float:
    """sup over |S| = s of ||V_S|| by trying every S: for small d only."""
    from itertools import combinations

    V = real_array("output_weights", output_weights, 2)
    s, columns = whole_number("sparsity", sparsity, 1), range(V.shape[-1])
    if s > len(columns):
        raise ValueError(f"sparsity must be at most the width {len(columns)}, got {s}")
    return max(float(np.linalg.norm(V[:, list(S)], 2)) for S in combinations(columns, s))
