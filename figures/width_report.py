"""What is known of a width, in words: what the sharper theorem says of it, the least widths, and what else there is."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from untrained.figures.tables import Parts, Table, number
from untrained.sims.diagnosis.width_answer import LAW_SIZES, WidthAnswer
from untrained.theory.wording import written

if TYPE_CHECKING:
    from untrained.sims.diagnosis.width_runs import WidthRuns

_TINY = -290 * math.log(10)
"""Logarithm of a probability below which it is written as a power of ten."""


def width_parts(answer: WidthAnswer) -> Parts:
    """Return all that is known of n rows and d neurons."""
    runs: Parts = ["", _drawn(answer.runs)] if answer.runs else []
    return [*_head(answer), "", _here(answer), *runs, "", _least(answer), "", _beside(answer)]


def _head(answer: WidthAnswer) -> list[str]:
    n, d, theorem = answer.rows, answer.width, answer.theorem
    name = "own.sharper.descent" if theorem.step else "own.sharper.flow"
    verb = "covers it, but for probability" if answer.covers else "does not cover it with a failure probability of"
    return [
        f"n = {_whole(n)}, d = {_whole(d)} = {number(d / n)} n, {_method(answer)}",
        f"The sharper theorem ({name}) {verb} {_probability(theorem.log_failure)}.",
    ]


def _method(answer: WidthAnswer) -> str:
    c, spread = answer.theorem.step, answer.theorem.spread
    return f"eta = {_factor(c)}dn/((sqrt d + {written(spread)} sqrt n)||y||)^2" if c else "gradient flow"


def _factor(step: Fraction) -> str:
    return "" if step == 1 else f"{_step(step)} "


def _step(step: Fraction) -> str:
    return f"{float(step):g}"


def _probability(log: float) -> str:
    return f"{math.exp(log):.3g}" if log > _TINY else f"1e{math.floor(log / math.log(10)) + 1}"


def _whole(size: int) -> str:
    return str(size) if size < 10**15 else number(float(size))


def _here(answer: WidthAnswer) -> Table:
    says = answer.promise
    rows = [
        ("misfit at the start", f"at most {number(says.misfit)}", "||y||"),
        ("misfit that the path pays for", f"at least {number(says.pays)}", "||y||"),
    ]
    if answer.covers:
        rows += [
            ("length of the path", f"at most {number(says.length)}", "sqrt d ||z||"),
            ("sigma_min along it", f"at least {number(says.smallest)}", "sqrt d"),
            _fall(answer),
        ]
    return Table(("at this width", "", "of"), [*rows, _safest(answer)])


def _fall(answer: WidthAnswer) -> tuple[str, str, str]:
    says = answer.promise
    if not answer.theorem.step:
        return "rate of the misfit's fall", f"at least {number(says.fall)}", "||y||^2/n"
    return "misfit that a step takes off", f"at least {number(says.fall)}", f"itself: a digit in {_steps(answer)} steps"


def _steps(answer: WidthAnswer) -> str:
    steps = answer.promise.steps_per_digit
    return number(steps) if steps > 10**6 else str(math.ceil(steps))


def _safest(answer: WidthAnswer) -> tuple[str, str, str]:
    safest, label = answer.safest, "least probability of failure covered"
    if safest is None:
        return label, "none", ""
    spread = safest.spread if safest.step else 0
    slower = f"with {number(float(spread))} in place of 2 in the step" if spread > 2 else ""
    return label, _probability(safest.log_failure), slower


def _drawn(runs: WidthRuns) -> Table:
    """What networks did that were drawn."""
    rows = [
        (f"converged within {runs.followed} steps", str(runs.converged), ""),
        ("steps taken, median", number(runs.steps), ""),
        ("||W - W_0|| at the end", f"at most {number(runs.farthest)}", "sqrt d"),
    ]
    if runs.as_promised is not None:
        rows.append(("misfit as promised at every step", str(runs.as_promised), ""))
    return Table((f"of {runs.runs} networks drawn", "", "of"), rows)


def _least(answer: WidthAnswer) -> Table:
    rows = [
        (f"{_step(step)} of the proof's step" if step else "gradient flow", *_size(width, answer.rows))
        for step, width in answer.least.items()
    ]
    return Table(("smallest width covered", "d", "d/n"), rows, ("d", "d/n"))


def _size(width: int | None, rows: int) -> tuple[str, str]:
    return ("none", "-") if width is None else (_whole(width), number(width / rows))


def _beside(answer: WidthAnswer) -> Table:
    others, n = answer.others, answer.rows
    least = [("Theorem 4.1", others.printed_aspect), ("the same, by its own least constant", others.printed_least)]
    rows = [(name, f"from {_whole(C * n)}", f"{written(C)} n", _printed(answer, C)) for name, C in least]
    return Table(("beside it", "d", "d/n", "here"), [*rows, *_start(answer), _converged(answer), _cone(answer)])


def _printed(answer: WidthAnswer, aspect: int) -> str:
    log = answer.others.printed_log_failure
    if answer.width < aspect * answer.rows:
        return "not covered"
    return f"covered, but for probability {_probability(log)}" if log < 0 else "nothing said: all may fail"


def _start(answer: WidthAnswer) -> list[tuple[str, str, str, str]]:
    """Lemma B.1, by what is proved from a width on, and by the law at this one."""
    others, n = answer.others, answer.rows
    C, law = others.start_aspect, others.start_log_failure
    covered = f"covered, but for probability {_probability(others.start_log_granted)}"
    too_large = "not evaluated above n = {}, d = {} or n d = {}".format(*LAW_SIZES)
    exact = too_large if law is None else f"holds but for probability {_probability(law)}"
    return [
        (
            "Lemma B.1, sharpened: sigma_min at the start (own.lemB1_200)",
            f"from {_whole(C * n)}",
            f"{written(C)} n",
            covered if answer.width >= C * n else "not covered",
        ),
        ("the same, by its exact law", "-", "-", exact),
    ]


def _converged(answer: WidthAnswer) -> tuple[str, str, str, str]:
    others = answer.others
    width = others.half_converged * answer.rows
    return (
        f"half of the descents seen to converge (study phase, n = {others.half_rows})",
        f"from {_whole(round(width))}",
        f"{number(others.half_converged)} n",
        f"{number(answer.width / width)} times that",
    )


def _cone(answer: WidthAnswer) -> tuple[str, str, str, str]:
    others, width = answer.others, max(0, answer.others.cone_width)
    most = f"at most {number(others.fit_exists)} of them can be fitted"
    here = "wider" if answer.width > width else "no wider"
    return (
        "no descent fits most signals (own.descent.cone)",
        f"up to {_whole(width)}",
        f"{number(width / answer.rows)} n",
        here if others.fit_exists > 0.999 else f"{here}: {most}",
    )
