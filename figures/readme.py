"""`python -m untrained.figures.readme`: the README's table of verdicts made anew from the record."""

from __future__ import annotations

from untrained.figures.verdict_table import with_table
from untrained.sims.record.store import ROOT, load_record, write_whole


def main() -> None:
    """Rewrite the table between the README's markers."""
    path = ROOT / "README.md"
    write_whole(path, with_table(path.read_text(encoding="utf-8"), load_record()))


if __name__ == "__main__":
    main()
