"""A user's own claims, from a Python file or a list: read, checked, and set among the ledger's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from untrained.sims.files import existing
from untrained.sims.user_files import USER_ERRORS, error_line, neighbours, run_file
from untrained.theory.claim import Claim
from untrained.theory.ledger import check_needs, ledger
from untrained.theory.wording import fill, unexplained_numerals


@dataclass(frozen=True)
class Paper:
    """Claims by id, those of the file at `path` where they are a file's; a paper without any is the ledger."""

    own: Mapping[str, Claim] = field(default_factory=dict)
    path: Path | None = None

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """All claims at hand: the ledger's, which these may need, and these."""
        return {**ledger(), **self.own} if self.own else ledger()

    @property
    def listed(self) -> Mapping[str, Claim]:
        """The claims to choose from by name."""
        return self.own or ledger()

    @contextmanager
    def errors_of(self, claim_id: str) -> Iterator[None]:
        """Tell what goes wrong in the evidence of one of these claims in a sentence; errors of the ledger are bugs.

        Raises
        ------
        ValueError
            where something did.
        """
        try:
            yield
        except USER_ERRORS as error:
            if claim_id not in self.own:
                raise
            where = error_line(error, self.path)
            raise ValueError(f"evidence of {claim_id} must be computed without an error, got {where}") from error


LEDGER = Paper()
"""The ledger alone."""


@lru_cache(maxsize=4)
def read_paper(path: Path | None) -> Paper:
    """Run a Python file and return its claims: those in `CLAIMS`, or every claim that its module names.

    Raises
    ------
    ValueError
        where the file does not run, or its claims are not as they must be; the sentence says which and why.
    """
    if path is None:
        return LEDGER
    path = existing(path).resolve()
    try:
        with neighbours(path.parent):
            names = vars(run_file(path, "paper"))
    except USER_ERRORS as error:
        raise ValueError(
            f"paper must be a file that Python runs, got {path.name} with {error_line(error, path)}"
        ) from error
    if "CLAIMS" in names:
        return paper_of(names["CLAIMS"], path)
    return paper_of([value for value in names.values() if isinstance(value, Claim)], path)


def paper_of(claims: Sequence[Claim], path: Path | None = None) -> Paper:
    """Return claims as a paper, once it is sure that each can be judged.

    Raises
    ------
    ValueError
        where one cannot; the sentence says which and why.
    """
    if not claims or not all(isinstance(claim, Claim) for claim in claims):
        strange = next((type(claim).__name__ for claim in claims if not isinstance(claim, Claim)), "none")
        raise ValueError(f"paper must hold claims, in CLAIMS or under names of their own, got {strange}")
    ids = [claim.id for claim in claims]
    if twice := [i for i in ids if ids.count(i) > 1 or i in ledger()]:
        place = "in the ledger too" if twice[0] in ledger() else "more than once"
        raise ValueError(f"claim ids must be unique, got {twice[0]} {place}")
    for claim in claims:
        _check(claim)
    own = {claim.id: claim for claim in claims}
    check_needs({**ledger(), **own})
    return Paper(own, path)


def _check(claim: Claim) -> None:
    _check_words(claim)
    if not claim.controls:
        raise ValueError(f"claim {claim.id} must have a control, a sibling that is false, got none")
    for control in claim.controls:
        claim.sibling(control)
    for name, constant in claim.constants.items():
        if constant.stronger not in ("up", "down", "both"):
            raise ValueError(
                f"constant {name} of {claim.id} must be stronger up, down or both, got {constant.stronger!r}"
            )


def _check_words(claim: Claim) -> None:
    """Refuse a sentence or formula that names no constant of its claim, or in which a number is typed."""
    try:
        texts = {"says": claim.says, "tex": claim.tex, **{f"hypothesis {h.name}": h.says for h in claim.hypotheses}}
        _ = claim.sentence, claim.formula, [fill(h.says, claim.values) for h in claim.hypotheses]
    except ValueError as error:
        raise ValueError(f"words of {claim.id} must be templates of its constants: {error}") from error
    for place, text in texts.items():
        if numbers := unexplained_numerals(text):
            raise ValueError(
                f"{place} of {claim.id} must take its numbers from constants, got {numbers[0]} in {text!r}"
            )


def paper_and_names(arguments: Sequence[str]) -> tuple[Paper, list[str]]:
    """Return the paper that the first argument names, where it is a Python file, and the names of claims after it."""
    if arguments and arguments[0].endswith(".py"):
        return read_paper(Path(arguments[0])), list(arguments[1:])
    return LEDGER, list(arguments)
