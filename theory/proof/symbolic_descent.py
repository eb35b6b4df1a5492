"""Symbolic evidence about the descent of the two-layer generator."""

from __future__ import annotations

import sympy as sp

from untrained.theory.claim import Constants
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.symbolic import exact_number, reduced


def alignments_suffice(c: Constants) -> Symbolic:
    """One step of a neuron that is on: W z and ||W_+ - W|| from h alone."""
    w1, w2, z1, z2, back, eta = sp.symbols("w1 w2 z1 z2 back eta", real=True)
    norm = sp.sqrt(z1**2 + z2**2)
    moved1, moved2 = w1 - eta * back * z1, w2 - eta * back * z2
    h, after = w1 * z1 + w2 * z2, moved1 * z1 + moved2 * z2
    claimed = h - eta * norm ** c["z_power"] * back
    length = (moved1 - w1) ** 2 + (moved2 - w2) ** 2
    return reduced(
        "The gradient in row l is phi'(h_l) (V^T r)_l z^T (`back` stands for phi'(h_l) (V^T r)_l, which h determines); "
        "two coordinates of z show all, and steps along z^T add up along z^T.",
        [("h after the step", after - claimed), ("length of the step", length - ((claimed - h) / norm) ** 2)],
    )


def off_stays_off(c: Constants) -> Symbolic:
    """The step of a neuron, its switch s = phi'(h) in {0, 1}, where it is off (or on)."""
    s, back, eta, norm = sp.symbols("s back eta norm", real=True)
    step = -eta * norm**2 * s * back
    return reduced(
        "h_l moves by -eta ||z||^2 phi'(h_l) (V^T r)_l, which vanishes with phi'(h_l): the sign of h_l is for good.",
        [("step of the neuron", step.subs(s, 1 if c["off"] else 0))],
    )


def change_is_what_is_lost(c: Constants) -> Symbolic:
    """Switches p at the start and q <= p later: (p - q)^2 = p - q, term by term."""
    v, u, z = sp.symbols("v u z", real=True)
    identities = []
    for p, q in ((0, 0), (1, 0), (1, 1)):
        change = (v * z * (p - q)) * (u * z * (p - q))
        lost = v * u * z**2 * (p - q)
        identities.append((f"entry of a neuron with switches {p}, {q}", change - lost))
    if c["norms"]:
        identities.append(("largest eigenvalue of a difference", sp.Max(1, 2) - sp.Max(3, 2) - sp.Max(1 - 3, 2 - 2)))
    return reduced(
        "A neuron that is off stays off, so q <= p, and (J_t - J_0)(J_t - J_0)^T = J_0 J_0^T - J_t J_t^T: a sum of "
        "v_l v_l^T over the neurons lost, which only grows.",
        identities,
    )


def thinned_cone(c: Constants) -> Symbolic:
    """From D columns on, D ~ Bin(d, 1/2), and Wendel's Bin(D, 1/2) to Bin(d, 1/4), by generating functions."""
    s, d = sp.symbols("s d", positive=True)
    inner = (1 + s) / 2
    mixed = ((1 + inner) / 2) ** d
    share = exact_number(c["share"])
    return reduced(
        "y is outside the cone of v_1, ..., v_D exactly when these and -y lie in a half-space; by Wendel, for "
        "independent symmetric directions, that has probability P(Bin(D, 1/2) <= n - 1). D is Bin(d, 1/2): a binomial "
        "number of a binomial number, whose generating function is E[((1 + s)/2)^D]. The output stays in this cone, "
        "for no other neuron ever comes on.",
        [("generating function", sp.log(mixed) - d * sp.log(1 - share + share * s))],
    )
