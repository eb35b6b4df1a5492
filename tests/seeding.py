import pytest

from untrained.sims.networks.foreign import seeded


@pytest.fixture(autouse=True)
def same_modules_each_time():
    """Modules draw their first weights from the global generator: seeded here, and put back."""
    with seeded(0, "tests"):
        yield
