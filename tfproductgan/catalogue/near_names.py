"""Which photo a table means by a name that another system wrote: in another case, with another extension or folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, unquote_plus

from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.conditions import fold, tidy

# of what is read here, and of what photos are before a converter writes that
_EXTENSIONS: tuple[str, ...] = (
    *EXTENSIONS,
    ".heic",
    ".heif",
    ".avif",
    ".jxl",
    ".jp2",
    ".psd",
    ".svg",
    ".tga",
    ".eps",
    ".pdf",
    ".ico",
)
_EXTENSIONS += (".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")

# the beginning of a path that other machines do not have
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*|file:|[a-z]:(?=[\\/])", re.IGNORECASE)
_FROM_ELSEWHERE = re.compile(rf"[\\/]|{_PLACE.pattern}", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[,;|]\s*|\s+(?=https?://)", re.IGNORECASE)
_FROM = re.compile(r" \(https?://[^\s)]*\)", re.IGNORECASE)  # behind each name in exports of Airtable
_SIZE = re.compile(
    r"(.+)-(?:([1-9]\d{2,3}x[1-9]\d{2,3})|scaled|rotated)", re.IGNORECASE | re.DOTALL
)  # as WordPress has
_WHOLE = re.compile(r"0*(\d+)(?:\.0+)?")  # spreadsheets take the zeros in front of a number, gaps add .0


def names_in(cell: str) -> list[str]:
    """The names of photos in a cell: shops write all photos of a product into one, with something between them."""
    names = [name.strip() for name in _BETWEEN.split(_FROM.sub("", cell))]
    if not all(re.split(r"[?#]", name)[0].casefold().endswith(EXTENSIONS) for name in names):
        return [cell]
    return list(dict.fromkeys(names))


def is_web_address(name: str) -> bool:
    """Whether a name is that of a page or picture of the web."""
    return _WEB.match(name) is not None


class NearNames:
    """Photos by all that their names can have become.

    Args:
        names: Relative paths of the photos, with `/`.
    """

    def __init__(self, names: Iterable[str]):
        self._places: dict[str, list[tuple[str, ...]]] = {}
        self._count = 0
        folders = set()
        for self._count, name in enumerate(names, start=1):
            parts = tuple(name.split("/"))
            folders.add(parts[:-1])
            for key in _keys(parts[-1]):
                self._places.setdefault(key, []).append(parts)
        self._in_one_folder = len(folders) == 1

    def share(self, names: Sequence[str]) -> float:
        """How many photos these names may be of, as a share of what can be."""
        keys = {
            tuple(key for spelt in _spellings(name) for part in _parts(spelt)[-1:] for key in _keys(part))
            for name in set(names)
        }
        found = sum(any(key in self._places for key in each) for each in keys)
        return found / max(1, min(len(names), self._count))

    def find(self, name: str, folder: str = "") -> tuple[list[str], str]:
        """The photos that a table may mean, and how their names differ from what it says.

        Folders have to agree as far as both paths go; those further up do not matter, as other machines have others.
        Where all photos lie in one folder, its name does not matter for addresses and for paths from a root.

        Args:
            name: What the table says.
            folder: Where the table's paths start; photos below it go first.

        Returns:
            One path; several if nothing tells which is meant; none. And in words what differs, such as "in another
            case".
        """
        above = tuple(filter(None, folder.split("/")))
        for spelt in _spellings(name):
            given = _parts(spelt)
            places = {place: None for key in _keys(given[-1]) for place in self._places.get(key, ())} if given else {}
            found = [match for place in places if (match := _match(given, place, above))]
            if not found and self._in_one_folder and _FROM_ELSEWHERE.match(spelt):
                found = [match for place in places if (match := _match(given[-1:], place, above))]
            if found:
                nearest = min(match[:4] for match in found)
                found = [match for match in found if match[:4] == nearest]
                if len({match[-1][:-1] for match in found}) == 1:  # in one folder the nearest name is meant
                    closest = min(match[4:6] for match in found)
                    found = [match for match in found if match[4:6] == closest]
                return ["/".join(match[-1]) for match in found], _difference(found[0])
        return [], ""


# whether it lies elsewhere than the table's paths start, whether the paths differ in length, the parts that agree
# (negative), whether folders differ in case, how the extension differs, whether the name does in case, the path
_Match = tuple[bool, bool, int, bool, int, bool, tuple[str, ...]]


def _match(given: Sequence[str], place: tuple[str, ...], above: tuple[str, ...]) -> _Match | None:
    """How a name and the path of a photo agree, the less the worse; `None` if they name other folders."""
    elsewhere = place[: len(above)] != above
    path = place if elsewhere else place[len(above) :]
    folders = list(zip(reversed(given[:-1]), reversed(path[:-1]), strict=False))
    if not all(_same(a, b) for a, b in folders):
        return None
    said, is_called = given[-1], path[-1]
    pairs = ((said, is_called), (said, _stem(is_called)), (_stem(said), _stem(is_called)), (_stem(said), is_called))
    extension = next((i for i, (a, b) in enumerate(pairs) if _same(a, b)), len(pairs))
    cased = extension < len(pairs) and _cased(*pairs[extension])
    sizes = [_SIZE.fullmatch(_stem(name)) for name in (said, is_called)]
    if extension == len(pairs) and any(sizes):
        if all(size and size[2] for size in sizes):  # a poster of another size is another product
            return None
        extension += 1
    other_length = len(given) != len(path)
    return elsewhere, other_length, -len(folders), any(_cased(a, b) for a, b in folders), extension, cased, place


def _same(one: str, other: str) -> bool:
    return one == other or fold(one) == fold(other)


def _cased(one: str, other: str) -> bool:
    """Whether names that are the same differ in more than the way accents and spaces are written."""
    return one != other and tidy(one) != tidy(other)


_HOW = (
    *("", "without extension", "with another extension", "with another extension"),
    *("with other zeros", "in another size"),
)


def _difference(match: _Match) -> str:
    elsewhere, other_length, _, folders_cased, extension, cased, _ = match
    words = ("with other folders" * (elsewhere or other_length), "in another case" * (folders_cased or cased))
    return " and ".join(filter(None, (*words, _HOW[extension]))) or "otherwise"


def _spellings(name: str) -> Iterable[str]:
    """A name as it is, and as addresses write it."""
    bare = re.split(r"[?#]", name)[0]
    return dict.fromkeys((name, unquote(name), unquote(bare), *([unquote_plus(bare)] if is_web_address(name) else [])))


def _parts(name: str) -> list[str]:
    """A path of any system or address, as its parts."""
    path = re.split(r"[?#]", name)[0] if is_web_address(name) else name
    path = _PLACE.sub("", path, count=1) if _PLACE.match(path) else path
    return [part for part in posixpath.normpath(path.replace("\\", "/")).split("/") if part not in ("", ".", "..")]


def _keys(name: str) -> Iterable[str]:
    stem = _stem(name)
    size = _SIZE.fullmatch(stem)
    return dict.fromkeys((_key(name), _key(stem), *([_key(size[1])] if size else [])))


def _key(text: str) -> str:
    """What all spellings of a name share."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else fold(text)


def _stem(name: str) -> str:
    """A name without the extension of a photo."""
    return name.rpartition(".")[0] or name if name.casefold().endswith(_EXTENSIONS) else name
