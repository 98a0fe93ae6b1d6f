import pytest

from tfproductgan.errors import RunError
from tfproductgan.writing import replace_file


def test_a_file_and_the_folders_above_it_appear(tmp_path):
    path = tmp_path / "a" / "b" / "grid.png"
    seen = []

    def write(part):
        seen.append(part)
        part.write_text("whole")
        assert not path.exists()

    assert replace_file(str(path), write) == path
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    assert seen[0].suffix == ".png"


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "checkpoint.keras"
    path.write_text("good")

    def fail_half_way(part):
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(RunError, match="No space left on device"):
        replace_file(path, fail_half_way)
    assert path.read_text() == "good"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.keras"]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    def interrupt(part):
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "model.keras", interrupt)
    assert not list(tmp_path.iterdir())


def test_a_name_as_long_as_a_file_system_takes(tmp_path):
    path = tmp_path / ("é" * 125 + ".txt")
    replace_file(path, lambda part: part.write_text("x"))
    assert path.read_text() == "x"
