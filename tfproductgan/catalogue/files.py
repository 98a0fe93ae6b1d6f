"""Where the bytes of photos lie: a folder or a zip, with one way to list and read both."""

from __future__ import annotations

import functools
import os
import re
import stat
import threading
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.errors import CatalogueError, PhotoError
from tfproductgan.writing import expanded

MOST_BYTES = 1 << 29
"""A photo's file is not larger than this: a zip can hold a member that unpacks to more than the memory."""

# a relative path without anything to resolve: no empty, '.' or '..' part, no backslash, no drive
_PLAIN = re.compile(r"(?!\.{0,2}(/|$))[^/\\:]+(/(?!\.{0,2}(/|$))[^/\\:]+)*")


class PhotoFolder:
    """Photos in a folder.

    Symbolic links are followed, out of the folder too, since people link class folders. Names in tables must stay
    inside the folder, and files must be files: a device or a pipe may have no end.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._real = self.path.resolve()

    def names(self) -> list[str]:
        """Relative paths of the photos below the folder, with `/`, sorted; hidden ones are left out."""
        return sorted(self._walk(self.path, "", frozenset()))

    def _walk(self, folder: Path, prefix: str, above: frozenset[str]) -> Iterator[str]:
        # a link to a folder above would never end
        real = os.path.realpath(folder)
        if real in above:
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise CatalogueError(f"The folder {str(folder)!r} cannot be read: {error.strerror}") from error
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            if entry.is_dir():
                yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/", above | {real})
            elif _is_photo(entry.name):
                yield prefix + entry.name

    def find(self, name: str) -> str | None:
        """The relative path of the photo a table calls `name`, which may lack its extension.

        Raises:
            CatalogueError: If the name leads out of the folder.
        """
        given = Path(name)
        if given.is_absolute():
            root = next(filter(given.is_relative_to, (self.path.absolute(), self._real)), None)
            if root is None:
                raise CatalogueError(f"The photo {name!r} is not inside the photos' folder {str(self.path)!r}.")
            given = given.relative_to(root)
        relative = _safe(given.as_posix(), f"the photos' folder {str(self.path)!r}")
        return next((n for n in _spellings(relative) if os.path.isfile(self.path / n)), None)

    def signature(self, name: str) -> str:
        """What changes when the photo does, without reading it."""
        try:
            status = (self.path / name).stat()
        except OSError:
            return "unreadable"
        return f"{status.st_size} {status.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        """The bytes of a photo.

        Raises:
            PhotoError: If it cannot be read.
        """
        try:
            path = self.path / name
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise PhotoError(f"{name}: not a file that can be read as a photo")
            if status.st_size > MOST_BYTES:
                raise PhotoError(f"{name}: the file is larger than {MOST_BYTES >> 20} MiB")
            return path.read_bytes()
        except OSError as error:
            raise PhotoError(f"{name}: {error.strerror or error}") from error


class PhotoZip:
    """Photos in a zip, read where they lie: nothing is unpacked, links in it lead nowhere, zips in it stay shut.

    Args:
        path: The zip.

    Raises:
        CatalogueError: If it is no zip, or has members with absolute paths or `..`.
    """

    def __init__(self, path: str | Path):
        self.path = expanded(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            right = "Give a folder, a zip, a CSV or a Parquet table."
            if self.path.suffix.casefold() == ".zip":
                right = "It is damaged, or not all of it is here."
            raise CatalogueError(f"{str(path)!r} cannot be read as a zip ({error}). {right}") from error
        self._members = {
            _safe(member.filename, f"the zip {self.path.name!r}"): member
            for member in self._zip.infolist()
            if not member.is_dir()
        }
        self._lock = threading.Lock()

    def __reduce__(self):
        # another process opens the zip for itself, once
        return _opened_zip, (self.path,)

    def names(self, extensions: tuple[str, ...] = EXTENSIONS) -> list[str]:
        """Paths of the photos in the zip, sorted; hidden ones are left out."""
        return sorted(
            name
            for name in self._members
            if name.casefold().endswith(extensions) and not any(map(_is_hidden, name.split("/")))
        )

    def find(self, name: str) -> str | None:
        """As `PhotoFolder.find`."""
        relative = _safe(name, f"the zip {self.path.name!r}")
        return next((n for n in _spellings(relative) if n in self._members), None)

    def signature(self, name: str) -> str:
        """As `PhotoFolder.signature`."""
        member = self._members[name]
        return f"{member.file_size} {member.CRC:08x}"

    def read(self, name: str) -> bytes:
        """As `PhotoFolder.read`."""
        member = self._members[name]
        if member.file_size > MOST_BYTES:
            raise PhotoError(f"{name}: the file is larger than {MOST_BYTES >> 20} MiB")
        if member.flag_bits & 1:
            raise PhotoError(f"{name}: the zip is encrypted")
        try:
            with self._lock:
                return self._zip.read(member)
        except Exception as error:  # a damaged zip raises anything from zlib.error to NotImplementedError
            raise PhotoError(f"{name}: cannot be unpacked ({error})") from error


@functools.lru_cache(maxsize=4)
def _opened_zip(path: Path) -> PhotoZip:
    return PhotoZip(path)


def open_files(path: str | Path) -> PhotoFolder | PhotoZip:
    """A folder or a zip of photos.

    Raises:
        CatalogueError: If it is neither.
    """
    place = expanded(path)
    if place.is_file():
        return PhotoZip(place)
    if not place.is_dir():
        raise CatalogueError(f"{str(path)!r} does not exist: give a folder or a zip of photos.")
    return PhotoFolder(place)


def _safe(name: str, where: str) -> str:
    """A relative path in one spelling; an error if it leads out of `where`."""
    if _PLAIN.fullmatch(name):  # nearly all are: parsing 40,000 paths takes half a second
        return name
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise CatalogueError(f"{name!r} leads out of {where}: paths must be relative, without '..'.")
    return str(path)


def _spellings(name: str) -> Iterator[str]:
    # macOS takes accents apart, tables seldom do
    for spelt in dict.fromkeys((name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))):
        yield spelt
        if not _is_photo(spelt):
            yield from (spelt + extension for extension in EXTENSIONS)


def _is_photo(name: str) -> bool:
    return name.casefold().endswith(EXTENSIONS)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
