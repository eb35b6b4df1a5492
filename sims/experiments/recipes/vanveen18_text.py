"""What the text of the CS-DIP paper says in passing, or of three images shown: a recipe a sentence and set of images.

The text names neither m nor sizes: m is that of Figure 2 (2000, and 75 of MNIST), and "no difference" is read as mean
MSEs within 10 % of each other. Cells are those of the figures where these have the same.
"""

from __future__ import annotations

from untrained.sims.experiments.recipes.recipe import (
    DENOISER,
    MEASUREMENTS,
    PUBLISHED,
    Algorithm,
    Part,
    Recipe,
    Setup,
    algorithms,
    mnist,
    retina,
    xray,
)
from untrained.sims.experiments.recipes.statements import Alike, Lower, Statement

_BY = 0.1
_READ = f"(read as: mean MSEs within {_BY:.0%})"
_RESTARTS = "we found no difference using random restarts of the initial seed z"
_DIMENSION = "We found negligible difference when varying the dimension of z (within reason)"
_WAVELET = "[Lasso in a wavelet basis] performed worse than Lasso - DCT on all datasets"
_COLOURS = "BM3D-AMP fails to converge, as demonstrated by erroneous green and purple pixels"
_WHICH_M = ("The text names no m: that of Figure 2 is used.",)
_WHICH_MS = ("The text names no m: those of Table 1 are used.",)
_GAUSSIAN = tuple(Setup(m=m) for m in MEASUREMENTS)
_NAMES = {"mnist": "MNIST", "xray": "chest x-ray", "retina": "retinopathy"}


def _csdip(label: str, restarts: int, latent: int | None = None) -> Algorithm:
    options = {} if latent is None else {"network_options": f'{{"latent": {latent}}}'}
    return Algorithm(label, "csdip", {"restarts": str(restarts), **options})


def _recipe(name: str, title: str, part: Part, statement: Statement, silent: tuple[str, ...] = _WHICH_M) -> Recipe:
    methods = {algorithm.method for algorithm in part.algorithms}
    published = (PUBLISHED,) if part.dataset != "mnist" and "csdip" in methods else ()
    return Recipe(
        f"vanveen18-{name}-{part.dataset}", "curves", f"MSE - {_NAMES[part.dataset]}, {title}",
        "vanveen18 Section 5.1 and Appendix A", (part,), statements=(statement,), silent=silent,
        differs=(*published, DENOISER) if "damp" in methods else published,
    )  # fmt: skip


def _wavelet(part: Part) -> Recipe:
    worse = Lower(_WAVELET, "lasso-dct", ("lasso-wavelet",))
    return _recipe("wavelet", "Lasso in two bases", part, worse, _WHICH_MS)


_BASES = algorithms("lasso-dct", "lasso-wavelet")
_DIGIT_RUNS = (_csdip("csdip", 5), _csdip("csdip-once", 1))
_TWO = (_csdip("csdip", 1), _csdip("csdip-restarts", 5))
_LATENTS = {
    "mnist": (_csdip("csdip", 5), _csdip("csdip-half", 5, 64), _csdip("csdip-twice", 5, 256)),
    "xray": (_csdip("csdip", 1), _csdip("csdip-half", 1, 32), _csdip("csdip-twice", 1, 128)),
}
"""Half and twice the dimension of the published networks: 128 and 64."""

_SAME = Alike(f"{_RESTARTS} {_READ}", "csdip-restarts", ("csdip",), _BY)
_SAME_LATENT = Alike(f"{_DIMENSION} {_READ}", "csdip", ("csdip-half", "csdip-twice"), _BY)
_BENEFIT = Lower("for smaller vectors such as MNIST, restarts did provide some benefit", "csdip", ("csdip-once",))
_TWICE = Lower(f"{_COLOURS} (read as: at least twice CS-DIP's MSE)", "csdip", ("damp",), factor=2)
_DIGITS, _LARGE = (Setup(m=75),), (Setup(m=2000),)

TEXT_RECIPES = {
    recipe.name: recipe
    for recipe in (
        _wavelet(xray(_GAUSSIAN, _BASES)),
        _wavelet(retina(_GAUSSIAN, _BASES)),
        _recipe("restarts", "5 restarts and 1", mnist(_DIGITS, _DIGIT_RUNS), _BENEFIT),
        _recipe("restarts", "5 restarts and 1", xray(_LARGE, _TWO), _SAME),
        _recipe("restarts", "5 restarts and 1", retina(_LARGE, _TWO), _SAME),
        _recipe("colours", "as in Figure 10", retina(_LARGE, algorithms("csdip", "damp")), _TWICE, ()),
        _recipe("latent", "dimensions of z", mnist(_DIGITS, _LATENTS["mnist"]), _SAME_LATENT),
        _recipe("latent", "dimensions of z", xray(_LARGE, _LATENTS["xray"]), _SAME_LATENT),
    )
}
"""Recipes of sentences in the text."""
