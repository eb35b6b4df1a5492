"""Learned regularisation: a Gaussian law of each layer's weights, estimated from networks fitted to other images.

The penalty LR(w) = (w - mu)^T Sigma^-1 (w - mu) has w in R^d but mu in R^L, so it must be read. The readings, by name:

- "weights": every weight of layer l is N(mu_l, Sigma_ll), hence the sum over all d weights of (w - mu_l)^2 / Sigma_ll,
  as Section 3.2.1 says. At fitted weights this is about d: 8e7 for d = 8e5 and a weight of 100, where ||y||^2 is 1e4.
- "weights/d", the default: the same sum divided by d, about 1 at fitted weights. The paper's weight of 100 is then of
  the order of the misfit of a fit well under way. In eq. 4, where the weight is the variance sigma^2/m of one entry of
  the noise, it stands for sigma^2 = 100 m/d: 0.25 for the x-ray network and m = 2000.
- "means": the vector of the L layers' means with the whole inverse of Sigma, as in the published code, which counts
  batch norm among the layers (include_norm). A layer's mean varies far less than its weights, so at fitted weights this
  is well below 1 (0.04 for x-rays of 32x32, 0.2 with batch norm), and it holds no more than L numbers.

What no reading can do: a convolution before batch norm gives the same image whatever its scale, so with mu_l near 0 its
part can be shrunk at no cost in misfit. Such a part changes the pace of the descent and prefers no image to another.
That is left to the last convolution and, where included, to the scales and shifts of batch norm.

Source: vanveen18 eq. 4 and 5, Section 3.2.1, Algorithm 1
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.sims.files import Refused, decoding, existing, write_bytes
from untrained.sims.random.streams import stream

READINGS = ("weights/d", "weights", "means")
_KIND, _FORMAT = "untrained learned prior", 1
_DRAWS_AT_ONCE = 2_000_000
_RESERVED = ("Q", "samples", "iterations", "seed", "include_norm", "sizes")

WeightsByName = Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Prior:
    """The law N(mean, covariance) of the layers' weights: mean (L,), covariance (L, L), in float64.

    `layers` names the L parameters; `reading` is one of `READINGS`; `meta` tells, in what JSON can hold, how it was
    learned. Where `meta` has the number of weights of each layer as "sizes", the penalty insists on them.

    Raises
    ------
    ValueError
        where the numbers are no law of L layers, a layer does not vary, or "means" cannot invert the covariance.

    Source: vanveen18 eq. 5
    """

    layers: tuple[str, ...]
    mean: torch.Tensor
    covariance: torch.Tensor
    reading: str = READINGS[0]
    meta: Mapping[str, Any] = field(default_factory=dict)
    _precision: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _one_of_the_readings(self.reading)
        mean, covariance = (part.detach().to(torch.float64, copy=True) for part in (self.mean, self.covariance))
        _check_law(self.layers, mean.cpu(), covariance.cpu())
        precision = 1 / covariance.diagonal()
        if self.reading == "means":
            _check_invertible(covariance.cpu())
            precision = torch.linalg.inv(covariance)
        parts = {"layers": tuple(self.layers), "mean": mean, "covariance": covariance, "_precision": precision}
        for name, value in (parts | {"meta": _as_json(self.meta)}).items():
            object.__setattr__(self, name, value)

    def penalty(self, weights: WeightsByName) -> torch.Tensor:
        """Return LR(w) of B networks, (B,): `weights` holds (B, ...) by name; other parameters than the layers pass by.

        Raises
        ------
        ValueError
            where the networks have other layers than those the prior was learned from.

        Source: vanveen18 eq. 5
        """
        self._match(weights)
        w = [weights[name].reshape(len(weights[name]), -1) for name in self.layers]
        mu, precision = self.mean.to(w[0].dtype), self._precision.to(w[0].dtype)
        if self.reading == "means":
            away = torch.stack([layer.mean(1) for layer in w], 1) - mu
            return (away @ precision * away).sum(1)
        parts = [(layer - mu[l]).square().sum(1) * precision[l] for l, layer in enumerate(w)]
        total = torch.stack(parts).sum(0)
        return total / sum(layer.shape[1] for layer in w) if self.reading == "weights/d" else total

    def _match(self, weights: WeightsByName) -> None:
        kernels, everything = ({n for n, w in weights.items() if w.ndim > axes} for axes in (2, 0))
        expected = everything if set(self.layers) & (everything - kernels) else kernels
        if odd := sorted(expected ^ set(self.layers)):
            whose = "the prior" if odd[0] in self.layers else "the network"
            raise ValueError(f"weights must be of the layers the prior was learned from, got {odd[0]} in {whose} alone")
        for name, size in zip(self.layers, self.meta.get("sizes", ()), strict=False):
            if (got := weights[name][0].numel()) != size:
                raise ValueError(f"weights of {name} must be {size} a network, as in the prior, got {got}")

    def to(self, device: torch.device | str) -> Prior:
        """Return the prior with its numbers on a device."""
        return replace(self, mean=self.mean.to(device), covariance=self.covariance.to(device))


def _one_of_the_readings(reading: str) -> None:
    if reading not in READINGS:
        raise ValueError(f"reading must be one of {', '.join(READINGS)}, got {reading!r}")


def _as_json(meta: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(meta), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"meta must hold what JSON can hold, got another: {error}") from error
    return plain


def _check_law(layers: Sequence[str], mean: torch.Tensor, covariance: torch.Tensor) -> None:
    count = len(layers)
    if not count or len(set(layers)) < count:
        raise ValueError(f"layers must be one or more different names, got {list(layers)}")
    if mean.shape != (count,) or covariance.shape != (count, count):
        got = f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise ValueError(f"mean and covariance must be of shape ({count},) and ({count}, {count}), got {got}")
    if not (mean.isfinite().all() and covariance.isfinite().all()):
        raise ValueError("mean and covariance must be finite, got a NaN or an infinity")
    variance = covariance.diagonal()
    if not torch.allclose(covariance, covariance.T, rtol=0, atol=1e-9 * float(variance.abs().max())):
        raise ValueError("covariance must be symmetric, got another")
    # A spread of less than a millionth of the mean is at the resolution of float32 weights: rounding, not a law.
    if flat := [name for name, v, m in zip(layers, variance, mean, strict=True) if not v > 1e-12 * m**2]:
        raise ValueError(f"covariance must be positive for every layer, got a layer that does not vary: {flat[0]}")


def _check_invertible(covariance: torch.Tensor) -> None:
    scale = covariance.diagonal().rsqrt()
    least = float(torch.linalg.eigvalsh(scale[:, None] * covariance * scale).min())
    if not least > 1e-6:
        raise ValueError(
            "covariance must be invertible for the reading 'means', got correlations with a least eigenvalue of "
            f"{least:.1e}: draw more samples or iterations, or take exact_prior, whose layers are uncorrelated"
        )


def learn_prior(
    weights: Sequence[WeightsByName],
    *,
    samples: int = 1000,
    iterations: int = 1000,
    seed: int = 0,
    reading: str = READINGS[0],
    include_norm: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> Prior:
    """Estimate mean and covariance of the layers from the weights of Q fitted networks, one mapping by name a network.

    Each of T iterations picks a network and, with replacement, S weights of each of its layers. Layers are the kernels
    of convolutions, which Section 3.2 argues from; `include_norm` adds scales, shifts and biases.

    What follows from the letter of Algorithm 1: Sigma_t has mu_t mu_t^T of its own network subtracted, so the spread of
    a layer's mean from network to network does not enter Sigma at all, and a layer of one weight has no variance. The
    layers' weights are drawn unpaired, so off the diagonal Sigma is noise of deviation sqrt(Sigma_ii Sigma_jj / (S T)).
    The diagonal is low by the factor 1 - 1/S.

    Raises
    ------
    ValueError
        where the networks differ in their layers, hold no kernel or no finite numbers, or S < 2 or T < 1.

    Source: vanveen18 Section 3.2.1 and Algorithm 1
    """
    for name, number, least in (("samples", samples, 2), ("iterations", iterations, 1)):
        if number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")
    layers = _gathered(weights, include_norm)
    mean, second = np.zeros(len(layers)), np.zeros((len(layers), len(layers)))
    for sample in _draws(layers, samples, iterations, seed):
        means = sample.mean(2)
        mean += means.sum(0)
        second += (sample @ sample.transpose(0, 2, 1)).sum(0) / samples - means.T @ means
    how = {"samples": samples, "iterations": iterations, "seed": seed, "include_norm": include_norm}
    return _prior(layers, mean / iterations, second / iterations, reading, how, meta)


def exact_prior(
    weights: Sequence[WeightsByName],
    *,
    reading: str = READINGS[0],
    include_norm: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> Prior:
    """Return the limit of Algorithm 1 as S and T grow: averages over the networks of a layer's mean and variance.

    Off the diagonal the covariance is 0. Arguments and refusals are those of `learn_prior`.

    Source: vanveen18 Algorithm 1
    """
    layers = _gathered(weights, include_norm)
    mean = np.array([w.mean() for w in layers.values()])
    variance = np.array([w.var(1).mean() for w in layers.values()])
    how = {"samples": None, "iterations": None, "seed": None, "include_norm": include_norm}
    return _prior(layers, mean, np.diag(variance), reading, how, meta)


def _prior(
    layers: Mapping[str, np.ndarray],
    mean: np.ndarray,
    covariance: np.ndarray,
    reading: str,
    how: Mapping[str, Any],
    meta: Mapping[str, Any] | None,
) -> Prior:
    if reserved := sorted(set(meta or {}) & set(_RESERVED)):
        raise ValueError(f"meta must leave {', '.join(_RESERVED)} to the learning of the prior, got {reserved[0]}")
    sizes = [w.shape[1] for w in layers.values()]
    header = {**(meta or {}), "Q": len(next(iter(layers.values()))), **how, "sizes": sizes}
    return Prior(tuple(layers), torch.from_numpy(mean), torch.from_numpy(covariance), reading, header)


def _gathered(weights: Sequence[WeightsByName], include_norm: bool) -> dict[str, np.ndarray]:
    """The (Q, N_l) weights of each layer."""
    if not weights:
        raise ValueError("weights must hold at least one fitted network, got none")
    shapes = [{name: tuple(w.shape) for name, w in network.items()} for network in weights]
    if odd := [q for q, shape in enumerate(shapes) if shape != shapes[0]]:
        raise ValueError(f"weights must be of networks with the same layers, got other layers in network {odd[0]}")
    names = [name for name, shape in shapes[0].items() if include_norm or len(shape) > 1]
    if not names:
        raise ValueError("weights must hold the kernel of a convolution, got none")
    flat = {n: torch.stack([net[n].detach().flatten().double().cpu() for net in weights]).numpy() for n in names}
    for name, w in flat.items():
        if not np.isfinite(w).all():
            raise ValueError(f"weights must be finite, got a NaN or an infinity in {name}")
    return flat


def _draws(layers: Mapping[str, np.ndarray], samples: int, iterations: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the matrices M_t, (L, S) each, some iterations at once: (t, L, S)."""
    networks = len(next(iter(layers.values())))
    chosen = stream(seed, "learned prior", "network").integers(networks, size=iterations)
    sources = [(w, stream(seed, "learned prior", "layer", name)) for name, w in layers.items()]
    block = max(1, _DRAWS_AT_ONCE // (samples * len(layers)))
    for start in range(0, iterations, block):
        q = chosen[start : start + block, None]
        yield np.stack([w[q, rng.integers(w.shape[1], size=(len(q), samples))] for w, rng in sources], 1)


def save_prior(path: str | Path, prior: Prior) -> None:
    """Write a prior to one .npz file, whole or not at all; the same prior gives the same bytes.

    Raises
    ------
    ValueError
        where the path names no file in a folder that exists.
    OSError
        where the folder cannot be written to.
    """
    header = json.dumps({"layers": prior.layers, "reading": prior.reading, "meta": prior.meta}, sort_keys=True)
    mean, covariance = prior.mean.cpu().numpy(), prior.covariance.cpu().numpy()
    content = io.BytesIO()
    digest = _checksum(header, mean, covariance)
    np.savez(content, kind=_KIND, format=_FORMAT, told=header, mean=mean, covariance=covariance, checksum=digest)
    write_bytes(path, content.getvalue())


def _checksum(header: str, mean: np.ndarray, covariance: np.ndarray) -> str:
    digest = hashlib.sha256(json.dumps([_KIND, _FORMAT, header]).encode() + b"\0")
    for part in (mean, covariance):
        digest.update(part.astype("<f8").tobytes())
    return digest.hexdigest()


def load_prior(path: str | Path) -> Prior:
    """Read a prior, on the CPU, and check it.

    Raises
    ------
    ValueError
        where the file is no prior, is damaged, or contradicts itself.
    """
    path = existing(path)
    with decoding(path), path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        if "kind" not in file.files or str(file["kind"]) != _KIND or int(file["format"]) != _FORMAT:
            raise Refused(f"path must name a learned prior of format {_FORMAT}, got another file in {str(path)!r}")
        header, mean, covariance = str(file["told"]), file["mean"], file["covariance"]
        if str(file["checksum"]) != _checksum(header, mean, covariance):
            raise Refused(f"checksum of the prior must agree with its content, got another in {str(path)!r}")
    head = json.loads(header)
    return Prior(tuple(head.pop("layers")), torch.from_numpy(mean), torch.from_numpy(covariance), **head)


def grid_search(
    evaluate: Callable[[float], float], weights: Sequence[float] = (0.0, 1.0, 10.0, 100.0, 1000.0)
) -> tuple[float, dict[float, float]]:
    """Score every candidate for the weight of the prior; return the one of least score, and all scores.

    `evaluate(weight)` must score by what a user can know, such as the misfit on held-out measurements of the images the
    prior was learned from; never by the true image. A score of NaN (a fit that diverged) never wins; of equals, the
    smallest weight does.

    Raises
    ------
    ValueError
        where a candidate is negative, or no score is finite.

    Source: vanveen18 Appendix A ("a standard grid search", not saying on what)
    """
    if not weights or not all(isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"weights must be finite numbers of at least 0, got {list(weights)}")
    table = {float(weight): float(evaluate(float(weight))) for weight in sorted(set(weights))}
    finite = {weight: score for weight, score in table.items() if isfinite(score)}
    if not finite:
        raise ValueError(
            f"weights must have one of a finite score, as no fit that diverges has, got {list(table.values())}"
        )
    return min(finite, key=finite.__getitem__), table
