import os
import socket
import subprocess
import sys

import pytest

from tfproductgan import writing
from tfproductgan.errors import CatalogueError, RunError, WriteError
from tfproductgan.writing import (
    append_json_line,
    expanded,
    locked,
    read_json,
    read_json_lines,
    refuse_locked,
    refuse_to_overwrite,
    refuse_unwritable,
    replace_file,
    write_folder,
    write_json,
    write_text,
)


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


def test_a_file_that_exists_is_refused_before_it_is_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    refuse_to_overwrite(tmp_path / "file", overwrite=True)
    refuse_to_overwrite(tmp_path / "new" / "folder" / "file")
    assert not (tmp_path / "new").exists()
    for name, said in (
        ("file", "exists already"),
        ("link", "exists already"),
        (".", "is a folder"),
        ("file/a", "file"),
    ):
        with pytest.raises(RunError, match=said):
            refuse_to_overwrite(tmp_path / name)


def test_a_folder_that_cannot_be_made_is_refused_before(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for folder in (".", "new", "new/folder", tmp_path, ""):
        refuse_unwritable(folder)
    for folder in ("file", "file/new"):
        with pytest.raises(RunError, match="is no folder that can be written"):
            refuse_unwritable(folder)
    with pytest.raises(RunError, match="its name is longer than the 255 bytes"):
        refuse_unwritable("new/" + 200 * "é")
    monkeypatch.setattr(os, "access", lambda *_: True)  # as for root, and on disks of the network
    with pytest.raises(RunError, match="Cannot write into '/proc/run': "):
        refuse_unwritable("/proc/run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_appears_with_all_that_is_in_it(tmp_path):
    path = tmp_path / "models" / "shop" / "1"

    def write(part):
        (part / "variables").mkdir()
        (part / "variables" / "data").write_text("whole")
        assert not path.exists() and part.parent == path.parent and not part.name.isdecimal()

    assert write_folder(path, write) == path
    assert (path / "variables" / "data").read_text() == "whole" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path, error):
    def fail(part):
        (part / "half").write_text("")
        raise error

    with pytest.raises(RunError if isinstance(error, OSError) else type(error)):
        write_folder(tmp_path / "1", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_kept(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "old").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        write_folder(tmp_path / "1", lambda part: (part / "new").write_text(""))
    assert [path.name for path in tmp_path.rglob("*")] == ["1", "old"]


def test_json_lines_are_read_back_without_what_is_damaged(tmp_path):
    path = tmp_path / "folder" / "lines.jsonl"
    assert read_json_lines(path) == []
    append_json_line(path, {"name": "Größe"})
    with path.open("ab") as file:
        file.write(b'[1]\n\xff\xfe\n{"a": 1}\n{"cut o')
    assert read_json_lines(path) == [{"name": "Größe"}, {"a": 1}]


def test_json_is_read_back_and_what_is_damaged_is_named(tmp_path):
    path = tmp_path / "folder" / "facts.json"
    assert read_json(path) is read_json(path / "below") is None
    assert read_json(write_json(path, {"name": "Größe"})) == {"name": "Größe"}
    assert not (path / "below").exists() and read_json(write_text(path, "null")) is None
    write_text(path, "{")
    with pytest.raises(RunError, match=r"facts\.json cannot be read: .* Remove it\.$"):
        read_json(path, "Remove it.")


# === One process at a time


def in_use_by(pid):
    return rf"is in use by process {pid} on {socket.gethostname()}: wait until that has ended"


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path):
    for _ in range(2):  # what is over is over
        refuse_locked(tmp_path / "run")
        with locked(tmp_path / "run"):
            with pytest.raises(RunError, match=in_use_by(os.getpid())), locked(tmp_path / "run"):
                pass
            with pytest.raises(RunError, match=in_use_by(os.getpid())):
                refuse_locked(tmp_path / "run")
        assert list((tmp_path / "run").iterdir()) == []


def test_a_killed_process_leaves_no_lock(tmp_path):
    holds = "import sys, time\nfrom tfproductgan.writing import locked\n"
    holds += "with locked(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holds, tmp_path], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(RunError, match=in_use_by(process.pid)):
            refuse_locked(tmp_path)
        process.kill()
    with locked(tmp_path):
        pass


def test_where_there_are_no_locks_work_goes_on(tmp_path, monkeypatch):
    def no_locks(*args):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(writing.fcntl, "flock", no_locks)
    with locked(tmp_path / "run"), locked(tmp_path / "run"):
        refuse_locked(tmp_path / "run")


def test_a_folder_that_cannot_be_locked_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"Cannot write '.*/file/run/.lock'"), locked(tmp_path / "file" / "run"):
        pass


def test_two_containers_with_the_same_process_id_write_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)

    def write(part):
        part.write_text("outer")
        writing.replace_file(tmp_path / "a", lambda other: other.write_text("inner"))
        assert part.read_text() == "outer"

    writing.replace_file(tmp_path / "a", write)
    assert (tmp_path / "a").read_text() == "outer"


def test_a_home_folder_that_does_not_exist_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/photos") == tmp_path / "photos"
    with pytest.raises(CatalogueError, match="'~nobody_here/photos' is in a home folder that does not exist"):
        expanded("~nobody_here/photos")
