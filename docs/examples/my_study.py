from random import Random

from untrained.sims.experiments.study import Study


def row(parameters, seed, device):
    rng = Random(f"{parameters} {seed}")
    heads = sum(rng.random() < parameters["p"] for _ in range(parameters["tosses"]))
    return {"heads": heads, "share": heads / parameters["tosses"]}


STUDY = Study(
    name="coins",
    says="How far is the share of heads from p?",
    axes={"p": (0.25, 0.5), "tosses": (10, 1000)},
    domain={"p": (0.0, 1.0), "tosses": (1, 1_000_000)},
    seeds=1,
    row=row,
)
