"""`python -m untrained.figures.ledger_note`: the table of verdicts in paper_notes/ledger.md from the record."""

from __future__ import annotations

from pathlib import Path

from untrained.figures.verdict_table import with_table
from untrained.sims.files import write_text
from untrained.sims.record.store import read_all

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Rewrite the table between the note's markers."""
    path = ROOT / "paper_notes" / "ledger.md"
    write_text(path, with_table(path.read_text(encoding="utf-8"), read_all("claim")))


if __name__ == "__main__":
    main()
