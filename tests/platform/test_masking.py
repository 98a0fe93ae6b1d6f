"""What is nobody's business leaves neither texts nor photos."""

import io
import json
import logging

import pytest
from PIL import Image

from tfproductgan.errors import PhotoError
from tfproductgan.platform import logs
from tfproductgan.platform.masking import clean_photo, mask, mask_text


@pytest.mark.parametrize(
    "text, masked",
    [
        ("write to jane.doe+shop@example.co.uk, please", "write to [masked], please"),
        ("call +49 170 1234567 now", "call [masked] now"),
        ("call (030) 901820-0", "call [masked]"),
        ("card 4111 1111 1111 1111.", "card [masked]."),
        ("tpg_abcdefghijklmnopqrstuv", "[masked]"),
        ("Bearer abcdefghijklmnop", "[masked]"),
        ("watch, red, seed 1234567890123", "watch, red, seed 1234567890123"),
        ("order 4111 1111 1111 1112", "order 4111 1111 1111 1112"),
        ("2026-11-29, size 20 x 30, EU 42", "2026-11-29, size 20 x 30, EU 42"),
    ],
)
def test_texts(text, masked):
    assert mask_text(text) == masked


def test_values_of_all_depths():
    assert mask({"a@b.de": ["x", {"y": "c@d.fr"}], "n": 4}) == {"[masked]": ["x", {"y": "[masked]"}], "n": 4}


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + b"\0" * 40],
    ids=["nothing", "a header", "SVG", "PDF", "half a PNG"],
)
def test_what_is_no_photo_is_refused(data):
    with pytest.raises(PhotoError, match=r"'photo of \[masked\]' is no photo of a usual kind"):
        clean_photo(data, "photo of a@b.de")


def test_a_bomb_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")
    with pytest.raises(PhotoError):
        clean_photo(file.getvalue(), "bomb.png")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_photos_of_all_modes_keep_their_size(mode):
    file = io.BytesIO()
    Image.new(mode, (6, 4)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert Image.open(io.BytesIO(clean_photo(file.getvalue(), "a"))).size == (6, 4)


def test_logs_hold_no_secrets(capsys):
    import structlog

    root = logging.getLogger()
    before, configured = (root.handlers[:], root.level), structlog.get_config()
    try:
        logs.configure()
        logging.getLogger("tfproductgan.platform").info("mail %s", "a@b.de")
        structlog.get_logger("tfproductgan.platform").info("in", password="hunter2", who="tpg_abcdefghijklmnopqrst")
    finally:
        root.handlers[:], root.level = before
        structlog.configure(**configured)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["event"] == "mail [masked]"
    assert (second["password"], second["who"]) == ("[masked]", "[masked]")
