"""The one place where verdicts are made: pure functions from evidence to a verdict."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from untrained.theory.evidence import Compared, Counted, Enclosed, Evidence, Exact, Searched, Symbolic

Status = Literal["PROVED", "SUPPORTED", "CONSISTENT", "INCONCLUSIVE", "VACUOUS", "REFUTED", "UNTESTED"]
Finding = Literal["refutes", "proves", "supports", "unresolved", "open", "silent"]


@dataclass(frozen=True)
class Verdict:
    """A status with its reason, its smallest margin and the case where that margin was met.

    `nearest` is the ratio by which the constants of the nearest refuted control differ from the claim's; `assumes` are
    the theorems of textbooks under which a proof stands.
    """

    status: Status
    why: str
    margin: float | None = None
    informative: float | None = None
    worst_case: dict[str, Any] = field(default_factory=dict)
    decided_by: tuple[str, ...] = ()
    controls_refuted: tuple[str, ...] = ()
    controls_missed: tuple[str, ...] = ()
    nearest: float | None = None
    assumes: tuple[str, ...] = ()


def finding(evidence: Evidence) -> Finding:
    """What one piece of evidence says on its own."""
    match evidence:
        case Symbolic():
            return _symbolic_finding(evidence)
        case Exact():
            return _exact_finding(evidence)
        case Enclosed():
            return _enclosed_finding(evidence)
        case Searched():
            return _searched_finding(evidence)
        case Counted():
            return _counted_finding(evidence)
        case Compared():
            return _compared_finding(evidence)


def _symbolic_finding(e: Symbolic) -> Finding:
    if not e.residuals:
        return "proves"
    return "open" if e.sufficient else "refutes"


def _exact_finding(e: Exact) -> Finding:
    if e.cases and e.margin < 0:
        return "refutes"
    if e.undecided or math.isnan(e.margin):
        return "open"
    if not e.informative:
        return "silent"
    return "proves" if e.exhausts else "supports"


def _enclosed_finding(e: Enclosed) -> Finding:
    low, high = e.margin
    if high < 0 and not e.sufficient:
        return "refutes"
    if not low >= 0:  # not a number included
        return "open"
    return "proves" if e.exhausts else "supports"


def _searched_finding(e: Searched) -> Finding:
    if e.applicable and not e.margin >= 0:  # not a number included
        return "refutes"
    return "supports" if e.informative and not e.attack else "silent"


def _counted_finding(e: Counted) -> Finding:
    if not e.applicable or e.claimed <= 0:
        return "silent"
    if e.high < e.claimed:
        return "refutes"
    if e.attack:
        return "silent"
    if e.low >= e.claimed:
        return "supports"
    best_low = (e.level / 2) ** (1 / e.applicable)
    return "unresolved" if best_low < e.claimed else "open"


def _compared_finding(e: Compared) -> Finding:
    holds = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[e.sense]
    if not e.pairs:
        return "silent"
    if not e.low <= e.high:  # not a number included
        return "open"
    at_ends = {holds(e.low, e.limit), holds(e.high, e.limit)}
    return "open" if len(at_ends) > 1 else "supports" if at_ends.pop() else "refutes"


def judge(
    evidence: Sequence[Evidence],
    controls: Mapping[str, Sequence[Evidence]],
    needs: Mapping[str, Status] | None = None,
    *,
    assumes: Sequence[str] = (),
    distances: Mapping[str, float] | None = None,
    fitted: bool = False,
) -> Verdict:
    """Judge a claim by its evidence, the same evidence on its false siblings, and the verdicts it rests on.

    Parameters
    ----------
    evidence : what was seen on the claim itself.
    controls : for each false sibling, what the same routes saw on it.
    needs : verdicts of the claims that the argument rests on; a proof is only as good as these.
    assumes : theorems of textbooks that the argument rests on, here or in a claim that it needs.
    distances : for each false sibling, the ratio by which its constants differ from the claim's.
    fitted : True where a constant was fitted to data, so that agreement shows nothing.
    """
    if not evidence:
        return Verdict("UNTESTED", "no evidence was gathered")
    findings = [(type(e).__name__, finding(e)) for e in evidence]
    refuted, missed = _split_controls(controls, _speaking(findings) | _attacking(evidence))
    status, why = _status(findings, refuted, missed, needs or {}, fitted)
    if status == "CONSISTENT":
        why += _shortfall(evidence)
    if status == "PROVED":
        why += _conditions(evidence, assumes)
    margin, worst_case = _worst(evidence)
    kinds = tuple(sorted(_strongest(findings)))
    nearest = min((d for name, d in (distances or {}).items() if name in refuted), default=None)
    return Verdict(
        status, why, margin, _informative(evidence), worst_case, kinds, refuted, missed, nearest, tuple(assumes)
    )


def affirms(evidence: Sequence[Evidence]) -> bool:
    """Whether evidence proves or supports a statement and nothing in it speaks against it or straddles it."""
    findings = {finding(e) for e in evidence}
    if "proves" in findings:
        return "refutes" not in findings
    return "supports" in findings and not findings & {"refutes", "open"}


def refutes(evidence: Sequence[Evidence]) -> bool:
    """Whether evidence refutes a statement."""
    return any(finding(e) == "refutes" for e in evidence)


def _conditions(evidence: Sequence[Evidence], assumes: Sequence[str]) -> str:
    """Under which theorems a proof stands, and whether any tested case met its hypotheses."""
    tested = sum(e.cases for e in evidence if isinstance(e, Exact))
    tested += sum(e.draws for e in evidence if isinstance(e, Searched))
    tested += sum(e.trials for e in evidence if isinstance(e, Counted))
    empty = tested and not _informative(evidence)
    vacuous = f"; VACUOUS on all {tested} cases tested, none of which met the hypotheses" if empty else ""
    return (f", under {_names(list(assumes))}" if assumes else "") + vacuous


def _speaking(findings: Sequence[tuple[str, Finding]]) -> set[str]:
    """The kinds of evidence whose word is taken: a false sibling must be refuted by one of these.

    Where all are silent, a sibling that one of them refutes shows that it would have spoken.
    """
    affirming = {kind for kind, f in findings if f in ("proves", "supports", "unresolved")}
    refuting = {kind for kind, f in findings if f == "refutes"}
    silent = {kind for kind, f in findings if f == "silent"}
    return refuting or affirming or silent


def _attacking(evidence: Sequence[Evidence]) -> set[str]:
    """The kinds of evidence that are attacks: silent on a true statement, they may refute a false sibling."""
    return {type(e).__name__ for e in evidence if isinstance(e, Searched | Counted) and e.attack}


def trials_to_resolve(failure: float, level: float) -> int:
    """How many trials without a failure put the whole interval below a claimed failure probability.

    Raises
    ------
    ValueError
        where the failure probability or the level is not strictly between 0 and 1.
    """
    if not 0 < failure < 1:
        raise ValueError(f"failure must lie strictly between 0 and 1, got {failure}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    return math.ceil(math.log(level / 2) / math.log1p(-failure))


def _strongest(findings: Sequence[tuple[str, Finding]]) -> set[str]:
    """The kinds of evidence that carry the verdict: the strongest finding's kinds."""
    ranks: tuple[Finding, ...] = ("refutes", "proves", "open", "supports", "unresolved", "silent")
    strongest = next(rank for rank in ranks if any(f == rank for _, f in findings))
    return {kind for kind, f in findings if f == strongest}


def _split_controls(
    controls: Mapping[str, Sequence[Evidence]], speaking: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    def refuted(sibling: Sequence[Evidence]) -> bool:
        findings = [(type(e).__name__, finding(e)) for e in sibling]
        proved = any(f == "proves" for _, f in findings)  # whatever proves a false statement shows nothing
        return not proved and any(f == "refutes" and kind in speaking for kind, f in findings)

    names = sorted(controls)
    return tuple(n for n in names if refuted(controls[n])), tuple(n for n in names if not refuted(controls[n]))


def _status(
    findings: Sequence[tuple[str, Finding]],
    refuted: tuple[str, ...],
    missed: tuple[str, ...],
    needs: Mapping[str, Status],
    fitted: bool,
) -> tuple[Status, str]:
    kinds: dict[Finding, list[str]] = {}
    for kind, f in findings:
        kinds.setdefault(f, []).append(kind)
    if "refutes" in kinds:
        weak = _not_proved(needs)
        if weak and not set(kinds["refutes"]) & {"Exact", "Searched", "Counted", "Compared"}:
            return "INCONCLUSIVE", f"refuted if {', '.join(weak)} holds, which is not proved here"
        clash = "; this contradicts other evidence that proves it" if "proves" in kinds else ""
        return "REFUTED", f"refuted by {_names(kinds['refutes'])}{clash}"
    if "open" in kinds and "proves" not in kinds:
        return "INCONCLUSIVE", f"{_names(kinds['open'])} straddles the claim"
    if "proves" in kinds or "supports" in kinds:
        return _affirmed(kinds, refuted, missed, needs, fitted)
    if "unresolved" in kinds:
        return (
            "CONSISTENT",
            "nothing against it, but the claimed failure rate is below what the trials resolve",
        )
    return "VACUOUS", "the hypotheses were never met, or the bound said nothing, on every tested case"


def _affirmed(
    kinds: Mapping[Finding, list[str]],
    refuted: tuple[str, ...],
    missed: tuple[str, ...],
    needs: Mapping[str, Status],
    fitted: bool,
) -> tuple[Status, str]:
    if missed:
        return "CONSISTENT", f"the same evidence failed to refute the false sibling {', '.join(missed)}"
    if not refuted:
        return "CONSISTENT", "no false sibling was tested, so the evidence has shown no power"
    if fitted:
        return "CONSISTENT", "a constant was fitted, so agreement is by construction"
    weak = _not_proved(needs)
    if "proves" in kinds and not weak:
        return "PROVED", f"proved by {_names(kinds['proves'])}"
    if "proves" in kinds:
        broken = [name for name in weak if needs[name] == "REFUTED"]
        if broken:
            return "INCONCLUSIVE", f"the argument rests on {', '.join(broken)}, which is refuted"
        return "SUPPORTED", f"proved if {', '.join(weak)} holds, which is not proved here"
    return "SUPPORTED", f"no counterexample by {_names(kinds['supports'])}"


def _shortfall(evidence: Sequence[Evidence]) -> str:
    """How many trials a count that resolved nothing would have needed."""
    open_ = [e for e in evidence if isinstance(e, Counted) and finding(e) == "unresolved" and e.claimed < 1]
    needed = max((trials_to_resolve(1 - e.claimed, e.level) for e in open_), default=0)
    return f"; that would take about {needed:.1e} trials without a failure" if needed else ""


def _not_proved(needs: Mapping[str, Status]) -> list[str]:
    """The claims an argument rests on that are not proved; a counterexample rests on none."""
    return [name for name, status in sorted(needs.items()) if status != "PROVED"]


def _names(kinds: Sequence[str]) -> str:
    return " and ".join(sorted(set(kinds)))


def _margin_of(e: Evidence) -> tuple[float, dict[str, Any]] | None:
    match e:
        case Exact() | Searched():
            return (e.margin, e.worst_case) if e.worst_case else None
        case Enclosed():
            return e.margin[0], {"enclosed": e.quantities}
        case Counted():
            if not e.applicable:
                return None
            if finding(e) in ("unresolved", "silent"):
                return None  # no failure where none could be expected is no slack
            allowed, end = 1 - e.claimed, e.high if finding(e) == "refutes" else e.low
            return (allowed - (1 - end)) / max(allowed, 1e-300), {**e.case, **e.worst_case}
        case Compared():
            return (_compared_margin(e), e.case) if e.pairs else None
        case Symbolic():
            return (-1.0, {"residual": e.residuals[0]}) if e.residuals else None


def _compared_margin(e: Compared) -> float:
    """Margin of the end of the interval that decides, in units of the limit (of 1 where that is 0)."""
    below, refuted = e.sense in ("<", "<="), finding(e) == "refutes"
    end = e.low if below is refuted else e.high
    return (e.limit - end if below else end - e.limit) / (abs(e.limit) or 1.0)


def _worst(evidence: Sequence[Evidence]) -> tuple[float | None, dict[str, Any]]:
    margins = [m for m in map(_margin_of, evidence) if m is not None]
    if not margins:
        return (0.0 if any(isinstance(e, Symbolic) for e in evidence) else None), {}
    return min(margins, key=lambda m: m[0])


def _informative(evidence: Sequence[Evidence]) -> float | None:
    tested = said = 0
    for e in evidence:
        match e:
            case Exact():
                tested, said = tested + e.cases, said + e.informative
            case Searched():
                tested, said = tested + e.draws, said + e.informative
            case Counted():
                tested, said = tested + e.trials, said + (e.applicable if e.claimed > 0 else 0)
            case Compared():
                tested, said = tested + e.pairs, said + (e.pairs if math.isfinite(e.high - e.low) else 0)
            case Symbolic() | Enclosed():
                pass
    return said / tested if tested else None


def contradicts(now: Status, recorded: Status) -> bool:
    """True when two verdicts on one claim cannot both stand.

    A weaker verdict at a smaller budget is no contradiction, but a proof that no longer goes through is one.
    """
    if now == recorded:
        return False
    opposed = {"REFUTED": {"PROVED", "SUPPORTED"}, "PROVED": {"REFUTED", "VACUOUS"}, "SUPPORTED": {"REFUTED"}}
    return recorded == "PROVED" or recorded in opposed.get(now, set())
