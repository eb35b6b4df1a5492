import copy
import io
from functools import partial

import numpy as np
import pytest
import torch

from untrained.sims.networks.generators import dcgan
from untrained.sims.networks.initialisation import initialise
from untrained.sims.random.streams import stream
from untrained.sims.recovery import learned_prior
from untrained.sims.recovery.learned_prior import (
    READINGS,
    Prior,
    exact_prior,
    grid_search,
    learn_prior,
    load_prior,
    save_prior,
)

SHAPES = {
    "0.weight": (6, 5, 2, 2),
    "1.weight": (5,),
    "1.bias": (5,),
    "3.weight": (5, 4, 3, 3),
    "6.weight": (4, 1, 2, 2),
}
KERNELS = ("0.weight", "3.weight", "6.weight")


def fitted(count=4, seed=0):
    """Weights as fitted networks have them: each layer of each network with a mean and a spread of its own."""
    networks = []
    for q in range(count):
        rng = stream(seed, "fitted", q)
        networks.append(
            {
                name: torch.from_numpy(
                    rng.uniform(-0.3, 0.3) + rng.uniform(0.5, 2) * rng.standard_normal(shape)
                ).float()
                for name, shape in SHAPES.items()
            }
        )
    return networks


def stacked(networks):
    return {name: torch.stack([network[name] for network in networks]) for name in networks[0]}


def a_law(count, reading, seed=0, **meta):
    """A prior with a covariance that is far from diagonal."""
    rng = stream(seed, "law")
    root = rng.standard_normal((count, count))
    covariance = torch.from_numpy(root @ root.T + np.eye(count))
    layers = KERNELS if count == 3 else tuple(SHAPES)
    return Prior(layers, torch.from_numpy(rng.standard_normal(count)), covariance, reading, meta)


def network(shape=(1, 16, 16), width=6, copies=2):
    """Networks as they start, and their weights, each by name."""
    modules = [dcgan(shape, width=width, latent=8).build() for _ in range(copies)]
    for index, module in enumerate(modules):
        initialise(module, stream(0, "network", index))
    return modules, [{name: w.detach() for name, w in module.named_parameters()} for module in modules]


# --- Algorithm 1 ---


def by_the_letter(networks, layers, samples, iterations, seed):
    """Algorithm 1 line by line, one weight vector at a time."""
    pick = stream(seed, "learned prior", "network")
    sources = {name: stream(seed, "learned prior", "layer", name) for name in layers}
    mus, sigmas = [], []
    for _ in range(iterations):
        q = pick.integers(len(networks))
        m = np.zeros((len(layers), samples))
        mu = np.zeros(len(layers))
        for l, name in enumerate(layers):
            w = networks[q][name].flatten().tolist()
            v = [w[i] for i in sources[name].integers(len(w), size=samples)]
            m[l, :] = v
            mu[l] = sum(v) / samples
        mus.append(mu)
        sigmas.append(m @ m.T / samples - np.outer(mu, mu))
    return sum(mus) / iterations, sum(sigmas) / iterations


@pytest.mark.parametrize("include_norm", [False, True])
@pytest.mark.parametrize("at_once", [1, 700, 10**6])
def test_the_estimate_is_algorithm_1_by_the_letter_whatever_is_drawn_at_once(monkeypatch, include_norm, at_once):
    monkeypatch.setattr(learned_prior, "_DRAWS_AT_ONCE", at_once)
    networks = fitted()
    prior = learn_prior(networks, samples=30, iterations=25, seed=3, include_norm=include_norm)
    mean, covariance = by_the_letter(networks, tuple(SHAPES) if include_norm else KERNELS, 30, 25, 3)
    assert prior.layers == (tuple(SHAPES) if include_norm else KERNELS)
    # Sums of a few hundred numbers of order one in float64.
    np.testing.assert_allclose(prior.mean, mean, atol=1e-13)
    np.testing.assert_allclose(prior.covariance, covariance, atol=1e-13)


def test_many_draws_tend_to_the_exact_limit_at_the_rate_of_their_variance():
    networks, samples, iterations = fitted(), 50, 4000
    drawn = learn_prior(networks, samples=samples, iterations=iterations, seed=1)
    limit = exact_prior(networks)
    for l, name in enumerate(KERNELS):
        w = [network[name].flatten().double().numpy() for network in networks]
        means, variances = np.array([v.mean() for v in w]), np.array([v.var() for v in w])
        fourth = np.mean([((v - v.mean()) ** 4).mean() for v in w])
        # One iteration's mean varies with the network (Var of the means) and with the draw (sigma^2/S) ...
        of_mean = np.sqrt((means.var() + variances.mean() / samples) / iterations)
        # ... and its variance with the network and, to leading order, by mu_4/S; it is low by the factor 1 - 1/S.
        of_variance = np.sqrt((variances.var() + fourth / samples) / iterations)
        assert abs(drawn.mean[l] - limit.mean[l]) < 5 * of_mean
        assert abs(drawn.covariance[l, l] - (1 - 1 / samples) * limit.covariance[l, l]) < 5 * of_variance


def test_the_exact_limit_is_the_average_of_each_networks_moments():
    networks = fitted()
    limit = exact_prior(networks)
    for l, name in enumerate(KERNELS):
        w = [network[name].flatten().tolist() for network in networks]
        means = [sum(v) / len(v) for v in w]
        within = [sum((x - mean) ** 2 for x in v) / len(v) for v, mean in zip(w, means, strict=True)]
        assert float(limit.mean[l]) == pytest.approx(sum(means) / len(w), abs=1e-14)
        assert float(limit.covariance[l, l]) == pytest.approx(sum(within) / len(w), rel=1e-12)
    assert torch.equal(limit.covariance, limit.covariance.diagonal().diag())


def test_the_diagonal_is_low_by_one_over_the_samples():
    networks = [{"0.weight": torch.tensor([[-1.0, 1.0]])}]
    drawn = learn_prior(networks, samples=2, iterations=20_000)
    # Two signs: their variance is 1 or 0 with chance 1/2 each, so the average is 1/2 with deviation 0.5/sqrt(20000).
    assert float(drawn.covariance) == pytest.approx(0.5, abs=5 * 0.5 / 20_000**0.5)
    assert float(exact_prior(networks).covariance) == 1


def test_covariances_of_layers_are_noise_that_fades_with_the_draws():
    networks = fitted()
    variances = torch.stack([w.flatten(1).var(1, correction=0) for w in stacked(networks).values()])
    products = (variances[:, None] * variances).mean(2) / (variances.mean(1)[:, None] * variances.mean(1))
    together = float(products[~torch.eye(5, dtype=torch.bool)].max())
    few, many = (learn_prior(networks, samples=20, iterations=t, seed=2, include_norm=True) for t in (50, 5000))
    for prior, iterations in ((few, 50), (many, 5000)):
        scale = prior.covariance.diagonal().rsqrt()
        off = (scale[:, None] * prior.covariance * scale)[~torch.eye(5, dtype=torch.bool)]
        # Unpaired draws: each correlation has mean 0 and deviation 1/sqrt(S T), times the root of
        # E[s_i^2 s_j^2] / (E s_i^2 E s_j^2), as networks differ in their spreads s.
        assert off.abs().max() < 5 * np.sqrt(together / (20 * iterations))
        assert off.square().mean().sqrt() > 0.3 / np.sqrt(20 * iterations)


def test_the_spread_of_means_from_network_to_network_does_not_enter_the_covariance():
    networks = fitted()
    moved = copy.deepcopy(networks)
    for q, one in enumerate(moved):
        one["3.weight"] += 10 * q
    for learn in (exact_prior, partial(learn_prior, samples=100, iterations=500)):
        before, after = learn(networks), learn(moved)
        # Shifted weights are rounded to float32: to about 30 * 2^-24 = 2e-6 each.
        torch.testing.assert_close(after.covariance, before.covariance, rtol=0, atol=1e-5)
        assert float(after.mean[1] - before.mean[1]) == pytest.approx(15, abs=1)
    together = torch.cat([one["3.weight"].flatten() for one in moved]).var()
    assert together > 20 * after.covariance[1, 1]  # what a pooled estimate would have said


def test_more_samples_than_weights_can_be_drawn():
    assert learn_prior(fitted(), samples=500, iterations=3).covariance.diagonal().min() > 0


def test_the_seed_settles_every_number_and_a_layer_more_shifts_none():
    networks = fitted()
    one, again, other = (learn_prior(networks, samples=10, iterations=10, seed=s) for s in (5, 5, 6))
    assert torch.equal(one.mean, again.mean)
    assert torch.equal(one.covariance, again.covariance)
    assert not torch.equal(one.mean, other.mean)
    more = learn_prior(networks, samples=10, iterations=10, seed=5, include_norm=True)
    places = [more.layers.index(name) for name in KERNELS]
    torch.testing.assert_close(more.mean[places], one.mean, rtol=0, atol=1e-15)


# --- the penalty ---


def slow_penalty(prior, one):
    """The penalty of one network from the definition of its reading."""
    w = [one[name].flatten().tolist() for name in prior.layers]
    mu, sigma = prior.mean.tolist(), prior.covariance.numpy()
    if prior.reading == "means":
        away = np.array([sum(v) / len(v) - m for v, m in zip(w, mu, strict=True)])
        return float(away @ np.linalg.solve(sigma, away))
    total = sum((x - mu[l]) ** 2 / sigma[l, l] for l, v in enumerate(w) for x in v)
    return total / sum(map(len, w)) if prior.reading == "weights/d" else total


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("reading", READINGS)
def test_the_penalty_is_its_readings_definition(reading, count):
    prior, networks = a_law(count, reading), fitted(3, seed=8)
    got = prior.penalty(stacked(networks))
    assert got.shape == (3,)
    assert got.dtype == torch.float32
    # float32 sums of up to 344 terms.
    np.testing.assert_allclose(got, [slow_penalty(prior, one) for one in networks], rtol=1e-5)


def test_the_means_use_the_whole_inverse_and_not_the_diagonal():
    whole = a_law(3, "means")
    alone = Prior(KERNELS, whole.mean, whole.covariance.diagonal().diag(), "means")
    weights = stacked(fitted())
    assert ((whole.penalty(weights) / alone.penalty(weights) - 1).abs() > 0.05).all()


def test_mean_zero_and_covariance_one_is_weight_decay():
    # Section 3.2: "when mu = 0 and Sigma = I, this regularization term is equivalent to l2-regularization".
    prior = Prior(tuple(SHAPES), torch.zeros(5), torch.eye(5), "weights")
    weights = stacked(fitted())
    squares = sum(w.flatten(1).square().sum(1) for w in weights.values())
    torch.testing.assert_close(prior.penalty(weights), squares)


def test_over_the_networks_it_was_learned_from_the_sum_is_d_and_the_spread_of_their_means():
    # Exactly: sum over networks and weights of (w - mu_l)^2 = Q N_l (Sigma_ll + variance of the means over networks).
    networks = fitted()
    prior = exact_prior(networks, reading="weights")
    weights = {name: w.double() for name, w in stacked(networks).items()}
    sizes = [weights[name][0].numel() for name in KERNELS]
    spread = [float(weights[name].flatten(1).mean(1).var(correction=0)) for name in KERNELS]
    extra = sum(n * s / v for n, s, v in zip(sizes, spread, prior.covariance.diagonal().tolist(), strict=True))
    assert float(prior.penalty(weights).mean()) == pytest.approx(sum(sizes) + extra, rel=1e-12)
    divided = exact_prior(networks)
    assert divided.reading == "weights/d"
    assert float(divided.penalty(weights).mean()) == pytest.approx(1 + extra / sum(sizes), rel=1e-12)


@pytest.mark.parametrize("reading", READINGS)
def test_the_gradient_is_that_of_the_penalty(reading):
    prior = a_law(3, reading)
    weights = [stacked(fitted(2))[name].double().requires_grad_() for name in KERNELS]
    assert torch.autograd.gradcheck(lambda *w: prior.penalty(dict(zip(KERNELS, w, strict=True))), weights)


def test_the_means_move_all_weights_of_a_layer_alike_and_the_weights_each_towards_the_mean():
    for reading in READINGS:
        prior = a_law(3, reading)
        weights = {name: w.requires_grad_() for name, w in stacked(fitted(2)).items()}
        prior.penalty(weights).sum().backward()
        gradient, w = weights["3.weight"].grad[0], weights["3.weight"].detach()[0]
        if reading == "means":
            torch.testing.assert_close(gradient, gradient.flatten()[0].expand_as(gradient))
        else:
            assert torch.equal(gradient.sign(), (w - prior.mean[1]).sign())
        assert weights["1.weight"].grad is None  # batch norm is no layer of this prior


@pytest.mark.parametrize("reading", READINGS)
def test_each_network_of_a_batch_has_the_penalty_it_has_alone(reading):
    prior, weights = a_law(3, reading), stacked(fitted(3))
    alone = [prior.penalty({name: w[i : i + 1] for name, w in weights.items()}) for i in range(3)]
    torch.testing.assert_close(prior.penalty(weights), torch.cat(alone))


def test_a_kernel_before_batch_norm_is_shrunk_at_no_cost_to_the_image():
    (generator,), (weights,) = network(copies=1)
    z = torch.from_numpy(stream(0, "z").standard_normal((1, 8, 1, 1))).float()
    prior = exact_prior([weights])
    first, *_, last = prior.layers
    with torch.no_grad():
        image, penalty = generator(z), prior.penalty(stacked([weights]))
        weights[first] *= 0.5
        # Batch norm adds 1e-5 to variances of about 0.1, so halving the kernel moves what it gives by some 1e-4.
        torch.testing.assert_close(generator(z), image, rtol=0, atol=2e-3)
        assert float(prior.penalty(stacked([weights]))) < 0.95 * float(penalty)
        weights[last] *= 0.5
        assert float((generator(z) - image).abs().max()) > 0.1


# --- which layers ---


def test_layers_are_the_kernels_of_the_network_and_with_include_norm_every_parameter():
    _, copies = network()
    kernels = tuple(name for name, w in copies[0].items() if w.ndim == 4)
    assert exact_prior(copies).layers == kernels
    assert exact_prior(copies[:1]).penalty(stacked(copies)).shape == (2,)
    # At the start every shift is 0, which is no law; after a fit they vary.
    with pytest.raises(ValueError, match=r"does not vary: 1\.bias"):
        exact_prior(copies, include_norm=True)
    for w in (w for one in copies for w in one.values() if w.ndim == 1):
        w += torch.arange(len(w))
    assert exact_prior(copies, include_norm=True).layers == tuple(copies[0])


@pytest.mark.parametrize(
    ("shape", "width", "message"),
    [
        ((1, 32, 32), 6, "9.weight in the network alone"),
        ((1, 8, 8), 6, "6.weight in the prior alone"),
        ((1, 16, 16), 7, "weights of 0.weight must be 768 a network, as in the prior, got 896"),
    ],
)
def test_another_network_is_refused(shape, width, message):
    prior = exact_prior(network()[1])
    with pytest.raises(ValueError, match=message):
        prior.penalty(stacked(network(shape, width)[1]))


def test_weights_without_a_batch_or_without_the_norm_are_refused():
    _, (one,) = network(copies=1)
    with pytest.raises(ValueError, match="must be"):
        exact_prior([one]).penalty(one)
    with_norm = a_law(5, "means")
    weights = stacked(fitted())
    with pytest.raises(ValueError, match=r"1\.bias in the prior alone"):
        with_norm.penalty({name: w for name, w in weights.items() if name != "1.bias"})
    with pytest.raises(ValueError, match=r"7\.bias in the network alone"):
        with_norm.penalty({**weights, "7.bias": weights["1.bias"]})


# --- refusals ---


def with_nan():
    networks = fitted()
    networks[2]["3.weight"][0, 0, 0, 0] = torch.nan
    return networks


def constant():
    return [{"0.weight": torch.full((2, 2), 0.1 * (q + 1))} for q in range(3)]


@pytest.mark.parametrize(
    ("networks", "options", "message"),
    [
        ([], {}, "weights must hold at least one fitted network, got none"),
        ([*fitted(2), {"0.weight": torch.ones(2, 2)}], {}, "the same layers, got other layers in network 2"),
        ([{"1.weight": torch.ones(3)}], {}, "the kernel of a convolution, got none"),
        (with_nan(), {}, "finite, got a NaN or an infinity in 3.weight"),
        (constant(), {}, "does not vary: 0.weight"),
        (fitted(), {"reading": "mean"}, "reading must be one of weights/d, weights, means, got 'mean'"),
        (fitted(), {"meta": {"seed": 3}}, "meta must leave .* got seed"),
        (fitted(), {"meta": {"shape": {1}}}, "meta must hold what JSON can hold"),
        (fitted(), {"meta": {"x": float("nan")}}, "meta must hold what JSON can hold"),
    ],
)
def test_what_no_law_can_be_learned_from_is_refused(networks, options, message):
    for learn in (learn_prior, exact_prior):
        with pytest.raises(ValueError, match=message):
            learn(networks, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 1}, "samples must be at least 2, got 1"),
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
        ({"seed": -1}, "non-negative"),
    ],
)
def test_numbers_of_draws_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        learn_prior(fitted(), **options)


def test_too_few_draws_for_the_inverse_are_refused_with_advice_for_the_means_alone():
    # One iteration of S = 3 draws gives a covariance of rank 2 at most, for 3 layers.
    few = {"samples": 3, "iterations": 1}
    with pytest.raises(ValueError, match=r"invertible for the reading 'means'.*draw more samples or iterations"):
        learn_prior(fitted(), reading="means", **few)
    assert learn_prior(fitted(), reading="weights", **few).covariance.shape == (3, 3)
    assert learn_prior(fitted(), reading="means", samples=3, iterations=50).reading == "means"


@pytest.mark.parametrize(
    ("layers", "mean", "covariance", "message"),
    [
        ((), [], [[]], "layers must be one or more different names"),
        (("a", "a"), [0, 0], [[1, 0], [0, 1]], "layers must be one or more different names"),
        (("a", "b"), [0], [[1, 0], [0, 1]], r"shape \(2,\) and \(2, 2\), got \(1,\) and \(2, 2\)"),
        (("a",), [torch.nan], [[1]], "must be finite"),
        (("a", "b"), [0, 0], [[1, 0.5], [0, 1]], "covariance must be symmetric"),
        (("a", "b"), [0, 0], [[1, 0], [0, 0]], "does not vary: b"),
        (("a",), [1], [[-1]], "does not vary: a"),
    ],
)
def test_numbers_that_are_no_law_are_refused(layers, mean, covariance, message):
    with pytest.raises(ValueError, match=message):
        Prior(layers, torch.tensor(mean), torch.tensor(covariance))


def test_a_prior_keeps_its_own_numbers():
    mean, covariance = torch.zeros(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    prior = Prior(KERNELS, mean, covariance)
    mean += 1
    covariance *= 2
    assert torch.equal(prior.mean, torch.zeros(3, dtype=torch.float64))
    assert torch.equal(prior.covariance, torch.eye(3, dtype=torch.float64))


# --- files ---


@pytest.fixture
def saved_prior(tmp_path):
    """A prior and its file."""
    meta = {"architecture": "dcgan", "shape": [1, 16, 16], "options": {"width": 6}}
    prior = learn_prior(fitted(), samples=40, iterations=30, seed=2, reading="means", meta=meta)
    save_prior(tmp_path / "prior.npz", prior)
    return prior, tmp_path / "prior.npz"


def test_a_prior_comes_back_from_its_file_to_the_bit(saved_prior):
    prior, path = saved_prior
    back = load_prior(path)
    assert (back.layers, back.reading, back.meta) == (prior.layers, prior.reading, prior.meta)
    assert torch.equal(back.mean, prior.mean)
    assert torch.equal(back.covariance, prior.covariance)
    weights = stacked(fitted())
    assert torch.equal(back.penalty(weights), prior.penalty(weights))
    assert back.meta == {
        "architecture": "dcgan", "shape": [1, 16, 16], "options": {"width": 6}, "Q": 4, "samples": 40,
        "iterations": 30, "seed": 2, "include_norm": False, "sizes": [120, 180, 16],
    }  # fmt: skip


def test_the_same_prior_gives_the_same_bytes_and_nothing_else_is_left(saved_prior):
    prior, path = saved_prior
    first = path.read_bytes()
    save_prior(path, prior.to("cpu"))
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["prior.npz"]


def rewritten(path, **changes):
    with np.load(path) as file:
        fields = {name: file[name] for name in file.files}
    np.savez(path, **{name: value for name, value in (fields | changes).items() if value is not None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: rewritten(path, mean=np.zeros(3)), "checksum of the prior must agree"),
        (lambda path: rewritten(path, covariance=np.eye(3)), "checksum of the prior must agree"),
        (lambda path: rewritten(path, told="{}"), "checksum of the prior must agree"),
        (lambda path: rewritten(path, checksum=None), "read whole"),
        (lambda path: rewritten(path, kind="untrained measurement"), "learned prior of format 1, got another file"),
        (lambda path: rewritten(path, kind=None), "learned prior of format 1, got another file"),
        (lambda path: rewritten(path, format=2), "learned prior of format 1, got another file"),
        (lambda path: rewritten(path, mean=np.array([None, 1, 2], dtype=object)), "read whole"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "read whole"),
        (lambda path: path.write_bytes(b"not a prior"), "read whole"),
        (lambda path: path.write_bytes(array_bytes()), "read whole"),
        (lambda path: path.write_bytes(b""), "file with content"),
        (lambda path: path.unlink(), "a file that exists"),
    ],
)
def test_damaged_and_other_files_are_refused_in_one_sentence(saved_prior, change, message):
    _, path = saved_prior
    change(path)
    with pytest.raises(ValueError, match=message) as refusal:
        load_prior(path)
    assert "\n" not in str(refusal.value)


def array_bytes():
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


def test_every_flipped_byte_of_the_numbers_is_noticed(saved_prior):
    prior, path = saved_prior
    whole = path.read_bytes()
    start = whole.index(prior.covariance.numpy().tobytes())
    for place in range(start, start + 72, 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match=r"read whole|checksum"):
            load_prior(path)


def test_a_folder_that_does_not_exist_is_refused(saved_prior, tmp_path):
    with pytest.raises(ValueError, match="folder that exists"):
        save_prior(tmp_path / "nowhere" / "prior.npz", saved_prior[0])


# --- the search ---


def test_the_search_asks_for_each_candidate_once_and_returns_the_best_and_all():
    asked = []

    def evaluate(weight):
        asked.append(weight)
        return abs(weight - 90)

    best, table = grid_search(evaluate)
    assert best == 100
    assert table == {0: 90, 1: 89, 10: 80, 100: 10, 1000: 910}
    assert asked == [0, 1, 10, 100, 1000]
    assert grid_search(evaluate, (5, 80, 5)) == (80, {5: 85, 80: 10})
    assert asked[5:] == [5, 80]


def test_of_equals_the_smallest_weight_wins_and_a_diverged_fit_never_does():
    assert grid_search(lambda weight: 1.0, (10, 1, 100))[0] == 1
    best, table = grid_search(lambda weight: float("nan") if weight < 5 else weight, (1, 10, 100))
    assert best == 10
    assert np.isnan(table[1])


@pytest.mark.parametrize(
    ("score", "weights", "message"),
    [
        (1.0, (), "weights must be finite numbers of at least 0, got"),
        (1.0, (1, -1), "weights must be finite numbers of at least 0, got"),
        (1.0, (1, float("inf")), "weights must be finite numbers of at least 0, got"),
        (float("nan"), (1, 2), "weights must have one of a finite score, as no fit that diverges has"),
    ],
)
def test_a_search_without_candidates_or_scores_is_refused(score, weights, message):
    with pytest.raises(ValueError, match=message):
        grid_search(lambda _: score, weights)
