from untrained.sims.experiments.recipes.recipe import Algorithm, Part, Recipe, Setup

PART = Part(
    "mnist",
    (Setup(m=25), Setup(m=50)),
    (Algorithm("TV", "tv"), Algorithm("Lasso", "lasso-dct")),
    count=2,
)
MINE = Recipe("mine", "curves", "TV against the Lasso", "no paper", (PART,))
