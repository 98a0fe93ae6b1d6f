"""Where the bytes of photos lie: a folder, a zip or tars, with one way to list and read them."""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import functools
import gzip
import lzma
import os
import re
import stat
import tarfile
import tempfile
import threading
import unicodedata
import weakref
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tfproductgan.catalogue.kinds import HEAD
from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.errors import CatalogueError, PhotoError
from tfproductgan.writing import expanded

MOST_BYTES = 1 << 29
"""A photo's file is not larger than this: a zip can hold a member that unpacks to more than the memory."""

SYSTEM = "a system folder"
"""Why a folder is passed over that nobody made by hand."""

_PACKED = (".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_MOST_UNPACKED = 100  # times the size of a compressed tar: photos hardly shrink, and what does fills the disk
_TAR = re.compile(r"(.*)\.(?:tar|tar\.gz|tgz|tar\.bz2|tbz2?|tar\.xz|txz)", re.IGNORECASE | re.DOTALL)
_SYSTEM_FOLDER = re.compile(
    r"__macosx|@eadir|[#@]recycle|#snapshot|\$recycle\.bin|system volume information"
    r"|lost\+found|__pycache__|thumb(nail)?s",
    re.IGNORECASE,
)
# files that only a folder which this package wrote has together, and what it is then; of runs see `run_directory`
_WRITTEN = {
    ("recipe.json", "schema.json"): "a run of tfproductgan",
    ("saved_model.pb", "variables"): "a SavedModel",
    ("dataset_info.json", "features.json"): "a prepared data set",
}

# a relative path without anything to resolve: no empty, '.' or '..' part, no backslash, no drive
_PLAIN = re.compile(r"(?!\.{0,2}(/|$))[^/\\:]+(/(?!\.{0,2}(/|$))[^/\\:]+)*")


@dataclasses.dataclass(frozen=True)
class Contents:
    """All that lies in a folder or zip, but for what is hidden or no matter of the person who asks.

    Args:
        files: Relative paths of the files, with `/`.
        folders: Those of the folders.
        passed: Folders that were passed over, and hidden photos: (path, what it is).
    """

    files: list[str] = dataclasses.field(default_factory=list)
    folders: list[str] = dataclasses.field(default_factory=list)
    passed: list[tuple[str, str]] = dataclasses.field(default_factory=list)


class PhotoFolder:
    """Photos in a folder.

    Symbolic links are followed, out of the folder too, since people link class folders. Names in tables must stay
    inside the folder, and files must be files: a device or a pipe may have no end.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._real = self.path.resolve()

    def contents(self) -> Contents:
        """All that lies below the folder."""
        return _contents(self._entries, lambda prefix: os.path.realpath(self.path / prefix))

    def _entries(self, prefix: str) -> list[tuple[str, bool]]:
        """What lies in a folder, and whether it is one."""
        folder = self.path / prefix
        try:
            return [(entry.name, _is_folder(entry)) for entry in os.scandir(folder)]
        except OSError as error:
            raise CatalogueError(f"The folder {str(folder)!r} cannot be read: {error.strerror}") from error

    def names(self, extensions: tuple[str, ...] = EXTENSIONS) -> list[str]:
        """Relative paths of the files whose names end in one of these, sorted; hidden ones are left out."""
        return sorted(name for name in self.contents().files if name.casefold().endswith(extensions))

    def find(self, name: str) -> str | None:
        """The relative path of the photo a table calls `name`; `NearNames` finds those that are spelt otherwise.

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

    def head(self, name: str) -> bytes:
        """The first bytes of a file, which tell its kind.

        Raises:
            PhotoError: If it cannot be read.
        """
        with self._open(name) as file:
            return file.read(HEAD)

    def read(self, name: str) -> bytes:
        """The bytes of a photo.

        Raises:
            PhotoError: If it cannot be read.
        """
        with self._open(name) as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise PhotoError(f"{name}: the file is larger than {MOST_BYTES >> 20} MiB")
            return file.read()

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        path = self.path / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe may take for ever
                raise PhotoError(f"{name}: not a file that can be read as a photo")
            with path.open("rb", buffering=0) as file:
                yield file
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
            elif self.path.name.casefold().endswith(_PACKED):
                right = "Unpack it: folders, zips and tars, also compressed by gzip, bzip2 or xz, are read."
            raise CatalogueError(f"{str(path)!r} cannot be read as a zip ({error}). {right}") from error
        self._members = {
            _safe(member.filename, f"the zip {self.path.name!r}"): member
            for member in self._zip.infolist()
            if not member.is_dir()
        }
        names = (member.filename for member in self._zip.infolist() if member.is_dir())
        self._folders = [name for name in names if _PLAIN.fullmatch(name[:-1])]
        self._lock = threading.Lock()

    def __reduce__(self):
        # another process opens the zip for itself, once
        return _opened_zip, (self.path,)

    def contents(self) -> Contents:
        """All that lies in the zip."""
        return _contents_of([*self._members, *self._folders])

    def names(self, extensions: tuple[str, ...] = EXTENSIONS) -> list[str]:
        """As `PhotoFolder.names`."""
        return sorted(name for name in self.contents().files if name.casefold().endswith(extensions))

    def find(self, name: str) -> str | None:
        """As `PhotoFolder.find`."""
        relative = _safe(name, f"the zip {self.path.name!r}")
        return next((n for n in _spellings(relative) if n in self._members), None)

    def signature(self, name: str) -> str:
        """As `PhotoFolder.signature`."""
        member = self._members[name]
        return f"{member.file_size} {member.CRC:08x}"

    def head(self, name: str) -> bytes:
        """As `PhotoFolder.head`."""
        with self._open(name) as file:
            return file.read(HEAD)

    def read(self, name: str) -> bytes:
        """As `PhotoFolder.read`."""
        if self._members[name].file_size > MOST_BYTES:
            raise PhotoError(f"{name}: the file is larger than {MOST_BYTES >> 20} MiB")
        with self._open(name) as file:
            return file.read()

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        member = self._members[name]
        if member.flag_bits & 1:
            raise PhotoError(f"{name}: the zip is encrypted")
        try:
            with self._lock, self._zip.open(member) as file:
                yield file
        except Exception as error:  # a damaged zip raises anything from zlib.error to NotImplementedError
            raise PhotoError(f"{name}: cannot be unpacked ({error})") from error


@functools.lru_cache(maxsize=4)
def _opened_zip(path: Path) -> PhotoZip:
    return PhotoZip(path)


class PhotoTar:
    """Photos in one tar or several, read where they lie: nothing is unpacked, symbolic links in them lead nowhere.

    What compressed tars hold is in a temporary file without a name, since nothing in them can be found otherwise.

    Args:
        paths: The tars; in the names of photos in one of several, its path from where all lie stands as folders.

    Raises:
        CatalogueError: If one is no tar, or has members with absolute paths or `..`.
    """

    def __init__(self, *paths: Path):
        self._paths = paths
        self.path = paths[0] if len(paths) == 1 else Path(os.path.commonpath([path.parent for path in paths]))
        self._members: dict[str, tuple[Path, int, int]] = {}
        self._links: list[str] = []
        self._changed: dict[Path, int] = {}
        self._unpacked: dict[Path, IO[bytes]] = {}  # one file for all
        for path in paths:
            inside = path.relative_to(self.path).with_name(tar_stem(path.name) or path.name) if len(paths) > 1 else ""
            prefix = f"{inside}/" if inside else ""
            try:
                self._changed[path] = path.stat().st_mtime_ns
                with self._open(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
                    self._list(path, prefix, archive)
            except (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError) as error:
                raise CatalogueError(
                    f"{str(path)!r} cannot be read as a tar ({error}): it is damaged, or not all of it is here."
                ) from error

    def _list(self, path: Path, prefix: str, archive: tarfile.TarFile) -> None:
        where = f"the tar {path.name!r}"
        for member in archive:
            if member.isreg() and not member.issparse():
                self._members[prefix + _safe(member.name, where)] = path, member.offset_data, member.size
            elif member.islnk() and (target := prefix + _safe(member.linkname, where)) in self._members:
                self._members[prefix + _safe(member.name, where)] = self._members[target]  # a file of two names
            elif member.issym() or member.islnk():
                self._links.append(prefix + member.name)

    @contextlib.contextmanager
    def _open(self, path: Path) -> Iterator[IO[bytes]]:
        """A tar at its beginning, which may be in the middle of the file."""
        with path.open("rb") as file:
            head = file.peek(6)
            opener = next((opener for begins, opener in _OPENERS.items() if head.startswith(begins)), None)
            if opener is None:
                yield file
                return
            unpacked = next(iter(self._unpacked.values()), None) or self._temporary()
            self._unpacked[path] = unpacked
            start, most = unpacked.seek(0, os.SEEK_END), _MOST_UNPACKED * path.stat().st_size
            with opener(file) as packed:
                while data := packed.read(1 << 20):
                    unpacked.write(data)
                    if unpacked.tell() - start > most:
                        raise OSError(f"it unpacks to more than {_MOST_UNPACKED} times its size")
        unpacked.seek(start)
        yield unpacked

    def _temporary(self) -> IO[bytes]:
        made = tempfile.TemporaryFile()  # noqa: SIM115 - as long as photos are read
        weakref.finalize(self, made.close)
        return made

    def __reduce__(self):
        # another process reads what is in them for itself, once
        return open_tars, self._paths

    def contents(self) -> Contents:
        """As `PhotoFolder.contents`."""
        found = _contents_of(self._members)
        found.passed.extend((name, "a link in an archive") for name in self._links if _is_photo(name))
        return found

    def names(self, extensions: tuple[str, ...] = EXTENSIONS) -> list[str]:
        """As `PhotoFolder.names`."""
        return sorted(name for name in self.contents().files if name.casefold().endswith(extensions))

    def find(self, name: str) -> str | None:
        """As `PhotoFolder.find`."""
        relative = _safe(name, f"the tar {self.path.name!r}")
        return next((n for n in _spellings(relative) if n in self._members), None)

    def signature(self, name: str) -> str:
        """As `PhotoFolder.signature`."""
        path, start, size = self._members[name]
        return f"{size} {start} {self._changed[path]}"

    def head(self, name: str) -> bytes:
        """As `PhotoFolder.head`."""
        return self._read(name, HEAD)

    def read(self, name: str) -> bytes:
        """As `PhotoFolder.read`."""
        if self._members[name][2] > MOST_BYTES:
            raise PhotoError(f"{name}: the file is larger than {MOST_BYTES >> 20} MiB")
        return self._read(name, MOST_BYTES)

    def _read(self, name: str, most: int) -> bytes:
        path, start, size = self._members[name]
        if path in self._unpacked:
            return os.pread(self._unpacked[path].fileno(), min(size, most), start)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(min(size, most))
        except OSError as error:
            raise PhotoError(f"{name}: {error.strerror or error}") from error


def open_tars(*paths: Path) -> PhotoTar:
    """Tars, which are looked through, and unpacked if they are compressed, once as long as they do not change."""
    try:
        return _opened_tars(paths, *(path.stat().st_mtime_ns for path in paths))
    except OSError:
        return PhotoTar(*paths)  # which says what is wrong


@functools.lru_cache(maxsize=4)
def _opened_tars(paths: tuple[Path, ...], *changed: int) -> PhotoTar:
    return PhotoTar(*paths)


Files = PhotoFolder | PhotoZip | PhotoTar


def tar_stem(name: str) -> str | None:
    """The name of a tar without what says that it is one, nor how it is compressed; `None` of other files."""
    found = _TAR.fullmatch(name)
    return found and found[1]


def open_files(path: str | Path) -> Files:
    """A folder, a zip or a tar of photos.

    Raises:
        CatalogueError: If it is none.
    """
    place = expanded(path)
    if place.is_file():
        return open_tars(place) if tar_stem(place.name) else PhotoZip(place)
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


def _spellings(name: str) -> Iterable[str]:
    # macOS takes accents apart, tables seldom do
    return dict.fromkeys((name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)))


def _is_photo(name: str) -> bool:
    return name.casefold().endswith(EXTENSIONS)


def _contents_of(paths: Iterable[str]) -> Contents:
    """All that the paths of an archive name; folders end in `/`."""
    tree: dict[str, dict[str, bool]] = defaultdict(dict)
    for path in paths:
        prefix = ""
        for folder in path.split("/")[:-1]:
            tree[prefix][folder] = True
            prefix += f"{folder}/"
        if not path.endswith("/"):
            tree[prefix].setdefault(path[len(prefix) :], False)
    return _contents(lambda prefix: list(tree[prefix].items()))


def _contents(
    entries_of: Callable[[str], list[tuple[str, bool]]], identity: Callable[[str], str] = lambda prefix: prefix
) -> Contents:
    """All that lies below the prefix "".

    Args:
        entries_of: What lies at a prefix, such as `"rings/"`: (name, whether it is a folder).
        identity: What two prefixes share if they are one folder.
    """
    found = Contents()
    waiting: list[tuple[str, frozenset[str]]] = [("", frozenset())]
    while waiting:
        prefix, above = waiting.pop()
        here = identity(prefix)
        if here in above:  # a link to a folder above would never end
            continue
        entries = entries_of(prefix)
        names = {name for name, _ in entries}
        written = next((what for signs, what in _WRITTEN.items() if names.issuperset(signs)), None)
        if written is not None:
            found.passed.append((prefix[:-1] or ".", written))
            continue
        if prefix:
            found.folders.append(prefix[:-1])
        for name, is_folder in sorted(entries):
            path = prefix + name
            if name.startswith(".") or (is_folder and _SYSTEM_FOLDER.fullmatch(name)):
                if is_folder:
                    found.passed.append((path, SYSTEM))
                elif _is_photo(name) and not name.startswith("._"):  # a Mac puts those beside every file
                    found.passed.append((path, "hidden"))
            elif is_folder:
                waiting.append((f"{path}/", above | {here}))
            else:
                found.files.append(path)
    return found


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
