"""Second moments of a standard normal vector over a cone of as many half-spaces as it has entries, up to five.

E[v v^T; n_i.v > 0 for all i] is by Gaussian integration by parts the probability of the cone times the identity, plus
a term for each pair of its faces: E v v^T 1 = P I + (1/(2 pi)) sum n_i (n_j - c n_i)^T/sqrt(1 - c^2) P(face ij).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from flint import acb, arb, ctx

from untrained.theory.proof.balls import ball

Vector = Sequence[arb]
Matrix = Sequence[Sequence[arb]]
LARGEST_CONE = 5
"""Half-spaces of a cone whose probability is computed."""


def dot(u: Vector, v: Vector) -> arb:
    """Inner product of two vectors of one length."""
    return sum((a * b for a, b in zip(u, v, strict=True)), arb(0))


def along(matrix: Matrix, v: Vector) -> list[arb]:
    """Product of a matrix, by rows, with a vector."""
    return [dot(row, v) for row in matrix]


def orthant(cosines: Matrix) -> arb:
    """P(x_i > 0 for all i) of normal variables with these correlations, up to five of them.

    Raises
    ------
    ValueError
        where there are more.
    Source: Plackett 1954 for four; for three the area of a spherical triangle, for five the symmetry of the law.
    """
    size = len(cosines)
    if size > LARGEST_CONE:
        raise ValueError(f"cosines must be of at most {LARGEST_CONE} half-spaces, got {size}")
    if size == LARGEST_CONE:
        return _by_symmetry(cosines)
    pairs = list(combinations(range(size), 2))
    independent = ball(Fraction(1, 2**size))
    if size < LARGEST_CONE - 1:
        return independent + sum((cosines[i][j].asin() for i, j in pairs), arb(0)) / (arb.pi() * 2 ** (size - 1))
    return independent + sum((_plackett(cosines, i, j) for i, j in pairs), arb(0))


def _by_symmetry(cosines: Matrix) -> arb:
    """P of all above 0 is P of none, 1 - P(one) + ... - P(all), where their number is odd."""
    size, total = len(cosines), arb(1)
    for count in range(1, size):
        for chosen in combinations(range(size), count):
            total += (-1) ** count * orthant([[cosines[i][j] for j in chosen] for i in chosen])
    return total / 2


def _plackett(cosines: Matrix, i: int, j: int) -> arb:
    """The integral over t of c_ij dP/dc_ij at correlations t c: the density of both faces, times P of the other two."""
    k, m = sorted({0, 1, 2, 3} - {i, j})
    c = {pair: acb(cosines[pair[0]][pair[1]]) for pair in ((i, j), (i, k), (i, m), (j, k), (j, m), (k, m))}

    def density(t: acb, analytic: bool) -> acb:
        a, b, e = t * c[i, j], t * c[i, k], t * c[i, m]
        f, g = t * c[j, k], t * c[j, m]
        rest = 1 - a * a
        shared = (t * c[k, m]) * rest - (b * e + f * g - a * (b * g + e * f))
        own = (rest - (b * b + f * f - 2 * a * b * f)) * (rest - (e * e + g * g - 2 * a * e * g))
        rho = shared / own.sqrt(analytic=analytic)
        if analytic and not rho.abs_upper() < 1:
            return acb("nan")
        return c[i, j] / rest.sqrt(analytic=analytic) * rho.asin() / (4 * arb.pi() ** 2)

    close = arb(2) ** -(ctx.prec // 2)  # what the quadrature aims at; its ball says what it reached
    return cosines[i][j].asin() / (8 * arb.pi()) + acb.integral(density, 0, 1, rel_tol=close, abs_tol=close).real


def second_moments(normals: Matrix) -> list[list[arb]]:
    """E[v v^T; n_i.v > 0 for all i], v standard normal in R^m, for m independent normals n_i of any length.

    Raises
    ------
    ValueError
        where there are not as many normals as entries, or more than five.
    """
    size = len(normals)
    if any(len(normal) != size for normal in normals):
        raise ValueError(f"normals must be as many as their entries, got {size} of {[len(n) for n in normals]} entries")
    units = [_unit(normal) for normal in normals]
    cosines = [[dot(u, v) if i != j else arb(1) for j, v in enumerate(units)] for i, u in enumerate(units)]
    inside = orthant(cosines)
    moments = [[inside if a == b else arb(0) for b in range(size)] for a in range(size)]
    for i in range(size):
        for j in range(size):
            if i != j:
                _add_face(moments, units, cosines, i, j)
    return moments


def _add_face(moments: list[list[arb]], units: Matrix, cosines: Matrix, i: int, j: int) -> None:
    """Add the term of face i whose own boundary is with face j."""
    c = cosines[i][j]
    inner = (1 - c * c).sqrt()
    weight = orthant(_given(cosines, i, j)) / (2 * arb.pi() * inner)
    for a, p in enumerate(units[i]):
        for b, (q, r) in enumerate(zip(units[i], units[j], strict=True)):
            moments[a][b] += weight * p * (r - c * q)


def _given(cosines: Matrix, i: int, j: int) -> list[list[arb]]:
    """Correlations of the others given that x_i = x_j = 0."""
    others = [k for k in range(len(cosines)) if k not in (i, j)]
    c, rest = cosines[i][j], 1 - cosines[i][j] ** 2

    def covariance(k: int, m: int) -> arb:
        b, f, e, g = cosines[i][k], cosines[j][k], cosines[i][m], cosines[j][m]
        return cosines[k][m] - (b * e + f * g - c * (b * g + e * f)) / rest

    deviations = {k: covariance(k, k).sqrt() for k in others}
    return [[arb(1) if k == m else covariance(k, m) / (deviations[k] * deviations[m]) for m in others] for k in others]


def _unit(vector: Vector) -> list[arb]:
    length = dot(vector, vector).sqrt()
    return [entry / length for entry in vector]
