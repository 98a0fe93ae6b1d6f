import io
import os
import zipfile

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tfproductgan.catalogue import photos as photos_module
from tfproductgan.catalogue.checking.contact_sheet import write_contact_sheet
from tfproductgan.catalogue.checking.looking import check
from tfproductgan.catalogue.files import open_files
from tfproductgan.catalogue.folder_source import folder_source
from tfproductgan.catalogue.listing import list_photos
from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.recipes import get_recipe
from tfproductgan.reports.charts import save
from tfproductgan.sampling.files import picture_name, write_png
from tfproductgan.sampling.grids import contact_grid
from tfproductgan.sampling.strips import write_interpolation_gif
from tfproductgan.training import run_directory


def photo(seed=0, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)).save(file, kind)
    return file.getvalue()


HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(40)
MOVIE = b"\0\0\0\x14ftypqt  \0\0\0\0qt  "


@pytest.fixture(params=["folder", "zip"])
def place(request, tmp_path):
    """Puts files into a folder or a zip; what ends in "/" is a folder."""

    def put(contents):
        if request.param == "zip":
            with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
                for name, data in contents.items():
                    archive.writestr(name, data)
            return tmp_path / "photos.zip"
        for name, data in contents.items():
            path = tmp_path / "photos" / name
            if name.endswith("/"):
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return tmp_path / "photos"

    return put


@pytest.fixture
def plain(monkeypatch):
    """An installation that reads neither HEIC nor AVIF."""
    monkeypatch.setattr(photos_module, "extra_formats", dict)


def listed(place):
    return list_photos(open_files(place))


def test_photos_are_known_by_content_where_their_names_do_not_say_so(place):
    names = ["bags/1000", "bags/a.jpg_large", "bags/b.JPG.download", "bags/c.jpg?width=800", "bags/d.bak"]
    listing = listed(place({name: photo(kind="JPEG") for name in [*names, "bags/e.jpg"]} | {"bags/f.png": b"text"}))
    assert listing.photos == [*names[:1], *sorted([*names[1:], "bags/e.jpg", "bags/f.png"])]
    assert list(listing.notes()) == [
        "5 files read as photos by content: bags/1000, bags/a.jpg_large, bags/b.JPG.download and 2 more."
    ]


def test_nothing_is_said_of_what_is_no_photo_of_course(place):
    files = {
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "desktop.ini": b"x",
        ".DS_Store": b"\0",
        "._1.jpg": b"\0",
        "LICENSE": b"x",
    }
    others = {
        "a/notes.txt": b"x",
        "a/0.json": b"{}",
        "a/0.xmp": b"<x/>",
        "a/0.thm": photo(),
        "Icon\r": b"",
        "readme.md": b"",
    }
    listing = listed(place({"a/0.png": photo()} | files | others))
    assert listing.photos == ["a/0.png"] and list(listing.notes()) == []


def test_files_that_are_not_taken_are_counted_by_kind(place, plain):
    heic = {f"rings/IMG_{i}.HEIC": HEIC for i in range(4)}
    more = {"mugs/0.heic": HEIC, "mugs/0.mov": MOVIE, "mugs/a": b"", "mugs/b.zip": b"PK\3\4", "caps/notes.txt": b"x"}
    listing = listed(place({"mugs/0.png": photo(), "empty/": b""} | heic | more))
    assert listing.photos == ["mugs/0.png"]
    reads = "pip install 'tfproductgan[heif]' reads HEIC, or convert to JPEG"
    assert list(listing.notes()) == [
        "5 HEIC photos not taken (1 beside a photo of the same name): mugs/0.heic, rings/IMG_0.HEIC, rings/IMG_1.HEIC "
        f"and 2 more; {reads}.",
        "1 video not taken: mugs/0.mov; take pictures out as JPEG or PNG.",
        "1 empty file not taken: mugs/a; most likely a failed copy: copy anew.",
        "1 archive not taken: mugs/b.zip; unpack: archives inside are not opened.",
        "No photos in 'caps', 'empty', 'rings' (4 HEIC photos).",
    ]
    assert listing.skipped() == [(name, f"HEIC photo: {reads}") for name in heic]


def test_photos_that_are_lost_count_as_unreadable(tmp_path, place, plain):
    good = {f"mugs/{i}.png": photo(i) for i in range(6)}
    report = check(folder_source(place(good | {"mugs/a.heic": HEIC, "mugs/1.cr2": b"II*\0\x10\0\0\0CR\2\0"})))
    assert (report.num_photos, report.num_readable, report.would_stop) == (7, 6, True)
    assert [finding.photos for finding in report.of("missing")] == [("mugs/a.heic",)]  # the raw one has its JPEG
    assert report.to_dict()["notes"] == list(report.source.notes) and len(report.notes) == 2


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_formats_that_an_extra_brings(place, kind):
    if kind == "HEIC":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif kind not in photos_module.extra_formats():
        pytest.skip("this Pillow reads no AVIF")
    image, file = Image.new("RGB", (32, 32), (20, 160, 70)), io.BytesIO()
    image.save(file, "HEIF" if kind == "HEIC" else kind, quality=95)
    files = open_files(place({"caps/0.heic": file.getvalue(), "caps/1.jpg": file.getvalue()}))
    listing = list_photos(files)
    assert listing.photos == ["caps/0.heic", "caps/1.jpg"] and not listing.others
    for name in listing.photos:
        pixels = np.asarray(photos_module.open_photo(files.read(name), name), int)
        assert np.abs(pixels - (20, 160, 70)).max() < 8


def test_system_folders_are_passed_over(place):
    folders = [
        "__MACOSX",
        "@eaDir",
        "$RECYCLE.BIN",
        "lost+found",
        "Thumbs",
        ".thumbnails",
        ".ipynb_checkpoints",
        ".git",
    ]
    inside = {f"{above}{folder}/1.jpg": photo() for folder in folders for above in ("", "mugs/")}
    listing = listed(place({"mugs/1.png": photo(), "mugs/.hidden.jpg": photo()} | inside))
    assert listing.photos == ["mugs/1.png"]
    system, hidden = sorted(listing.notes())
    assert hidden == "Passed over, hidden: mugs/.hidden.jpg."
    assert system.startswith("Passed over, a system folder: ") and system.endswith("and 13 more.")


def test_what_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(photo())
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nowhere")
    [note] = list_photos(open_files(tmp_path)).notes()
    assert note == "3 closed files not taken: gone, loop, pipe; look at permissions and where links lead."


def test_what_this_package_writes_is_no_photo(tmp_path, monkeypatch):
    monkeypatch.setattr(run_directory, "describe_environment", dict)  # imports TensorFlow
    for kind in ("mugs", "rings"):
        (tmp_path / kind).mkdir()
        for number in range(3):
            (tmp_path / kind / f"{number}.png").write_bytes(photo(number))
    before = folder_source(tmp_path)
    schema = ConditionSchema([Attribute("class", ("mugs", "rings"))], image_size=16)
    run = run_directory.RunDirectory(tmp_path / "runs" / "shop")
    run.start(get_recipe("mlp"), schema, {"fingerprint": "x"})
    picture, request = np.zeros((16, 16, 3), np.uint8), PictureRequest({"class": "mugs"}, 7)
    write_png(run.grids / "images-000000010.png", contact_grid(picture[None], 1))
    (tmp_path / "exported" / "variables").mkdir(parents=True)
    (tmp_path / "exported" / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "exported" / "0.png").write_bytes(photo())
    write_png(tmp_path / "pictures" / picture_name(request), picture, request, "model")
    write_contact_sheet(check(before), tmp_path / "sheet of mine.png")
    save(Figure(), tmp_path / "curves.png")
    ends = [request, PictureRequest({"class": "rings"}, 8)]
    write_interpolation_gif(
        tmp_path / "mugs" / "mugs-seed7-to-rings-seed8.gif", np.stack([picture] * 2), *ends, "model"
    )
    after = folder_source(tmp_path)
    assert after.items == before.items and after.stamp == before.stamp
    assert sorted(after.notes) == [
        "Passed over, a SavedModel: exported.",
        "Passed over, a run of tfproductgan: runs/shop.",
        "Passed over, drawn by tfproductgan: curves.png, mugs/mugs-seed7-to-rings-seed8.gif, pictures/mugs-seed7.png, "
        "sheet of mine.png.",
    ]
    # who asks for drawn pictures and nothing else gets them
    assert len(folder_source(tmp_path / "pictures").items) == 1
