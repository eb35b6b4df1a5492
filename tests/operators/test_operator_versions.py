"""The same spec gives the same numbers: a sample of each operator's is in `products.json`, with its law's version.

Run this file as a script to record them again, once the version of an operator has been raised.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from untrained.sims.operators import OPERATORS, make_operator

RECORD = Path(__file__).with_name("products.json")
SHAPES = [(1, 8, 8), (3, 8, 8)]
OPTIONS = {
    "fourier-radial": {"lines": 3},
    "superres": {"factor": 2},
    "multicoil": {"coils": 3, "acceleration": 2.5},
    "fourier-cartesian": {"mask": np.arange(64).reshape(8, 8) % 3 == 0},
}


def sample(name, shape):
    """The version of an operator, some of its products with a fixed image, and a hash of all numbers it has drawn."""
    operator = make_operator(name, shape, seed=5, **OPTIONS.get(name, {"m": 12}))
    x = torch.arange(operator.n, dtype=torch.float64).sin().reshape(shape)
    tensors = [value.numpy() for value in vars(operator).values() if isinstance(value, torch.Tensor)]
    blocks = [operator.block(0).numpy()] if name == "gaussian-seeded" else []
    digests = sorted(hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for a in tensors + blocks)
    return {
        "version": operator.version,
        "product": operator.forward(x)[:12].tolist(),
        "draws": " ".join(digest[:12] for digest in digests),
        "fingerprint": operator.fingerprint()[:16],
    }


def differences(now, recorded):
    """What differs: the draws exactly, products beyond the rounding of float64 sums over 192 terms of order one."""
    close = np.allclose(now["product"], recorded["product"], rtol=0, atol=1e-12)
    exact = [key for key in ("draws", "fingerprint") if now[key] != recorded[key]]
    return exact + ([] if close else ["product"])


def refuse_changes(name, now, recorded):
    assert now["version"] == recorded["version"], f"the version of {name} was raised: record again (run this file)"
    changed = differences(now, recorded)
    assert not changed, f"these numbers changed ({', '.join(changed)}): raise the version of {name} and record again"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_has_the_numbers_of_its_version(name, shape):
    refuse_changes(name, sample(name, shape), json.loads(RECORD.read_text())[f"{name} {shape}"])


def test_another_law_is_noticed():
    recorded = sample("gaussian", SHAPES[0])
    for change in ({"draws": "0"}, {"product": [v + 1e-9 for v in recorded["product"]]}):
        with pytest.raises(AssertionError, match="raise the version of gaussian and record again"):
            refuse_changes("gaussian", {**recorded, **change}, recorded)
    with pytest.raises(AssertionError, match="the version of gaussian was raised: record again"):
        refuse_changes("gaussian", {**recorded, "version": 2}, recorded)


def test_a_higher_version_is_another_fingerprint(monkeypatch):
    operator = make_operator("dct", SHAPES[0], 5)
    before = operator.fingerprint()
    monkeypatch.setattr(type(operator), "version", 2)
    assert operator.fingerprint() != before


if __name__ == "__main__":
    samples = {f"{name} {shape}": sample(name, shape) for name in OPERATORS for shape in SHAPES}
    RECORD.write_text(json.dumps(samples, indent=1) + "\n")
