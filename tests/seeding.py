import pytest

from untrained.sims.random.isolated_rng import isolated_rng


@pytest.fixture(autouse=True)
def same_modules_each_time():
    """Modules draw their first weights from the global generator: seeded here, and put back."""
    with isolated_rng(0, "tests"):
        yield
