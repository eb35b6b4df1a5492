"""Where each study is defined: nothing is imported before it is asked for."""

from __future__ import annotations

STUDIES: dict[str, str] = {
    "phase": "untrained.sims.experiments.studies.phase:STUDY",
    "rate": "untrained.sims.experiments.studies.rate:STUDY",
    "step": "untrained.sims.experiments.studies.step:STUDY",
    "sigma": "untrained.sims.experiments.studies.sigma:STUDY",
    "signs": "untrained.sims.experiments.studies.signs:STUDY",
    "sensing": "untrained.sims.experiments.studies.sensing:STUDY",
    "noise": "untrained.sims.experiments.studies.noise:STUDY",
}
"""Name of a study -> `module:attribute`."""
