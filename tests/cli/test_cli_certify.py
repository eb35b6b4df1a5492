"""`untrained certify` and `untrained.certify`: proofs for instances drawn and read, and refusals in one sentence."""

import json

import numpy as np
import pytest

import untrained as package
from untrained.sims.dynamics.instances import random_instance, read_instance
from untrained.theory.objects.certificates import Certificate, instance_hash

FIELDS = {"n": 4, "d": 60, "k": 3, "seed": 1}


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = random_instance(**FIELDS)
    np.savez("one.npz", **dict(zip("VWzy", arrays, strict=True)))
    return arrays


def test_a_file_is_certified_as_the_instance_it_holds(instance, untrained, tmp_path):
    ended = untrained("certify", "one.npz", "--step", 0.5, "-o", "c.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "The descent converges to misfit zero: proved." in ended.stdout
    certificate = Certificate.from_json(json.loads((tmp_path / "c.json").read_text()))
    assert certificate.instance == instance_hash(*instance)
    assert (
        certificate
        == package.certify(instance, step=0.5).certificate
        == package.certify("one.npz", step=0.5).certificate
    )


def test_a_seed_draws_the_instance(instance, untrained):
    ended = untrained("certify", *(part for name, x in FIELDS.items() for part in (f"--{name}", x)), "--flow")
    assert ended.returncode == 0
    assert "The flow converges to misfit zero: proved." in ended.stdout
    proof = package.certify(**FIELDS, step=None)
    assert proof
    assert proof.certificate.instance == instance_hash(*instance)
    assert proof.certificate.learning_rate is None
    assert "rate of ||r||^2" in str(proof)


def test_without_a_proof_the_code_is_one_and_the_certificate_says_why(instance, untrained, tmp_path):
    ended = untrained("certify", "one.npz", "--steps", 0, "-o", "c.json")
    assert ended.returncode == 1
    assert "Nothing is proved: " in ended.stdout
    entry = json.loads((tmp_path / "c.json").read_text())
    assert entry["reason"]
    assert entry["path"] is None
    assert not package.certify("one.npz", steps=0)


def test_the_drawn_law_is_the_papers():
    V, W, z, y = random_instance(3, 20_000, 5, seed=2)
    assert np.linalg.norm(y) == pytest.approx(1)
    assert V.std() * np.sqrt(60_000) * np.linalg.norm(z) == pytest.approx(1, abs=0.02)
    assert W.std() == pytest.approx(1, abs=0.02)
    assert (random_instance(3, 5, 2, 0)[0] != random_instance(3, 5, 2, 1)[0]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "instance must be named, or else n and d, got neither"),
        (["one.npz", "--n", 4, "--d", 60], "instance must be named, or else n and d, got both"),
        (["--n", 4], "--n and --d must both be named, got one of them"),
        (["--n", 0, "--d", 60], "--n must be an integer >= 1, got 0"),
        (["--n", 4, "--d", 60, "--seed", -1], "root_seed must be a non-negative integer, got -1"),
        (["--n", 65, "--d", 100], "target must have at most 64 entries, got 65"),
        (["one.npz", "--step", 2], "--step must be above 0 and below 2, got 2.0"),
        (["one.npz", "--steps", -1], "--steps must be an integer >= 0, got -1"),
        (["one.npz", "-o", "c.txt"], "--out must end in .json, got c.txt"),
        (["one.npz", "-o", "no/c.json"], "--out must name a file in a folder that can be written to, got no/c.json"),
        (["none.npz"], "path must name a file that exists, got 'none.npz'"),
        (["few.npz"], "few.npz must hold the arrays V, W, z and y, got none called W, y"),
        (["lone.npy"], "lone.npy must hold the arrays V, W, z and y, got none called V, W, z, y"),
        (["words.npz"], "path must name a file that can be read whole, got 'words.npz'"),
        (["letters.npz"], "V must be an array of real numbers, got dtype <U1"),
        (["short.npz"], "columns of weights and latent must agree in length, got 3 and 2"),
    ],
)
def test_bad_input_is_one_sentence_and_no_file(instance, untrained, tmp_path, arguments, sentence):
    V, W, z, y = instance
    np.savez("few.npz", V=V, z=z)
    np.savez("letters.npz", V=np.array("a"), W=W, z=z, y=y)
    np.savez("short.npz", V=V, W=W, z=z[1:], y=y)
    np.save("lone.npy", V)
    (tmp_path / "words.npz").write_text("words")
    before = sorted(tmp_path.iterdir())
    ended = untrained("certify", *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"untrained: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_other_than_four_arrays_are_refused(instance):
    with pytest.raises(ValueError, match=r"^instance must be V, W, z and y, got 3 arrays$"):
        package.certify(instance[:3])


def test_an_instance_is_read_as_it_was_written(instance):
    assert all(np.array_equal(a, b) for a, b in zip(read_instance("one.npz"), instance, strict=True))
