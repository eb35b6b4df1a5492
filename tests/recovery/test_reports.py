import json
import math

import numpy as np
import pytest
import torch

from untrained.sims.images.images import read_image
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.recovery.reports import (
    check_folder,
    check_output,
    checked_outputs,
    json_ready,
    misfit,
    write_all,
    write_json,
)


def test_numbers_that_json_cannot_hold_become_null():
    assert json_ready({"a": math.nan, "b": [math.inf, 1.5], "c": (True, "x", None)}) == {
        "a": None,
        "b": [None, 1.5],
        "c": [True, "x", None],
    }


def test_the_misfit_is_summed_without_loss():
    rng = np.random.default_rng(1)
    truth, image = (torch.from_numpy(rng.uniform(-1, 1, (1, 8, 8)).astype(np.float32)) for _ in range(2))
    measurement = measure(truth, make_operator("gaussian", (1, 8, 8), 30))
    A = measurement.operator.forward(torch.eye(64).reshape(64, 1, 8, 8)).double().T
    exact = float((A @ image.double().flatten() - measurement.y.double()).square().sum())
    # float32 products of 64 terms against float64 ones
    assert misfit(measurement, image) == pytest.approx(exact, rel=1e-4)


def an_image(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (1, 8, 8)).astype(np.float32))


def test_outputs_are_checked_before_anything_is_done(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "x.gif", tmp_path / "absent" / "x.png", tmp_path / "file" / "x.png"):
        with pytest.raises(ValueError, match="out must"):
            check_output("out", path, (".png",))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="out must name a file in a folder"):
        check_output("out", tmp_path / "folder.png", (".png",))
    for path in (tmp_path / "file", tmp_path / "absent" / "more"):
        with pytest.raises(ValueError, match="folder must name a folder"):
            check_folder("folder", path)
    assert check_output("out", tmp_path / "X.PNG", (".png",)) == (tmp_path / "X.PNG").resolve()


def test_what_is_read_is_never_written_over(tmp_path):
    source = tmp_path / "x.png"
    source.touch()
    with pytest.raises(ValueError, match="must not replace what is read"):
        checked_outputs(tmp_path / "." / "x.png", read=(str(source),))
    (tmp_path / "link.png").symlink_to(source)
    with pytest.raises(ValueError, match="must not replace what is read"):
        checked_outputs(tmp_path / "link.png", read=(str(source),))
    (tmp_path / "net.py").touch()
    (tmp_path / "net.json").symlink_to(tmp_path / "net.py")
    for read in ("net.py", "net.py:factory"):
        with pytest.raises(ValueError, match="must not replace what is read"):
            checked_outputs(tmp_path / "y.png", (tmp_path / "net.json"), read=(str(tmp_path / read),))


def test_a_file_is_written_where_its_link_leads_in_the_kind_of_its_own_name(tmp_path):
    blob, link, loop = tmp_path / "blob", tmp_path / "x.png", tmp_path / "loop.png"
    blob.touch()
    link.symlink_to(blob)
    loop.symlink_to(loop)
    for place in (link, loop):
        write_all(checked_outputs(place), {}, {"tv": an_image()})
        assert read_image(place).numpy() == pytest.approx(an_image().numpy(), abs=1 / 255)
    assert link.is_symlink()
    assert blob.read_bytes().startswith(b"\x89PNG")
    (tmp_path / "folder").symlink_to("folder")
    with pytest.raises(ValueError, match="folder must name a folder that can be written to"):
        checked_outputs(link, folder=tmp_path / "folder")


def test_a_name_that_is_no_text_stands_in_the_report(tmp_path):
    name = b"caf\xe9.png".decode(errors="surrogateescape")
    write_json(tmp_path / "r.json", {"source": name, "truth": "é.png"})
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == {"source": name, "truth": "é.png"}


def test_a_folder_alone_takes_every_image(tmp_path):
    images = {"tv": an_image(), "csdip": 0.5 * an_image()}
    places = write_all(checked_outputs(None, folder=tmp_path / "each"), {}, images)
    assert sorted(place.name for place in places) == ["csdip.npy", "csdip.png", "tv.npy", "tv.png"]
    assert np.array_equal(np.load(tmp_path / "each" / "csdip.npy"), images["csdip"].numpy())
    with pytest.raises(ValueError, match="out or folder must be given, got neither"):
        checked_outputs(None, tmp_path / "r.json")


@pytest.mark.parametrize("name", ["tv.png", "tv.npy"])
def test_an_image_of_the_folder_replaces_neither_what_is_read_nor_the_picture(tmp_path, name):
    (tmp_path / "imgs").mkdir()
    place = tmp_path / "imgs" / name
    for read in (str(place), str(tmp_path / "imgs" / ".." / "imgs" / name)):
        with pytest.raises(ValueError, match=f"must not replace what is read, got .*{name}$"):
            checked_outputs(tmp_path / "x.png", None, tmp_path / "imgs", read=(read,), names=("csdip", "tv"))
    with pytest.raises(ValueError, match=f"out must name another file than the images of `folder`, got .*{name}$"):
        checked_outputs(place, None, tmp_path / "imgs", names=("tv",))
    assert checked_outputs(place, None, tmp_path / "imgs", read=(str(place) + "2",), names=("csdip",)).picture == place
    assert checked_outputs(tmp_path / "x.png", read=(str(place),), names=("tv",)).folder is None


def test_everything_is_written_where_it_was_asked_for(tmp_path):
    images = {"one": an_image(1), "two": an_image(2)}
    places = checked_outputs(tmp_path / "all.png", tmp_path / "r.json", tmp_path / "each")
    written = write_all(places, {"format": 1}, images, b"picture")
    names = ["r.json", "one.npy", "one.png", "two.npy", "two.png", "all.png"]
    assert [path.name for path in written] == names
    assert all(path.is_file() for path in written)
    torch.testing.assert_close(read_image(tmp_path / "each" / "two.npy", signed=True), images["two"], rtol=0, atol=0)
    assert json.loads((tmp_path / "r.json").read_text()) == {"format": 1}
    assert (tmp_path / "all.png").read_bytes() == b"picture"


def test_one_image_alone_is_the_output(tmp_path):
    write_all(checked_outputs(tmp_path / "x.npy"), {}, {"one": an_image()})
    torch.testing.assert_close(read_image(tmp_path / "x.npy", signed=True), an_image(), rtol=0, atol=0)
