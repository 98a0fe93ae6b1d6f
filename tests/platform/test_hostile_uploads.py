"""Files that were made to do harm: each is refused in one line, or comes out as nothing but its pixels."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image, PngImagePlugin

from tfproductgan.errors import PhotoError
from tfproductgan.platform.masking import clean_photo

HARM = b"<script>alert(1)</script>"


def saved(kind, mode="RGB", size=(12, 8), **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, *chunks, depth=8, colour=2):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../etc/passwd", HARM)
    return file.getvalue()


def with_exif():
    exif = Image.Exif()
    exif[0x010E] = HARM.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return saved("JPEG", exif=exif)


def with_text():
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", HARM.decode())
    text.add_text("Comment", HARM.decode())
    return saved("PNG", pnginfo=text)


PIXELS = zlib.compress(b"\0" * (1 + 12 * 3) * 8)
REFUSED = {
    "nothing": b"",
    "text": b"hello",
    "html": b"<html>" + HARM,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
    "svg with an entity": b"<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
    "pdf": b"%PDF-1.7\n" + HARM,
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
    "zip": zipped(),
    "program": b"\x7fELF" + bytes(60),
    "windows program": b"MZ" + bytes(200),
    "gzip": b"\x1f\x8b" + bytes(40),
    "tiff": saved("TIFF"),
    "icon": saved("ICO", size=(16, 16)),
    "webp without its end": saved("WEBP")[:20],
    "jpeg without its end": saved("JPEG", size=(64, 64))[:200],
    "png without its end": saved("PNG", size=(64, 64))[:60],
    "png signature alone": b"\x89PNG\r\n\x1a\n",
    "png without pixels": png(12, 8),
    "png with a wrong checksum": saved("PNG").replace(b"IDAT", b"IDAX"),
    "png of no width": png(0, 8, chunk(b"IDAT", PIXELS)),
    "bomb: many pixels": png(60_000, 60_000, chunk(b"IDAT", zlib.compress(bytes(1000)))),
    "bomb: one long line": png(2**31 - 1, 1, chunk(b"IDAT", PIXELS)),
    "bomb: gif": b"GIF89a"
    + struct.pack("<HH", 65_535, 65_535)
    + b"\x80\0\0"
    + bytes(6)
    + b"\x2c"
    + bytes(9)
    + b"\x02\0;",
    "bomb: bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0),
    "bomb: compressed text": png(
        12, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80 << 20))), chunk(b"IDAT", PIXELS)
    ),
    "bmp with a negative size": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, -9, 5, 1, 24, 0, 0, 0, 0, 0, 0),
}
CLEANED = {
    "jpeg and html": saved("JPEG") + HARM,
    "png and zip": saved("PNG") + zipped(),
    "gif and script": saved("GIF", comment=HARM),
    "exif and gps": with_exif(),
    "text chunks": with_text(),
    "jpeg with a comment": saved("JPEG", comment=HARM),
    "private chunk": png(12, 8, chunk(b"prIv", HARM), chunk(b"IDAT", PIXELS)),
    "many frames": saved("GIF", save_all=True, append_images=[Image.new("RGB", (12, 8), (n, 0, 0)) for n in range(50)]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photo_is_refused_in_one_line(name):
    with pytest.raises(PhotoError) as error:
        clean_photo(REFUSED[name], f"{name}.jpg")
    assert "\n" not in str(error.value) and name in str(error.value)


@pytest.mark.parametrize("name", CLEANED)
def test_of_a_photo_that_is_more_only_the_pixels_are_left(name):
    clean = clean_photo(CLEANED[name], name)
    assert HARM not in clean and b"PK\x03\x04" not in clean
    image = Image.open(io.BytesIO(clean))
    assert (image.format, image.size, getattr(image, "n_frames", 1)) == ("PNG", (12, 8), 1)
    assert set(image.info) <= {"icc_profile"} and not image.getexif()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.png", "con.png", "x" * 5000, "'; DROP TABLE pictures; --"])
def test_names_of_files_lead_nowhere(client, engine, name):
    answer = client.post("/api/v1/models/sketches/translate", files={"file": (name, saved("PNG"), "image/svg+xml")})
    assert answer.status_code in (201, 400) and "passwd" not in answer.text
    job = client.post("/api/v1/jobs/csv", data={"model": "shop"}, files={"file": (name, "category\nMug\n")})
    assert job.status_code in (202, 400, 422)
    assert len(REFUSED) + len(CLEANED) >= 30


def test_none_of_them_is_a_fault_of_ours(client, engine):
    for name, data in {**REFUSED, **CLEANED}.items():
        answer = client.post("/api/v1/models/sketches/translate", files={"file": (name, data, "image/png")})
        assert answer.status_code == (422 if name in REFUSED else 201), (name, answer.text)
    assert not any(HARM in photo for photo in engine.received)
