"""Methods and recipes for tests: small enough to run many times, and counting what they are asked."""

import struct
import types
from dataclasses import asdict, dataclass, replace

import torch

from untrained.sims.experiments.recipes.recipe import Algorithm, Learned, Number, Part, Recipe, Setup
from untrained.sims.experiments.recipes.statements import Lower
from untrained.sims.images.codes import Codes
from untrained.sims.images.images import to_image
from untrained.sims.recovery.methods import Method
from untrained.sims.recovery.result import Recovery

SETUPS = (Setup(m=8), Setup(m=16, variance=4.0))


@dataclass(frozen=True)
class SmallSettings:
    share: float = 1.0
    prior: str | None = None
    prior_weight: float = 0.0

    def __post_init__(self):
        if self.prior_weight and not self.prior:
            raise ValueError("prior_weight needs a prior, got none")


class Workshop:
    """The methods "half" and "whole" that return a share of A^T y; `calls` holds what each call was given."""

    def __init__(self):
        self.calls, self.does = [], {}

    def recover(self, operator, y, settings, *, seed=0, watch=None):
        self.calls.append((settings, operator.fingerprint(), y.clone(), seed))
        change = self.does.get(len(self.calls), lambda: {})()
        if watch is not None:
            watch(1, 2, 0.5)
        image = settings.share * operator.adjoint(y)
        recovery = Recovery(image, "small", asdict(settings), "steps ended", 0.0, 1, 0.25)
        return replace(recovery, **change)

    def together(self, operators, ys, settings, *, seeds, watch=None):
        pairs = zip(operators, ys, seeds, strict=True)
        return [self.recover(a, y, settings, seed=seed, watch=watch) for a, y, seed in pairs]

    def method(self, name, *, batches=False):
        offers = {"recover": self.recover, "SmallSettings": SmallSettings}
        module = types.SimpleNamespace(**offers, **({"recover_batch": self.together} if batches else {}))

        @dataclass(frozen=True)
        class Small(Method):
            def load(self):
                return module

        return Small(name, "small", "none", "SmallSettings")


def codes(count=6, shape=(1, 8, 8), seed=0):
    return torch.randint(256, (count, *shape), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def images(count=6, shape=(1, 8, 8), seed=0):
    return to_image(Codes(codes(count, shape, seed).numpy(), 0.0, 255.0).to_scale())


def write_images(folder, count=6):
    """Lay the images down as the set `mnist`, so that any process finds them."""
    pixels = codes(count)[:, 0]
    header = b"\0\0\x08\x03" + struct.pack(">3I", *pixels.shape)
    (folder / "t10k-images-idx3-ubyte").write_bytes(header + pixels.numpy().tobytes())


WHOLE, HALF = Algorithm("csdip", "whole"), Algorithm("tv", "half", {"share": "0.5"})
LEARNING = Algorithm("csdip-lr", "whole", {"share": "0.9", "prior_weight": "100"}, Learned("prior", 0, 2))


def recipe(name="small", kind="curves", setups=SETUPS, algorithms=(WHOLE, HALF), **options):
    options = {"count": 4, "first": 0, "paper_count": 5, "at_once": 1, **options}
    part = Part("mnist", setups, algorithms, **options)
    numbers = tuple(Number(s, algorithms[-1].label, 10.0 * (i + 1)) for i, s in enumerate(setups))
    says = Lower("half is better", "tv", ("csdip",))
    return Recipe(name, kind, "A small one", "nobody Figure 1", (part,), numbers=numbers, statements=(says,))
