"""`untrained check`: the networks asked for, and the numbers found written down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from untrained.sims.diagnosis.answer import Report
from untrained.sims.diagnosis.examine import Question as Question
from untrained.sims.diagnosis.examine import check as check
from untrained.sims.networks.loading import as_network
from untrained.sims.networks.network import Network
from untrained.sims.recovery.outputs import write_json as write_whole
from untrained.sims.runtime import versions

FORMAT = 1


def sources(networks: Sequence[str], latent_shape: str | None, param_filter: str | None) -> list[Network]:
    """Load every network that is asked for.

    Raises
    ------
    ValueError
        where one cannot be loaded.
    """
    return [as_network(name, latent_shape=latent_shape, param_filter=param_filter) for name in networks]


def write_json(place: Path, reports: Sequence[Report]) -> None:
    """Write what was found about each network."""
    write_whole(place, {"format": FORMAT, "versions": versions(), "networks": [one.to_json() for one in reports]})
