"""Files that are there whole or not at all, logs that grow by a line, and folders that one process has to itself."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tfproductgan.errors import CatalogueError, RunError, WriteError

LOCK = ".lock"
"""The file by which a process has a folder to itself; it says which process."""


def append_json_line(path: str | os.PathLike, facts: Mapping[str, Any]) -> None:
    """Add one JSON object to a file of JSON lines; the file and the folders above it are made if missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts, ensure_ascii=False) + "\n")


def read_json_lines(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines; what is damaged or cut off is passed over, and without a file are none."""
    path, found = Path(path), []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a process died while it wrote
    return [line for line in found if isinstance(line, dict)]


def read_json(path: str | os.PathLike, advice: str = "") -> Any:
    """What a JSON file holds; `None` if there is no such file.

    Args:
        path: The file.
        advice: What the error says behind the reason.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}. {advice}".rstrip()) from error


def write_json(path: str | os.PathLike, data: Any) -> Path:
    """Write JSON that people can read too; see `replace_file`."""
    return write_text(path, json.dumps(data, indent=2, ensure_ascii=False))


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write a text file; see `replace_file`."""
    return replace_file(path, lambda part: part.write_text(text, encoding="utf-8"))


def replace_file(path: str | os.PathLike, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a file beside `path`, then move it there: nobody ever reads half of it.

    Args:
        path: The file to be written; missing folders above it are made.
        write: Called with the path of the temporary file, which has the suffix of `path`.

    Returns:
        The path.

    Raises:
        WriteError: If the file cannot be written; one that was there before is kept.
    """
    path = Path(path)
    part = _beside(path, path.stem, path.suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            _flush(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"Cannot write {str(path)!r}: {error.strerror or error}") from error
    return path


def write_folder(path: str | os.PathLike, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a folder beside `path`, then move it there: nobody ever sees half of it.

    Args:
        path: The folder to be written, which must not exist; missing folders above it are made.
        write: Called with the path of the temporary folder.

    Returns:
        The path.

    Raises:
        WriteError: If the folder exists or cannot be written.
    """
    path = Path(path)
    part = _beside(path, path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.mkdir()
            write(part)
            for file in part.rglob("*"):
                if file.is_file():
                    _flush(file)
            os.rename(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise WriteError(f"Cannot write {str(path)!r}: {error.strerror or error}") from error
    return path


def remove_parts(folder: str | os.PathLike) -> None:
    """Remove what processes that were killed while they wrote have left in a folder."""
    for part in Path(folder).glob(".*.*.part*"):
        part.unlink(missing_ok=True)


def _beside(path, name, suffix=""):
    # cut, since file systems take 255 bytes a name; the id of a process alone is often the same in two containers
    return path.with_name(f".{name[:40]}.{os.getpid()}-{os.urandom(4).hex()}.part{suffix}")


def _flush(path):
    # otherwise a machine that loses power may keep the new name without what belongs into it
    with open(path, "rb") as file:
        os.fsync(file.fileno())


# === One process at a time


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Have a folder, which is made if missing, to this process: others, of other machines too, are refused meanwhile.

    It is a lock of the operating system, so none is left behind however the process ends. Where the file system has
    none, nobody is kept out.

    Raises:
        RunError: If another process has it; the message says which.
        WriteError: If the folder cannot be written.
    """
    path = Path(folder) / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _lock(path)
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except OSError as error:
        raise WriteError(f"Cannot write {str(path)!r}: {error.strerror or error}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)  # last: what is removed above is surely ours


def refuse_locked(folder: str | os.PathLike) -> None:
    """Stop before work on a folder that another process has `locked`.

    Raises:
        RunError: If one has; the message says which.
    """
    with contextlib.suppress(OSError):  # there is no lock, or it cannot be read
        file = os.open(Path(folder) / LOCK, os.O_RDWR)
        try:
            _try_lock(file, folder)
        finally:
            os.close(file)


def _lock(path):
    """The locked file of that path, open."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _try_lock(file, path.parent)
            if os.path.exists(path) and os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # whoever had it has just removed it


def _try_lock(file, folder):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 300).decode(errors="replace") or "another process"
        raise RunError(
            f"{str(folder)!r} is in use by {holder}: wait until that has ended, or choose another --out."
        ) from None
    except OSError:
        pass  # this file system has no locks


# === Places


def expanded(path: str | os.PathLike) -> Path:
    """A path as people write it, with `~` for a home folder.

    Raises:
        CatalogueError: If there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise CatalogueError(f"{str(path)!r} is in a home folder that does not exist: give the whole path.") from error


def refuse_to_overwrite(path: str | os.PathLike, overwrite: bool = False) -> None:
    """Stop before work whose result has no place to go.

    Raises:
        RunError: If there is a folder of that name, or a file that may not be replaced, or its folder cannot be made.
    """
    path = Path(path)
    if path.is_dir():
        raise WriteError(f"{str(path)!r} is a folder: give the name of a file.")
    if not overwrite and os.path.lexists(path):
        raise WriteError(
            f"{str(path)!r} exists already. Give another name, folder or seed, or allow it with --overwrite."
        )
    refuse_unwritable(path.parent)


def refuse_unwritable(folder: str | os.PathLike) -> None:
    """Stop before work whose result has no place to go; nothing stays of the trial.

    Raises:
        RunError: If the folder is none, may not be written, or cannot be made.
    """
    place = Path(folder)
    while not os.path.lexists(place):
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise WriteError(f"Cannot write into {str(folder)!r}: {str(place)!r} is no folder that can be written.")
    try:  # not all file systems say before what they refuse
        os.rmdir(tempfile.mkdtemp(prefix=LOCK, dir=place))
        longest = os.pathconf(place, "PC_NAME_MAX")
    except OSError as error:
        raise WriteError(f"Cannot write into {str(folder)!r}: {error.strerror or error}") from error
    names = Path(folder).relative_to(place).parts
    if any(len(os.fsencode(name)) > longest for name in names):
        raise WriteError(f"Cannot write into {str(folder)!r}: its name is longer than the {longest} bytes of a name.")
