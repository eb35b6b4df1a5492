"""What the site is made of: claims, their record, the notes, recipes and studies, and what links them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from untrained.figures.site.notes import Note, NoteWriter, read_notes
from untrained.sims.record.store import FOLDER, read_all
from untrained.theory.claim import Claim
from untrained.theory.ledger import ledger

Entry = Mapping[str, Any]
UNTESTED: Entry = {
    "verdict": "UNTESTED",
    "why": "no evidence was gathered",
    "margin": None,
    "informative": None,
    "nearest": None,
    "domain": {},
    "worst_case": {},
    "decided_by": [],
    "assumes": [],
    "evidence": [],
    "controls": [],
}
"""The entry of a claim that has no record."""
PAPERS = {
    "vanveen18": "Van Veen et al. 2018: compressed sensing with deep image prior (CS-DIP)",
    "oymak19": "Oymak and Soltanolkotabi 2019: the meta-theorem",
    "jagatap19": "Jagatap and Hegde 2019: Net-PGD",
    "heckel20a": "Heckel and Soltanolkotabi 2020: denoising by structural bias",
    "heckel20b": "Heckel and Soltanolkotabi 2020: compressive sensing",
    "you20": "You, Zhu, Qu and Ma 2020: double over-parameterisation",
    "buskulic23": "Buskulic, Fadili and Quéau 2023: smooth networks",
    "own": "Our own results",
    "textbook": "Theorems of textbooks that proofs rest on",
}
"""The papers in the order in which a reader meets them; one that is not here comes after, under its key."""


@dataclass(frozen=True)
class Content:
    """All that the pages are made of, by name."""

    claims: Mapping[str, Claim]
    record: Mapping[str, Entry]
    mutants: Mapping[str, Entry] = field(default_factory=dict)
    recipes: Mapping[str, Entry] = field(default_factory=dict)
    studies: Mapping[str, Entry] = field(default_factory=dict)
    notes: Mapping[str, Note] = field(default_factory=dict)

    def entry(self, claim_id: str) -> Entry:
        """What is recorded of a claim."""
        return self.record.get(claim_id, UNTESTED)

    @cached_property
    def papers(self) -> Mapping[str, Sequence[str]]:
        """The ids of each paper's claims."""
        by_paper: dict[str, list[str]] = {key: [] for key in PAPERS}
        for claim_id, claim in self.claims.items():
            by_paper.setdefault(claim.source.paper, []).append(claim_id)
        return {key: ids for key, ids in by_paper.items() if ids}

    @cached_property
    def needed_by(self) -> Mapping[str, Sequence[str]]:
        """The claims whose proofs rest on each claim."""
        users: dict[str, list[str]] = {claim_id: [] for claim_id in self.claims}
        for claim_id, claim in self.claims.items():
            for name in claim.needs:
                users.setdefault(name, []).append(claim_id)
        return users

    @cached_property
    def writer(self) -> NoteWriter:
        """What turns the notes' Markdown into pages that link to these claims."""
        return NoteWriter(self.claims.keys(), self.notes.keys())


def paper_title(key: str) -> str:
    """A paper in words."""
    return PAPERS.get(key, key)


def read_content(folder: Path = FOLDER) -> Content:
    """Return the ledger with the record of a folder and the notes, where these are at hand.

    Raises
    ------
    ValueError
        where a file of the record is damaged.
    """
    kinds = {name: read_all(kind, folder) for name, kind in _KINDS.items()}
    return Content(ledger(), notes=read_notes(), **kinds)


_KINDS = {"record": "claim", "mutants": "mutants", "recipes": "recipe", "studies": "study"}
