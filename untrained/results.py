"""What the functions of the package return: small records that print well, show themselves in a notebook, and plot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untrained.figures.tables import Parts, Table, html_of, number, text_of

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from untrained.sims.diagnosis.report import Report
    from untrained.sims.diagnosis.width_answer import WidthAnswer
    from untrained.sims.recovery.result import Recovery
    from untrained.theory.objects.certificates import Certificate
    from untrained.theory.verdict import Status

MOST = 20
"""Rows of a long table that are shown."""


def _word(value: object) -> str:
    return number(value) if value is None or isinstance(value, float) else str(value)


class _Printable(ABC):
    """A record that says itself in lines and tables."""

    @abstractmethod
    def parts(self) -> Parts:
        """Return what there is to say, from the top."""

    def __str__(self) -> str:
        return text_of(self.parts())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self.parts())


@dataclass(frozen=True, repr=False)
class ClaimSummary(_Printable):
    """A claim of the ledger: its words, its formula and its recorded verdict."""

    id: str
    verdict: str
    says: str
    tex: str

    def parts(self) -> Parts:
        """Return the claim in words and as a formula."""
        return [f"{self.id} ({self.verdict}): {self.says}", self.tex]

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.id)}</b> ({self.verdict}): {escape(self.says)} $${self.tex}$$"


@dataclass(frozen=True, repr=False)
class ClaimList(_Printable):
    """Claims of the ledger, in its order; iterate, or take one by its id."""

    claims: Mapping[str, ClaimSummary]

    def __iter__(self) -> Iterator[ClaimSummary]:
        return iter(self.claims.values())

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, claim_id: str) -> ClaimSummary:
        return self.claims[claim_id]

    def parts(self) -> Parts:
        """Return a row a claim."""
        return [Table(("claim", "verdict", "says"), [(one.id, one.verdict, one.says) for one in self])]


@dataclass(frozen=True, repr=False)
class Verdicts(_Printable):
    """Verdicts on claims from fresh evidence: an entry, as the record has it, by the claim's id.

    `recorded` holds the verdicts of the committed record, `own` the ids of your own paper's claims.
    """

    entries: Mapping[str, Mapping[str, Any]]
    recorded: Mapping[str, Status]
    own: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, claim_id: str) -> Status:
        """The verdict on a claim, in one word."""
        status: Status = self.entries[claim_id]["verdict"]
        return status

    @property
    def contradictions(self) -> tuple[str, ...]:
        """A line for every claim whose verdict contradicts the committed record."""
        from untrained.theory.verdict import contradicts

        recorded = self.recorded
        against = [i for i in self if i in recorded and contradicts(self[i], recorded[i])]
        return tuple(f"{i}: {self[i]} against the recorded {recorded[i]}" for i in against)

    def parts(self) -> Parts:
        """Return a row a claim, and what they come to."""
        from untrained.figures.verdict_table import informative_share, margin

        rows = [(i, e["verdict"], margin(e), informative_share(e), e["why"]) for i, e in self.entries.items()]
        table = Table(("claim", "verdict", "margin", "informative", "why"), rows, ("margin", "informative"))
        return [table, *self.summary()]

    def summary(self) -> list[str]:
        """Return lines: how many claims have which verdict, and what contradicts the record."""
        from untrained.figures.verdict_table import tally
        from untrained.sims.evidence.gather import FAMILY_LEVEL

        first, against = next(iter(self.entries.values())), self.contradictions
        lines = [
            f"{len(self)} claims: {tally(self.entries)}. Budget {first['budget']}, seed {first['seed']}; "
            f"all Monte-Carlo intervals hold together with probability {1 - FAMILY_LEVEL:g}.",
            *(f"CONTRADICTS THE RECORD  {line}" for line in against),
        ]
        unrecorded = len(self.entries.keys() - self.recorded.keys() - self.own)
        if unrecorded:
            lines.append(f"{unrecorded} of them are not in the committed record.")
        if not against and self.entries.keys() & self.recorded.keys():
            lines.append("No verdict contradicts the committed record.")
        return lines


@dataclass(frozen=True, repr=False)
class Mutants(_Printable):
    """Mutants of claims: an entry, as the record has it, by the claim's id.

    `losing` of so many constants and hypotheses (`pushed`) of affirmed claims lose the verdict at some push.
    """

    entries: Mapping[str, Mapping[str, Any]]
    losing: int
    pushed: int

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, claim_id: str) -> Mapping[str, Any]:
        """All that was seen of a claim's mutants."""
        return self.entries[claim_id]

    @property
    def faults(self) -> tuple[str, ...]:
        """A line for every constant or hypothesis of an affirmed claim that no push takes the verdict from."""
        pushes = [(claim_id, one) for claim_id, entry in self.entries.items() for one in entry["pushes"]]
        return tuple(f"{claim_id}: {one['name']} {one['way']}" for claim_id, one in pushes if one["fault"])

    def parts(self) -> Parts:
        """Return a table a claim, and what they come to."""
        from untrained.figures.mutant_tables import mutant_table

        parts: list[str | Table] = []
        for claim_id, entry in self.entries.items():
            parts += [f"{claim_id} ({entry['outcome']})", *([mutant_table(entry), ""] if entry["pushes"] else [""])]
        return [*parts, *self.summary()]

    def summary(self) -> list[str]:
        """Return lines: how many constants and hypotheses lose the verdict, and which do not."""
        first = f"{self.losing} of {self.pushed} constants and hypotheses lose their verdict when pushed."
        return [first, *(f"NO PUSH LOSES THE VERDICT  {line}" for line in self.faults)]


@dataclass(frozen=True, repr=False)
class RecoveredImage(_Printable):
    """An image that was recovered; `recovery` holds settings, misfit, outcome and certificate.

    `notes` are sentences of what was decided that the caller did not say, such as the noise level.
    """

    recovery: Recovery
    notes: tuple[str, ...] = ()

    @property
    def image(self) -> torch.Tensor:
        """The image (C, H, W) on [-1, 1]."""
        return self.recovery.image

    def parts(self) -> Parts:
        """Return outcome, seconds, misfit and scores."""
        r = self.recovery
        numbers = {"misfit": r.misfit, **r.certificate, **r.scores}
        rows = [("image", "x".join(map(str, r.image.shape))), ("outcome", r.outcome), ("steps", str(r.steps))]
        rows += [("seconds", f"{r.seconds:.1f}"), *((name, number(value)) for name, value in numbers.items())]
        rows += [("warning", r.warning)] if r.warning else []
        return [Table(("method", r.method), rows), *self.notes]

    def plot(self) -> Figure:
        """Draw the image."""
        from untrained.figures.side_by_side import image_figure

        return image_figure(self.image, self.recovery.method)


@dataclass(frozen=True, repr=False)
class ConvergenceProof(_Printable):
    """A proof that one descent of the two-layer generator converges, or why there is none; `seconds` it took.

    It is true where there is a proof; `certificate` holds every number of it.
    """

    certificate: Certificate
    seconds: float

    def __bool__(self) -> bool:
        return self.certificate.proves

    def parts(self) -> Parts:
        """Return what is proved, or the reason why nothing is."""
        c = self.certificate
        flow = c.learning_rate is None
        rows = [("n, d", f"{c.n}, {c.d}"), ("seconds", f"{self.seconds:.1f}"), ("instance", c.instance[:16])]
        rows += [] if flow else [("learning rate", number(c.learning_rate)), ("step c", number(c.step))]
        rows += [("followed", f"{number(float(c.followed))} {'of time' if flow else 'steps'}")]
        rows += [("misfit ||r|| after these", number(c.misfit)), ("integral of m needed", number(c.needed))]
        rows += [("integral of m proved", number(c.integral))]
        if c.proves:
            share = "rate of ||r||^2" if flow else "share of ||r||^2 a step"
            rows += [("path of relu(Wz)/||z||", number(c.path)), (share, number(c.rate))]
        return [Table(("quantity", "value"), rows), self._sentence()]

    def _sentence(self) -> str:
        c, kind = self.certificate, "The flow" if self.certificate.learning_rate is None else "The descent"
        return f"{kind} converges to misfit zero: proved." if c.proves else f"Nothing is proved: {c.reason}."


@dataclass(frozen=True, repr=False)
class Examination(_Printable):
    """What `check` measured of a network: conditions with verdicts, predictions beside real descents, and words."""

    report: Report

    def __getitem__(self, condition: str) -> str:
        """The verdict on a condition, in one word."""
        return str(self.report.condition(condition).verdict.status)

    def parts(self) -> Parts:
        """Return what `untrained check` prints."""
        from untrained.figures.network_report import report_parts

        return report_parts(self.report)

    def plot(self) -> Figure:
        """Draw the page of the network: spectrum, fits predicted and real, leading eigenvectors."""
        from untrained.figures.network_report import page

        return page(self.report)


@dataclass(frozen=True, repr=False)
class Coverage(_Printable):
    """Whether a theorem covers n rows and d neurons, and what else is known there; every number is in `answer`."""

    answer: WidthAnswer

    @property
    def covers(self) -> bool:
        """Whether the sharper theorem covers them."""
        return self.answer.covers

    @property
    def least_width(self) -> int | None:
        """The smallest d that it covers with the same n, step and probability; None where there is none."""
        return self.answer.least[self.answer.theorem.step]

    def parts(self) -> Parts:
        """Return what `untrained width` prints."""
        from untrained.figures.width_report import width_parts

        return width_parts(self.answer)


@dataclass(frozen=True, repr=False)
class StudyRows(_Printable):
    """Finished cells of a study: a row for each, of parameters, seed and columns; `store` is the file they lie in."""

    study: str
    rows: Sequence[Mapping[str, Any]]
    axes: Sequence[str]
    store: Path
    failed: int = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def parts(self) -> Parts:
        """Return the first rows."""
        first = self.rows[:MOST]
        columns = list(dict.fromkeys(name for row in first for name in row))
        table = Table(columns, [[_word(row.get(name)) for name in columns] for row in first], columns)
        rest = len(self) - MOST
        return [table, *([f"and {rest} more rows"] if rest > 0 else [])]

    def plot(self, column: str | None = None, axis: str | None = None) -> Figure:
        """Draw a column against an axis, a dot a row; by default the first column and the first axis that varies.

        Raises
        ------
        ValueError
            where no row has such a number.
        """
        from untrained.figures.drawing import scatter

        names = [name for row in self.rows[:1] for name in row if name not in self.axes and name != "seed"]
        across = axis or next((a for a in self.axes if len({row[a] for row in self.rows}) > 1), self.axes[0])
        return scatter(self.rows, across, column or next(iter(names), ""))


@dataclass(frozen=True, repr=False)
class Reproduction(_Printable):
    """What came out of figures or tables of a paper, beside what the paper has: a record by the name of its recipe."""

    records: Mapping[str, Mapping[str, Any]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """All that a record holds."""
        return self.records[name]

    def parts(self) -> Parts:
        """Return tables beside the paper's, and its sentences judged."""
        from untrained.figures.recipe_tables import recipe_parts, sentences

        parts: list[str | Table] = []
        for record in self.records.values():
            parts += [*recipe_parts(record), *(f"{word:>9}  {sentence}" for word, sentence in sentences(record))]
        return parts

    def plot(self, name: str | None = None) -> Figure:
        """Draw a figure or table, by default the first."""
        from untrained.figures.recipe_curves import draw_recipe

        return draw_recipe(self.records[name or next(iter(self.records))])
