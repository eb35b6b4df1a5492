"""What a run of the ledger has gathered so far, a line a claim, so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from untrained.sims.evidence.gather import Gathered
from untrained.sims.files import cache_folder, write_text
from untrained.sims.record.entries import gathered_from_json, gathered_to_json
from untrained.theory.ledger import ledger


class Journal:
    """The journal of a run, which only an identical run goes on from: the same budget, seed, claims and versions."""

    def __init__(self, budget: str, seed: int, ids: Sequence[str] = ()) -> None:
        versions = {claim_id: claim.version for claim_id, claim in ledger().items()}
        identity = json.dumps([budget, seed, list(ids), versions])
        key = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.path = cache_folder() / f"verify-{key}.jsonl"

    def read(self) -> dict[str, Gathered]:
        """Return every claim that was written whole; a torn last line is left out.

        Raises
        ------
        ValueError
            where another line is damaged.
        """
        if not self.path.exists():
            return {}
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
            return {g.id: g for g in (gathered_from_json(json.loads(line)) for line in lines)}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"the journal to resume from must be whole, got a damaged {self.path}") from error

    def start(self, before: Mapping[str, Gathered]) -> None:
        """Begin the file anew with what was gathered before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, "".join(self._line(g) for g in before.values()))

    def add(self, gathered: Gathered) -> None:
        """Append one claim."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._line(gathered))

    def close(self) -> None:
        """Remove the file of a run that came to its end."""
        self.path.unlink(missing_ok=True)

    @staticmethod
    def _line(gathered: Gathered) -> str:
        return json.dumps(gathered_to_json(gathered), allow_nan=False) + "\n"
