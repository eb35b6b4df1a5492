"""Why a verdict is what it is, in sentences: what the deciding evidence saw, with both numbers that it compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from untrained.figures.tables import number
from untrained.sims.record.brackets import value_from_json
from untrained.sims.record.entries import evidence_from_json
from untrained.theory.claim import Claim
from untrained.theory.evidence import Compared, Counted, Enclosed, Evidence, Exact, Searched, Symbolic
from untrained.theory.proof.balls import ends
from untrained.theory.verdict import Finding, finding, trials_to_resolve

_Entry = Mapping[str, Any]
LEADS = {
    "PROVED": "The argument covers the whole stated domain.",
    "SUPPORTED": "No counterexample came up, and the same evidence refutes false siblings.",
    "CONSISTENT": "Nothing speaks against it, but the evidence cannot decide.",
    "INCONCLUSIVE": "The evidence lies on both sides of the claim.",
    "VACUOUS": "The hypotheses were never met, or the bound said nothing, on every tested case.",
    "REFUTED": "It is false as stated.",
    "UNTESTED": "No evidence was gathered.",
}
"""What each verdict says of a statement."""
_DECIDING: dict[str, tuple[Finding, ...]] = {
    "PROVED": ("proves",),
    "SUPPORTED": ("proves", "supports"),
    "CONSISTENT": ("proves", "supports", "unresolved"),
    "INCONCLUSIVE": ("refutes", "open", "proves"),
    "REFUTED": ("refutes",),
}
_MOST_CELLS = 2
"""Monte-Carlo cells that are told one by one."""
_MOST_STEPS = 4
"""Identities that are named one by one."""
_CLOSE = 1e-6
"""How near the sides computed again must come to the recorded margin, in units of it."""


def reasons(claim: Claim, entry: _Entry) -> list[str]:
    """Return why a claim has the verdict of a recorded entry: what the verdict says, then what decided it."""
    status = entry["verdict"]
    evidence = [evidence_from_json(one) for one in entry["evidence"]]
    telling = [e for e in evidence if finding(e) in _DECIDING.get(status, ())]
    cells = sorted((e for e in telling if isinstance(e, Counted)), key=_slack)
    others = [e for e in telling if not isinstance(e, Counted)]
    words = [_told(e, claim) for e in others] + [_counted(e) for e in cells[:_MOST_CELLS]]
    more = len(cells) - _MOST_CELLS
    words += [f"The other {more} cells of this kind say the same."] if more > 0 else []
    return [LEADS[status], *words, *_open_ends(entry, evidence), *_power(entry)]


def margin_words(entry: _Entry) -> str:
    """The margin in words: by how much of its bound a statement holds or fails where it is tightest."""
    value = entry["margin"]
    if value is None or isinstance(value, str):
        return ""
    if value == 0 and set(entry["decided_by"]) == {"Symbolic"}:
        return "nothing is left over: algebra decides"
    if value == 0:
        return "it holds with equality at its worst case"
    if value < 0:
        return f"where it is worst it fails by {number(-value)} times its bound"
    return f"where it is tightest it holds with {number(value)} of its bound to spare"


def case_words(case: Mapping[str, Any]) -> str:
    """The parameters of a case: n = 8, d = 1e+18."""
    return ", ".join(f"{name} = {_size(value)}" for name, value in case.items())


def percent_words(share: float) -> str:
    """A share as a percentage, with as many digits as tell it from none and from all."""
    for digits in (1, 2, 4):
        text = f"{100 * share:.{digits}f}"
        if share in (0, 1) or float(text) not in (0, 100):
            break
    text = text.rstrip("0").rstrip(".")
    return f"{100 * share:.2g} %" if text == "0" and share else f"{text} %"


def _size(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.4g}" if isinstance(value, float) or abs(value) >= 10**7 else str(value)


def _told(e: Evidence, claim: Claim) -> str:
    match e:
        case Symbolic():
            return _symbolic(e)
        case Exact():
            return _exact(e, claim)
        case Enclosed():
            return _enclosed(e)
        case Searched():
            return _searched(e)
        case Compared():
            return _compared(e)
        case Counted():
            return _counted(e)


def _symbolic(e: Symbolic) -> str:
    if e.residuals:
        return f"Computer algebra leaves something over where nothing may be left: {e.residuals[0]}."
    named = "; ".join(e.checked[:_MOST_STEPS])
    more = f"; and {len(e.checked) - _MOST_STEPS} more" if len(e.checked) > _MOST_STEPS else ""
    steps = "step" if len(e.checked) == 1 else f"{len(e.checked)} steps"
    return _with_argument(f"Computer algebra confirms the {steps} of the argument ({named}{more}).", e.argument)


def _with_argument(sentence: str, argument: str) -> str:
    return f"{sentence} The argument: {argument.rstrip('.')}." if argument else sentence


def _exact(e: Exact, claim: Claim) -> str:
    where = f"At {case_words(e.worst_case)}" if e.worst_case else "On the one case that there is"
    sides = sides_at(claim, e)
    fails = e.margin < 0
    if sides is None:
        amount = f"fails by {number(-e.margin)} times its bound" if fails else "holds"
        said = f"{where} the conclusion {amount}, by an exact law or exact arithmetic."
    else:
        said = f"{where} {_compare(claim, *sides, fails=fails)}, by an exact law or exact arithmetic."
    if fails:
        other = e.first_failure if e.first_failure != e.worst_case else {}
        return said + (f" The first listed case that fails is {case_words(other)}." if other else "")
    tested = f" That is the tightest of {e.cases} cases" if e.cases > 1 else ""
    cover = f"{tested or ' It covers the domain'}{':' if tested else ','} {e.argument}" if e.exhausts else tested
    return f"{said}{cover.rstrip('.')}." if cover else said


def _compare(claim: Claim, left: float, right: float, *, fails: bool) -> str:
    route = claim.exact
    left_name, right_name = route.compares if route else ("the left side", "the right side")
    a, b = _apart(left, right)
    ratio = f", {number(left / right)} times less" if fails and right > 0 and left / right >= 1.01 else ""
    return f"{left_name} is {a}, and {right_name} is {b}{ratio}"


def _apart(left: float, right: float) -> tuple[str, str]:
    """Both numbers in as many digits as tell them apart, where fifteen do."""
    for digits in (3, 5, 9, 15):
        a, b = f"{left:.{digits}g}", f"{right:.{digits}g}"
        if a != b or left == right:
            return (f"{left:.3g}", f"{right:.3g}") if left == right else (a, b)
    return a, b


def sides_at(claim: Claim, e: Exact) -> tuple[float, float] | None:
    """Return both sides of the conclusion at the worst case of exact evidence.

    They are computed again, as the record holds their margin alone, and None where that margin does not come out.
    """
    if claim.exact is None:
        return None
    case = {name: value_from_json(value) for name, value in e.worst_case.items()}
    try:
        sides = claim.exact.sides(case, claim.values)
        left, right = float(sides.lhs), float(sides.rhs)
        low, high = ends(sides.margin) if hasattr(sides.margin, "is_finite") else (float(sides.margin),) * 2
    except (ArithmeticError, KeyError, TypeError, ValueError):  # a case of another version of the claim
        return None
    room = _CLOSE * abs(e.margin) + 1e-9
    return (left, right) if low - room <= e.margin <= high + room and isfinite(left) and isfinite(right) else None


def _enclosed(e: Enclosed) -> str:
    low, high = e.margin
    named = "; ".join(f"{name}: {_digits(text)}" for name, text in e.quantities.items())
    ends_ = number(low) if number(low) == number(high) else f"between {number(low)} and {number(high)}"
    side = "below zero" if high < 0 else "above zero" if low > 0 else "not below zero" if low >= 0 else "of either sign"
    sentence = f"In ball arithmetic, whose digits are certain: {named}. The margin is {ends_}, {side}."
    return _with_argument(sentence, e.argument)


def _digits(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


def _searched(e: Searched) -> str:
    tried = f"Of {e.draws} drawn cases {e.applicable} met the hypotheses"
    if e.margin < 0:
        least = f"; the smallest counterexample is {case_words(e.smallest)}" if e.smallest else ""
        worst = f"the worst, at {case_words(e.worst_case)}, misses by {number(-e.margin)} times its bound"
        return f"{tried}{least}, and {worst}."
    return f"{tried} and the bound said something on {e.informative}: it held every time."


def _slack(e: Counted) -> float:
    """What the interval leaves, in units of the allowed failure: the worst cell has the least."""
    end = e.high if e.high < e.claimed else e.low
    return (end - e.claimed) / max(1 - e.claimed, 1e-300)


def _counted(e: Counted) -> str:
    trials = f"At {case_words(e.case)} it held in {e.successes} of {e.applicable} trials"
    if e.claimed > 0.99:
        between = f"{percent_words(1 - e.high)} and {percent_words(1 - e.low)}"
        claim = f"a failure probability of at most {number(1 - e.claimed)}"
        interval = f"so the failure probability lies between {between}"
    else:
        interval = f"so the probability lies between {percent_words(e.low)} and {percent_words(e.high)}"
        claim = f"at least {percent_words(e.claimed)}"
    return f"{trials}, {interval} (level {number(e.level)}), where {claim} is claimed."


def _compared(e: Compared) -> str:
    at = f"At {case_words(e.case)}, over" if e.case else "Over"
    interval = f"[{number(e.low)}, {number(e.high)}] (level {number(e.level)})"
    return f"{at} {e.pairs} pairs the interval is {interval}, where {e.sense} {number(e.limit)} is claimed."


def _open_ends(entry: _Entry, evidence: Sequence[Evidence]) -> Iterator[str]:
    """What a verdict rests on, and what would decide it."""
    if entry["why"].startswith(("proved if", "refuted if", "the argument rests")):
        yield f"{entry['why'][0].upper()}{entry['why'][1:]}."
    if entry.get("assumes"):
        theorems, are = ("theorems", "are") if len(entry["assumes"]) > 1 else ("theorem", "is")
        yield f"It stands under the {theorems} {' and '.join(entry['assumes'])}, which {are} not proved here."
    if entry["verdict"] == "CONSISTENT":
        yield from _shortfall(evidence)


def _shortfall(evidence: Sequence[Evidence]) -> Iterator[str]:
    for e in evidence:
        if isinstance(e, Counted) and finding(e) == "unresolved" and e.claimed < 1:
            needed = trials_to_resolve(1 - e.claimed, e.level)
            yield (
                f"{e.applicable} trials, even without a failure, cannot tell a probability so small from a larger one; "
                f"that would take about {needed:.2g}."
            )
            return


def _power(entry: _Entry) -> Iterator[str]:
    """Which false siblings the same evidence refuted, and which it missed."""
    refuted = [c for c in entry["controls"] if c["refuted_by_same_route"]]
    for control in entry["controls"]:
        if not control["refuted_by_same_route"]:
            yield (
                f"The same evidence did not refute a false sibling, {control['id'].partition('~')[2]}: "
                f"“{control['says']}” ({control['verdict']})."
            )
    if refuted and entry["verdict"] != "REFUTED":
        count = "the false sibling" if len(refuted) == 1 else f"{len(refuted)} false siblings"
        near = entry.get("nearest")
        ratio = f", the nearest with a constant off by {_nearness(near)}" if isinstance(near, int | float) else ""
        yield f"The same evidence refutes {count}{ratio}."


def _nearness(ratio: float) -> str:
    return f"{number(100 * (ratio - 1))} %" if ratio < 2 else f"a factor {number(ratio)}"
