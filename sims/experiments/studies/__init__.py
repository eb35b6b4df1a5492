"""The studies that can be swept by name; none is imported before it is asked for."""

from __future__ import annotations

from untrained.sims.experiments.experiment import load, resolve
from untrained.sims.experiments.study import Study

STUDIES: dict[str, str] = {
    "phase": "untrained.sims.experiments.studies.phase:PHASE_STUDY",
    "rate": "untrained.sims.experiments.studies.rate:RATE_STUDY",
    "step": "untrained.sims.experiments.studies.step:STEP_STUDY",
    "sigma": "untrained.sims.experiments.studies.sigma:SIGMA_STUDY",
    "sigma_min": "untrained.sims.experiments.studies.sigma:SIGMA_MIN_STUDY",
    "signs": "untrained.sims.experiments.studies.signs:SIGNS_STUDY",
    "sensing": "untrained.sims.experiments.studies.sensing:SENSING_STUDY",
    "heckel20a-fig1": "untrained.sims.experiments.studies.denoising:FIG1_STUDY",
    "noise": "untrained.sims.experiments.studies.noise:NOISE_STUDY",
    "heckel20b-fig1": "untrained.sims.experiments.studies.sensing_convergence:SENSING_CONVERGENCE_STUDY",
    "heckel20a-fig4": "untrained.sims.experiments.studies.image_noise:IMAGE_NOISE_STUDY",
    "heckel20a-fig5": "untrained.sims.experiments.studies.warm_up:WARM_UP_STUDY",
    "heckel20a-fig6": "untrained.sims.experiments.studies.kernel_spectra:KERNEL_SPECTRA_STUDY",
    "heckel20a-fig7": "untrained.sims.experiments.studies.line_jacobian:LINE_JACOBIAN_STUDY",
    "heckel20a-fig12": "untrained.sims.experiments.studies.jacobian_norms:JACOBIAN_NORMS_STUDY",
    "frequencies": "untrained.sims.experiments.studies.frequencies:FREQUENCIES_STUDY",
    "interpolation": "untrained.sims.experiments.studies.interpolation_error:INTERPOLATION_STUDY",
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
