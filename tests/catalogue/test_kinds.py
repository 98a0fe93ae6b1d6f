import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.kinds import HEAD, kind_of


def encoded(kind, **options):
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, kind, **options)
    return file.getvalue()


def archive(kind):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") if kind == "zip" else tarfile.open(fileobj=file, mode=kind) as made:
        if isinstance(made, zipfile.ZipFile):
            made.writestr("a.jpg", b"a")
        else:
            made.addfile(tarfile.TarInfo("a.jpg"))
    return file.getvalue()


def boxes(*brands):
    return (16 + 4 * len(brands[1:])).to_bytes(4, "big") + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        *((kind, encoded(kind)) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")),
        ("picture", encoded("PPM")),
        ("picture", encoded("ICO")),
        ("HEIC", boxes(b"heic", b"mif1", b"heic")),
        ("HEIC", boxes(b"mif1", b"heic", b"miaf")),
        ("AVIF", boxes(b"avif", b"mif1", b"miaf")),
        ("AVIF", boxes(b"mif1", b"avif", b"miaf")),
        ("raw", boxes(b"crx ", b"crx ", b"isom")),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n" + boxes(b"jxl ")),
        ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + boxes(b"jp2 ")),
        ("video", boxes(b"qt  ")),
        ("video", boxes(b"isom", b"mp41")),
        ("video", b"\x1aE\xdf\xa3\x93"),
        ("video", b"RIFF\0\0\0\0AVI LIST"),
        ("audio", b"RIFF\0\0\0\0WAVEfmt "),
        ("PSD", b"8BPS\0\1"),
        ("PDF", b"%PDF-1.7\n"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        ("SVG", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("page", b"<!DOCTYPE html><html><head><title>404 Not Found"),
        ("archive", archive("zip")),
        ("archive", archive("w")),
        ("archive", archive("w:gz")),
        ("document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("text", "Größe: 38, BMW-blau".encode()),
        ("text", "BM is how a bitmap begins".encode("latin-1")),
        ("text", "a table".encode("utf-16")),
        ("empty", b""),
        ("unknown", bytes(range(5, 200))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # some bytes hold the time
)
def test_kinds_are_told_by_content(kind, data):
    assert kind_of(data[:HEAD]) == kind


def test_raw_files_are_no_tiff_photos_though_they_begin_like_them():
    assert kind_of(encoded("TIFF"), "DSC_1.NEF") == "raw"
    assert kind_of(b"II*\0\x10\0\0\0CR\2\0") == "raw"
    assert kind_of(encoded("TIFF"), "scan") == "TIFF"
