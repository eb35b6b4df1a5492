import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import hypothesis
import pytest

hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def quick():
    """Quick evidence of a claim at seed 0, gathered at most once a session."""
    from sims.chance.verify import gather

    seen = {}

    def of(claim_id):
        if claim_id not in seen:
            seen[claim_id] = gather(claim_id, "quick", 0)
        return seen[claim_id]

    return of


@pytest.fixture(scope="session")
def record():
    """The committed record: entry by claim id."""
    from sims.record.store import load_record

    return load_record()
