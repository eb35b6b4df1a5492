"""The studies that can be swept by name; none is imported before it is asked for."""

from __future__ import annotations

from untrained.sims.experiments.experiment import load, resolve
from untrained.sims.experiments.study import Study

STUDIES: dict[str, str] = {
    "phase": "untrained.sims.experiments.studies.phase:STUDY",
    "rate": "untrained.sims.experiments.studies.rate:STUDY",
    "step": "untrained.sims.experiments.studies.step:STUDY",
    "sigma": "untrained.sims.experiments.studies.sigma:STUDY",
    "sigma_min": "untrained.sims.experiments.studies.sigma_min:STUDY",
    "signs": "untrained.sims.experiments.studies.signs:STUDY",
    "sensing": "untrained.sims.experiments.studies.sensing:STUDY",
    "noise": "untrained.sims.experiments.studies.noise:STUDY",
}
"""Name of a study -> `module:attribute`."""


def find_study(reference: str) -> str:
    """Return where a study is, as every process of this machine understands it.

    Raises
    ------
    ValueError
        where the reference is neither a registered name, file.py:NAME nor package.module:NAME.
    """
    return resolve(reference, STUDIES, "study")


def load_study(reference: str) -> Study:
    """Return a study by its name, module or file.

    Raises
    ------
    ValueError
        where it cannot be found or imported.
    """
    return load(find_study(reference), Study, "study")
