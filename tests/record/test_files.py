import os
import warnings

import pytest

from untrained.sims.files import decoding, existing, write_bytes


@pytest.mark.parametrize("error", [OSError("disc\nand more"), KeyError("k"), MemoryError(), RecursionError("deep")])
def test_whatever_a_decoder_throws_becomes_one_sentence_with_its_cause(tmp_path, error):
    with pytest.raises(ValueError, match="path must name a file that can be read whole") as refusal, decoding(tmp_path):
        raise error
    assert refusal.value.__cause__ is error
    assert "\n" not in str(refusal.value)


def test_an_interrupt_goes_through(tmp_path):
    with pytest.raises(KeyboardInterrupt), decoding(tmp_path):
        raise KeyboardInterrupt


def test_warnings_of_a_decoder_are_left_out_and_others_are_not(tmp_path):
    with decoding(tmp_path):
        warnings.warn("a damaged tag", stacklevel=1)
    with pytest.warns(UserWarning, match="another"):
        warnings.warn("another", stacklevel=1)


def test_a_name_of_bytes_that_no_file_can_have_is_refused():
    with pytest.raises(ValueError, match="path must name a file"):
        existing("a\0b")


def test_a_file_is_written_whole_and_readable_by_all(tmp_path):
    write_bytes(tmp_path / "a", b"one")
    write_bytes(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_what_the_system_refuses_is_told_of_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    def full(*paths):
        raise OSError(28, "No space left on device")

    write_bytes(tmp_path / "a", b"one")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left") as refusal:
        write_bytes(tmp_path / "a", b"two")
    assert refusal.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["a" * 255, "\u00e4" * 127])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    write_bytes(tmp_path / name, b"one")
    assert os.listdir(tmp_path) == [name]
