"""Steps of the proof of the meta-theorem (Oymak and Soltanolkotabi 2019, quoted as CS-DIP's Theorem B.5).

The original text is not at hand; the steps are re-derived from the theorem as CS-DIP states it.
"""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import Claim, Constant, Control, Lazy, Source
from untrained.theory.proof.legacy import old

_READ = "re-derived; only CS-DIP's statement of the theorem was read"


def _step(
    name: str, says: str, tex: str, refuted_by: str, route: str, controls: tuple[Control, ...], **c: object
) -> Claim:
    return Claim(
        id=f"oymak19.{name}",
        source=Source("oymak19", f"proof of the meta-theorem, {name}", "", None, _READ),
        says=says,
        tex=tex,
        refuted_by=refuted_by,
        constants={k: Constant(v) for k, v in c.items()},
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", route),
        controls=controls,
    )


CLAIMS: tuple[Claim, ...] = (
    _step(
        "averaged_jacobian",
        "Over a step ReLU networks obey f(theta_+) - f(theta) = J_bar (theta_+ - theta), J_bar the average Jacobian on the segment.",
        r"f(\theta_+)-f(\theta)=\bar J(\theta_+-\theta)",
        "a sign pattern in which the change of ReLU differs",
        "averaged_jacobian",
        (old("endpoint", "The Jacobian at the starting point in place of the average.", {"endpoint": 1}),),
        endpoint=0,
    ),
    _step(
        "step.rate",
        "One step inside the ball: for all a = J^T r, b = J_bar^T r with ||a||, ||b|| >= b0 = (5/3) alpha ||r|| and ||a - b|| <= (2/5) b0, 2<a,b> - ||a||^2 >= (7/3) alpha^2 ||r||^2; hence ||r_+|| <= (1 - (7/6) eta alpha^2)||r||.",
        r"2\langle a,b\rangle-\|a\|^2\ge\tfrac73\alpha^2\|r\|^2\ \Rightarrow\ \|r_+\|\le(1-\tfrac76\eta\alpha^2)\|r\|",
        "vectors with ||a||, ||b|| >= (5/3) alpha ||r|| and ||a - b|| <= (2/3) alpha ||r|| below the bound",
        "inner_products",
        (old("four_thirds", "4/3 in place of 7/6.", {"rate": F(4, 3)}),),
        rate=F(7, 6),
        perturbation=F(2, 5),
    ),
    _step(
        "step.path",
        "One step inside the ball: for all such a, b, 2<a,b> - ||a||^2 >= alpha ||r|| ||a||; hence ||r|| - ||r_+|| >= (alpha/2) ||theta_+ - theta||.",
        r"2\langle a,b\rangle-\|a\|^2\ge\alpha\|r\|\|a\|\ \Rightarrow\ \|r\|-\|r_+\|\ge\tfrac\alpha2\|\theta_+-\theta\|",
        "vectors as above for which the bracket is below 2 (1/2)(3/5) x",
        "path_inequality",
        (old("three_fifths", "3/5 in place of 1/2.", {"path": F(3, 5)}),),
        path=F(1, 2),
    ),
    _step(
        "stays_inside",
        "The longest path that the one-step inequality allows and one step more, (2/alpha)(||r_0|| - ||r||) + ||r||/(2 alpha), add up to at most R = 2||r_0||/alpha: the next iterate stays inside.",
        r"\tfrac2\alpha(\|r_0\|-\|r\|)+\tfrac{\|r\|}{2\alpha}\le\tfrac{2\|r_0\|}{\alpha}",
        "a misfit between 0 and ||r_0|| at which path and step together exceed R",
        "stays_inside",
        (old("radius_1", "R = ||r_0||/alpha.", {"radius": 1}),),
        path=F(1, 2),
        radius=2,
    ),
)
