import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tfproductgan import __version__
from tfproductgan.errors import RunError
from tfproductgan.sampling.files import (
    annotate,
    file_stem,
    picture_name,
    read_metadata,
    shortened,
    write_picture,
    write_png,
    write_whole,
)


def test_a_png_keeps_its_pixels_and_says_what_it_shows(painter, tmp_path):
    [request] = painter.plan({"category": "ring", "colour": "gold", "view": "side"}, seed=7, truncation=0.5)
    [picture] = painter.draw([request])
    path = write_png(tmp_path / "new" / "ring.png", picture, request, painter.model_id)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)
    assert read_metadata(path) == {
        "software": "tfproductgan",
        "version": __version__,
        "kind": "picture",
        "model_id": "painter-1",
        "conditions": {"category": "Ring", "colour": "Gold", "view": "Side"},
        "seed": 7,
        "truncation": 0.5,
    }


def test_a_grey_picture_is_a_grey_png(grey_painter, tmp_path):
    [request] = grey_painter.plan()
    [picture] = grey_painter.draw([request])
    image = Image.open(write_png(tmp_path / "grey.png", picture, request, "m"))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), picture[..., 0])


def test_names_beyond_ascii_survive(painter, tmp_path):
    [request] = painter.plan()
    request = type(request)({"farbe": "Weiß", "种类": "戒指"}, 1)
    path = write_png(tmp_path / picture_name(request), painter.draw([request])[0], request, "m")
    assert path.name == "weiß-戒指-seed1.png"
    assert read_metadata(path)["conditions"] == {"farbe": "Weiß", "种类": "戒指"}


@pytest.mark.parametrize(
    "conditions, seed, truncation, name",
    [
        ({"category": "Ring", "colour": "Gold"}, 7, 1.0, "ring-gold-seed7.png"),
        ({"category": "Home & Kitchen/Mugs"}, 0, 1.0, "home-kitchen-mugs-seed0.png"),
        ({"category": "Ring", "colour": "Gold", "material": "Gold"}, 7, 1.0, "ring-gold-seed7.png"),
        ({}, 3, 0.7, "picture-seed3-truncation0.7.png"),
        ({"category": "हिन्दी"}, 3, 1.0, "हिन्दी-seed3.png"),
        ({"category": "Cafe\N{COMBINING ACUTE ACCENT}"}, 3, 1.0, "café-seed3.png"),
        ({"category": "x" * 180}, 3, 1.0, "x" * 180 + "-seed3.png"),
    ],
)
def test_the_name_of_a_file_says_what_was_asked(painter, conditions, seed, truncation, name):
    request = type(painter.plan()[0])(conditions, seed, truncation)
    assert picture_name(request) == name


@pytest.mark.parametrize(
    "label",
    [
        "x" * 500,
        "日本語" * 40,
        "ये" * 80,
        "e\N{COMBINING TILDE}\N{COMBINING MACRON}" * 60,
        "a" * 250 + "\udcff",
        "👩\u200d🚀" * 40,
    ],
    ids=["ascii", "japanese", "hindi", "marks", "bytes", "emoji"],
)
@pytest.mark.parametrize(
    "make", [lambda label: file_stem([label], 2**63 - 1, 0.123456), lambda label: shortened(label, 190)]
)
def test_long_names_are_cut_by_bytes_between_letters_and_told_apart(label, make):
    stems = [make(label + end) for end in ("", "1", "2")]
    assert len(set(stems)) == 3
    for stem in stems:
        assert len(stem.encode("utf-8", "surrogateescape")) <= 190
        kept, letters = stem.partition("-")[0], unicodedata.normalize("NFC", label) if "seed" in stem else label
        if letters.startswith(kept):  # else signs that names do without
            assert unicodedata.category(letters[len(kept)]) not in ("Mn", "Mc", "Me", "Cf")


def test_a_file_is_replaced_only_when_that_is_allowed(painter, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    picture = painter.generate()[0]
    with pytest.raises(RunError, match=r"a.png' exists already.*--overwrite"):
        write_png(path, picture)
    assert path.read_bytes() == b"precious"
    write_png(path, picture, overwrite=True)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(("name", "mode"), [("a.jpg", "RGB"), ("a.webp", "RGBA"), ("a.png", "RGBA")])
def test_other_formats_keep_metadata_and_transparency_as_far_as_they_can(tmp_path, name, mode):
    image = annotate(Image.new("RGBA", (8, 8), (200, 0, 0, 0)), "cutout", "model-1", words="Weiß")
    write_picture(tmp_path / name, image)
    assert (read_metadata(tmp_path / name)["kind"], read_metadata(tmp_path / name)["words"]) == ("cutout", "Weiß")
    with Image.open(tmp_path / name) as read:
        assert read.mode == mode and (mode == "RGBA" or min(read.getpixel((4, 4))) > 250)
    with pytest.raises(RunError, match="exists already"):
        write_picture(tmp_path / name, image)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        write_whole(tmp_path / "file" / "a.png", b"data")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="is a folder"):
        write_whole(tmp_path / "folder", b"data", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def write_foreign(path):
    Image.new("RGB", (4, 4)).save(path)


@pytest.mark.parametrize(
    "name, write, message",
    [
        ("missing.png", None, "There is no file"),
        ("folder", lambda path: path.mkdir(), "is no file"),
        ("text.png", lambda path: path.write_text("hello"), "is no PNG, GIF, JPEG or WebP picture"),
        ("empty.png", lambda path: path.write_text(""), "is no PNG, GIF, JPEG or WebP picture"),
        ("photo.jpg", write_foreign, "carries no metadata of tfproductgan"),
        ("foreign.png", write_foreign, "carries no metadata of tfproductgan"),
        ("foreign.gif", write_foreign, "carries no metadata of tfproductgan"),
    ],
)
def test_a_file_that_is_not_ours_is_named_and_explained(tmp_path, name, write, message):
    path = tmp_path / name
    if write:
        write(path)
    with pytest.raises(RunError, match=message) as caught:
        read_metadata(path)
    assert name in str(caught.value)


def test_metadata_of_another_program_under_our_name_is_not_ours(tmp_path):
    image = Image.new("P", (4, 4))
    for comment in (b"[1, 2]", b'"tfproductgan"', b'{"software": "other"}', b"\xff\xfe"):
        image.save(tmp_path / "a.gif", comment=comment)
        with pytest.raises(RunError, match="carries no metadata of tfproductgan"):
            read_metadata(tmp_path / "a.gif")


def test_reading_metadata_does_not_import_tensorflow():
    code = "import sys, tfproductgan.sampling.files; print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
