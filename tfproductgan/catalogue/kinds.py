"""What a file is, told by its first bytes: photos are called anything, and much that is called a photo is none."""

from __future__ import annotations

import dataclasses
import re

HEAD = 2048
"""How many of its first bytes tell what a file is: a GIF says who wrote it behind its palette."""

TEXT = "text"
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file that is no photo as it is.

    Args:
        noun: What one is called.
        remedy: What makes a photo of one.
        picture: Whether it most likely is a product's photo, and missed if it is left out.
    """

    noun: str
    remedy: str = "no photo"
    picture: bool = False


_EXPORT = "export as JPEG or PNG"

KINDS = {
    "HEIC": Kind("HEIC photo", "pip install 'tfproductgan[heif]' reads HEIC, or convert to JPEG", True),
    "AVIF": Kind("AVIF photo", "Pillow 11.3 or newer reads AVIF, or convert to JPEG", True),
    "JPEG XL": Kind("JPEG XL photo", "convert to JPEG", True),
    "JPEG 2000": Kind("JPEG 2000 photo", "convert to JPEG", True),
    "raw": Kind("camera raw file", "develop into JPEG", True),
    "PSD": Kind("Photoshop file", _EXPORT, True),
    "picture": Kind("other picture", _EXPORT, True),
    "SVG": Kind("SVG drawing", _EXPORT),
    "PostScript": Kind("PostScript file", _EXPORT),
    "PDF": Kind("PDF", "take the pictures out as JPEG or PNG"),
    "video": Kind("video", "take pictures out as JPEG or PNG"),
    "audio": Kind("audio file"),
    "archive": Kind("archive", "unpack: archives inside are not opened"),
    "document": Kind("document"),
    "page": Kind("web page", "most likely a failed download: fetch anew"),
    "empty": Kind("empty file", "most likely a failed copy: copy anew"),
    "closed": Kind("closed file", "look at permissions and where links lead"),
    UNKNOWN: Kind("unknown file", "export as JPEG or PNG if it is a photo"),
}
"""Kinds of files that are left out; nothing is said of `TEXT`."""

_NO_PHOTO = re.compile(
    r".*\.(txt|cls|csv|tsv|jsonl?|xml|xmp|ya?ml|md|rst|html?|css|js|ini|db|log|url|lnk|webloc|aae|thm|parquet|xlsx?|ods|docx?|"
    r"rtf|py|ipynb|toml|cfg|sh|sqlite|npy|npz|pkl|keras|h5|pb|tflite|onnx|pth?|md5|sha256|tfrecord.*)|(.*/)?Icon\r",
    re.IGNORECASE | re.DOTALL,
)
_RAW = re.compile(
    r".*\.(3fr|arw|cr[23w]|dcr|dng|erf|iiq|kdc|mef|mos|mrw|n[er][fw]|orf|pef|raf|raw|rw[2l]|sr[2fw]|x3f)",
    re.IGNORECASE | re.DOTALL,
)

# what files begin with
_BEGINNINGS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "JPEG XL": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "PSD": (b"8BPS",),
    "raw": (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "picture": (b"gimp xcf", b"v/1\x01", b"#?RADIANCE", b"DDS ", b"\0\0\1\0"),
    "PostScript": (b"%!", b"\xc5\xd0\xd3\xc6"),
    "PDF": (b"%PDF-",),
    "video": (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"0&\xb2u\x8ef\xcf\x11"),
    "audio": (b"ID3", b"OggS", b"fLaC"),
    "archive": (
        b"PK\3\4",
        b"PK\5\6",
        b"Rar!\x1a\7",
        b"7z\xbc\xaf'\x1c",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"(\xb5/\xfd",
    ),
    "document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf"),
}
_OFFICE = (b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd.oasis")
_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_PNM = re.compile(rb"P(?:[1-6]\s+(?:#|\d+\s)|7\nWIDTH)")

OURS = "tfproductgan"
"""A chunk of text of this name is in every PNG file that the package writes."""

_OURS = tuple(chunk + OURS.encode() + b"\0" for chunk in (b"iTXt", b"tEXt"))
_OUR_NAME = re.compile(r"(.*-seed\d+.*|images-\d{9}|.*-translated|curves|check|quickstart)\.(png|gif)", re.IGNORECASE)


def kind_of(head: bytes, name: str = "") -> str:
    """What a file is: one of Pillow's formats such as `"JPEG"`, a key of `KINDS`, or `TEXT`.

    Args:
        head: Its first bytes, `HEAD` of them or all.
        name: Its name, which tells camera raw files from other TIFF files.
    """
    if not head:
        return "empty"
    for kind, beginnings in _BEGINNINGS.items():
        if head.startswith(beginnings):
            if kind == "TIFF" and (_RAW.fullmatch(name) or head[8:10] == b"CR"):
                return "raw"
            return "document" if kind == "archive" and any(part in head for part in _OFFICE) else kind
    if head[4:8] == b"ftyp":
        return _kind_of_boxes(head)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video"
    if head.startswith(b"RIFF"):
        return {b"WEBP": "WEBP", b"AVI ": "video", b"WAVE": "audio"}.get(head[8:12], UNKNOWN)
    # two letters are no sign by themselves; what follows is the size of the next part of the file
    if head.startswith(b"BM") and head[14:18] in (bytes((size, 0, 0, 0)) for size in (12, 40, 52, 56, 64, 108, 124)):
        return "BMP"
    if head[257:262] == b"ustar":
        return "archive"
    return _kind_of_text(head)


def _kind_of_boxes(head: bytes) -> str:
    """A file in the boxes of MPEG-4, which photos, videos and raw files share: the first one names its brands."""
    end = int.from_bytes(head[:4], "big")
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, min(end, len(head)), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "HEIC"
    return {b"crx ": "raw", b"jxl ": "JPEG XL", b"jp2 ": "JPEG 2000"}.get(head[8:12], "video")


def _kind_of_text(head: bytes) -> str:
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in begins and begins.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")):
        return "SVG"
    if begins.startswith((b"<!doctype html", b"<html")):
        return "page"
    if _PNM.match(head):
        return "picture"
    return TEXT if head[:2] in (b"\xff\xfe", b"\xfe\xff") or not _CONTROLS.search(head) else UNKNOWN


def is_no_photo(name: str) -> bool:
    """Whether a file is called as nobody calls a photo, so that it need not be opened."""
    return _NO_PHOTO.fullmatch(name) is not None


def may_be_drawn(name: str) -> bool:
    """Whether a file is called as this package calls the pictures it writes."""
    return _OUR_NAME.fullmatch(name.rpartition("/")[2]) is not None


def is_drawn(head: bytes) -> bool:
    """Whether a file is a picture that this package wrote: it carries the package's metadata."""
    if head.startswith(b"GIF"):
        return b'"software": "tfproductgan"' in head
    return head.startswith(b"\x89PNG") and any(mark in head for mark in _OURS)


def count_of(count: int, noun: str) -> str:
    """A number with its noun, such as "1 photo" and "2 photos"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
