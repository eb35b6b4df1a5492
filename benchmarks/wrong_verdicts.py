"""How often are two runs with the same mean MSE told apart, if their errors are lognormal?

Of each pair of log-deviations, beside a factor of the image that both runs share: the share of trials in which the
ratio of the means is told from 1 at any look up to 6 and up to 20 images, at a level of 5 %.

`python benchmarks/wrong_verdicts.py`
"""

import numpy as np

from untrained.sims.experiments.recipes.comparisons import OPEN, Levels, Ratio, judge_by_looks
from untrained.sims.experiments.recipes.recipe import Setup
from untrained.sims.random.streams import stream

TRIALS, SHARED = 4000, 0.4
FIRST, SECOND = ("a", Setup(m=1)), ("b", Setup(m=1))
RATIO = Ratio(FIRST, SECOND, "<", 1.0)


def wrong_share(first: float, second: float, images: int) -> float:
    """Return the share of trials with a verdict; either is wrong."""
    rng, wrong = stream(0, "wrong verdicts", first, second, images), 0
    for _ in range(TRIALS):
        shared = SHARED * rng.normal(size=images)
        errors = [np.exp(shared + s * rng.normal(size=images) - s**2 / 2) for s in (first, second)]
        scores = {run: dict(enumerate(one)) for run, one in zip((FIRST, SECOND), errors, strict=True)}
        wrong += judge_by_looks(RATIO, scores, Levels(0.05, 0.05)).verdict != OPEN
    return wrong / TRIALS


if __name__ == "__main__":
    for pair in ((0.3, 0.3), (0.2, 0.6), (0.1, 1.0), (0.3, 1.5)):
        print(pair, *(f"{images} images: {wrong_share(*pair, images):.3f}" for images in (6, 20)))
