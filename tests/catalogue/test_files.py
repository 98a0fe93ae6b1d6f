import os
import unicodedata
import zipfile

import pytest

from tfproductgan.catalogue.files import PhotoFolder, PhotoZip, open_files
from tfproductgan.errors import CatalogueError, PhotoError

NAMES = ["a.jpg", "shirts/b.PNG", "shirts/2020/c.webp"]
OTHERS = ["notes.txt", ".hidden.jpg", "__MACOSX/a.jpg", "shirts/.DS_Store"]


@pytest.fixture(params=["folder", "zip"])
def files(request, tmp_path):
    contents = {name: name.encode() for name in NAMES + OTHERS}
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, data)
        return open_files(tmp_path / "photos.zip")
    for name, data in contents.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return open_files(tmp_path / "photos")


def test_photos_are_listed_and_read(files):
    assert files.names() == sorted(NAMES)
    assert files.read("shirts/b.PNG") == b"shirts/b.PNG"


def test_names_of_tables_are_found(files):
    assert files.find("shirts/b.PNG") == "shirts/b.PNG"
    assert files.find("./shirts//b.PNG") == "shirts/b.PNG"
    assert files.find("shirts\\b.PNG") == "shirts/b.PNG"
    assert files.find("b.PNG") is None
    assert files.find("x" * 5000) is None


@pytest.mark.parametrize("name", ["../a.jpg", "shirts/../../a.jpg", "/etc/a.jpg", "..\\a.jpg", "C:\\a.jpg", ".."])
def test_names_that_lead_out_are_refused(files, name):
    with pytest.raises(CatalogueError, match=r"out of|not inside"):
        files.find(name)


def test_signatures_change_with_the_photo(files):
    before = files.signature("a.jpg")
    assert before == files.signature("a.jpg") != files.signature("shirts/b.PNG")


def test_absolute_names_inside_the_folder_are_fine(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    assert PhotoFolder(tmp_path).find(str(tmp_path / "a.jpg")) == "a.jpg"


def test_links_are_followed_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").write_bytes(b"a")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "around").symlink_to(tmp_path / "photos")
    assert PhotoFolder(tmp_path / "photos").names() == ["linked/a.jpg"]


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "zero.jpg"):
        with pytest.raises(PhotoError, match=f"{name}: not a file"):
            PhotoFolder(tmp_path).read(name)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_are_found_in_either_form(tmp_path, form):
    (tmp_path / unicodedata.normalize(form, "été.jpg")).write_bytes(b"a")
    for name in ("été.jpg", unicodedata.normalize("NFD", "été.jpg")):
        assert PhotoFolder(tmp_path).find(name) == unicodedata.normalize(form, "été.jpg")


def test_zips_with_members_that_lead_out_are_refused(tmp_path):
    for number, name in enumerate(["../evil.jpg", "/evil.jpg", "a/../../evil.jpg"]):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(CatalogueError, match="leads out"):
            PhotoZip(tmp_path / f"{number}.zip")


def test_a_damaged_member_is_one_bad_photo(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"A" * 1000)
        archive.writestr("b.jpg", b"B" * 1000)
    data = (tmp_path / "photos.zip").read_bytes().replace(b"A" * 100, b"C" * 100, 1)
    (tmp_path / "photos.zip").write_bytes(data)
    files = PhotoZip(tmp_path / "photos.zip")
    assert files.read("b.jpg") == b"B" * 1000
    with pytest.raises(PhotoError, match=r"a\.jpg"):
        files.read("a.jpg")


def test_members_that_unpack_to_too_much_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("tfproductgan.catalogue.files.MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(100_000))
    with pytest.raises(PhotoError, match="larger"):
        PhotoZip(tmp_path / "photos.zip").read("a.jpg")


def test_what_is_neither_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(CatalogueError, match=r"a\.txt"):
        open_files(tmp_path / "a.txt")
    with pytest.raises(CatalogueError, match="nowhere"):
        open_files(tmp_path / "nowhere")
