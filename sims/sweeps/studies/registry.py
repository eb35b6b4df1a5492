"""Where each study is defined: nothing is imported before it is asked for."""

from __future__ import annotations

STUDIES: dict[str, str] = {
    "phase": "sims.sweeps.studies.phase:STUDY",
    "rate": "sims.sweeps.studies.rate:STUDY",
    "step": "sims.sweeps.studies.step:STUDY",
    "sigma": "sims.sweeps.studies.sigma:STUDY",
    "signs": "sims.sweeps.studies.signs:STUDY",
    "sensing": "sims.sweeps.studies.sensing:STUDY",
    "noise": "sims.sweeps.studies.noise:STUDY",
}
"""Name of a study -> `module:attribute`."""
