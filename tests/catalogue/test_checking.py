import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw
from rich.console import Console

from tfproductgan.catalogue import preparing
from tfproductgan.catalogue.array_source import array_source
from tfproductgan.catalogue.catalogue import Catalogue, Preparation
from tfproductgan.catalogue.checking.contact_sheet import contact_sheet, write_contact_sheet
from tfproductgan.catalogue.checking.findings import KINDS
from tfproductgan.catalogue.checking.looking import check
from tfproductgan.catalogue.folder_source import folder_source
from tfproductgan.catalogue.table_source import table_source
from tfproductgan.errors import CatalogueError, RunError


def product(seed, size=(48, 64)):
    """A few random coloured shapes on white."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 128), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        left, top = rng.integers(8, 50), rng.integers(8, 70)
        box = (left, top, left + rng.integers(15, 40), top + rng.integers(15, 50))
        draw.ellipse(box, fill=tuple(int(c) for c in rng.integers(0, 220, 3)))
    return image.resize(size, Image.Resampling.LANCZOS)


def png(image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def catalogue_zip(path, rows, files):
    """A zip with a table of (file, split, category, colour) and photos."""
    with zipfile.ZipFile(path, "w") as archive:
        table = "file,split,category,colour\n" + "".join(",".join(row) + "\n" for row in rows)
        archive.writestr("products.csv", table)
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def messy(tmp_path):
    """Twenty good photos, and each kind of trouble once."""
    files = {f"good{i}.png": png(product(i)) for i in range(20)}
    rows = [(f"good{i}.png", "train", "Watches" if i % 2 else "Rings", "Red") for i in range(20)]
    files["broken.jpg"] = b"\xff\xd8 this is no photo"
    files["tiny.png"] = png(product(30, (20, 24)))
    files["twin.png"] = files["good3.png"]
    files["resized.png"] = png(product(4).resize((72, 96), Image.Resampling.BICUBIC))
    files["grey.png"] = png(product(31).convert("L"))
    files["typo.png"] = png(product(32))
    files["bare.png"] = png(product(33))
    rows += [
        ("broken.jpg", "train", "Rings", "Red"),
        ("absent.jpg", "train", "Rings", "Red"),
        ("tiny.png", "train", "Rings", "red "),
        ("twin.png", "validation", "Rings", "Red"),  # good3 is a watch in train
        ("resized.png", "train", "Rings", "Red"),
        ("grey.png", "train", "Rings", "Red"),
        ("typo.png", "train", "Watchs", "Red"),
        ("bare.png", "train", "Rings", ""),
    ]
    path = catalogue_zip(tmp_path / "messy.zip", rows, files)
    return table_source(path, attributes=["category", "colour"])


@pytest.fixture
def report(messy):
    return check(messy, "messy.zip", max_unreadable=0.1)


def found(report, kind):
    return [(set(finding.photos), finding.detail) for finding in report.of(kind)]


def test_counts_what_training_would_use(report):
    assert report.num_photos == 28
    assert report.num_readable == 26
    assert report.num_skipped == 2
    assert not report.would_stop
    assert "skip 2 of 28 photos (7.1 %)" in report.verdict


def test_finds_each_kind_of_trouble_once(report):
    assert found(report, "unreadable") == [({"broken.jpg"}, "not a JPEG, PNG, WebP, GIF, BMP or TIFF photo")]
    assert [photos for photos, _ in found(report, "missing")] == [{"absent.jpg"}]
    assert found(report, "too_small") == [({"tiny.png"}, "20 x 24 pixels, 32 are the least")]
    assert [photos for photos, _ in found(report, "exact_duplicate")] == [{"good3.png", "twin.png"}]
    assert [photos for photos, _ in found(report, "near_duplicate")] == [{"good4.png", "resized.png"}]
    assert found(report, "across_splits") == [({"good3.png", "twin.png"}, "train and validation")]
    assert found(report, "contradiction") == [({"good3.png", "twin.png"}, "category: Watches or Rings")]
    assert found(report, "no_label") == [({"bare.png"}, "colour is empty")]
    assert found(report, "rare_label") == [({"typo.png"}, "category 'Watchs', did you mean 'Watches'?")]
    assert [photos for photos, _ in found(report, "grey")] == [{"grey.png"}]


def test_describes_labels_and_photos(report):
    assert report.labels["category"] == {"Rings": 15, "Watches": 10, "Watchs": 1}
    assert report.labels["colour"] == {"Red": 25}  # "red " is one value with "Red"
    assert report.not_given == {"category": 0, "colour": 1}
    assert report.splits == {"train": 25, "validation": 1}
    assert report.sizes == {"48 x 64": 24, "20 x 24": 1, "72 x 96": 1}
    assert report.aspects == (0.75, 0.75, pytest.approx(20 / 24))
    assert report.formats == {"PNG": 26}
    assert report.num_grey == 1


def test_clean_photos_have_no_findings():
    images = np.stack([np.asarray(product(seed)) for seed in range(8)])
    report = check(array_source(images, {"category": ["Rings", "Watches"] * 4}))
    assert report.findings == ()
    assert report.verdict == "Training would use all 8 photos."
    assert report.formats == {"pixels": 8}
    assert "Nothing wrong" in rendered(report)


def test_grey_catalogue_is_not_grey_among_colour():
    images = np.stack([np.asarray(product(seed).convert("L")) for seed in range(8)])
    report = check(array_source(images, {}))
    assert report.of("grey") == []
    assert report.num_grey == 8


def test_photos_turned_by_exif_are_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    (tmp_path / "rings").mkdir()
    product(0, (64, 48)).save(tmp_path / "rings" / "a.jpg", exif=exif)
    product(1, (48, 64)).save(tmp_path / "rings" / "b.jpg")
    assert check(folder_source(tmp_path, "class")).sizes == {"48 x 64": 2}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_unreadable": 0.05}, "2 of 28 photos (7.1 %) cannot be used, and at most 5 % may be so"),
        ({"max_unreadable": 0.1, "min_count": 20}, "category has no value on 20 training photos or more"),
    ],
)
def test_says_when_training_would_stop(messy, options, reason):
    report = check(messy, **options)
    assert report.would_stop
    assert report.stops == [reason]
    assert reason in report.verdict


def test_agrees_with_the_catalogue_about_stopping(messy):
    for share in (0.05, 0.08):
        stops = check(messy, max_unreadable=share).would_stop
        try:
            Catalogue.from_source(messy, Preparation(max_unreadable=share, cache=False))
        except CatalogueError:
            assert stops
        else:
            assert not stops


def test_a_catalogue_is_checked_as_it_was_prepared(messy):
    catalogue = Catalogue.from_source(messy, Preparation(image_size=80, min_count=2, max_unreadable=0.5, cache=False))
    report = check(catalogue)
    assert "40 are the least" in report.of("too_small")[0].detail
    assert (report.min_count, report.max_unreadable) == (2, 0.5)


def test_nothing_to_train_on_stops():
    images = np.stack([np.asarray(product(seed)) for seed in range(2)])
    report = check(array_source(images, {}, splits=["test", "test"]))
    assert report.stops == ["no photos to train on, all are in test"]


def test_labels_like_numbers_stop_training_as_they_stop_the_catalogue():
    images = np.stack([np.full((8, 8, 3), value, np.uint8) for value in range(120)] * 2)
    numbers = [str(value) for value in range(120)]
    for labels, fine in ((numbers * 2, True), (numbers + [""] * 120, False)):
        source = array_source(images, {"number": labels})
        assert check(source).would_stop is not fine
        if not fine:
            assert "'number' has 120 values on 120 photos" in check(source).verdict
            assert not check(source, min_count=2).sparse
            with pytest.raises(CatalogueError, match="leave it out of the attributes"):
                Catalogue.from_source(source, Preparation(cache=False))


@pytest.mark.parametrize("batch_size", [8, 9, 10, 11])
def test_counts_the_photos_to_train_on_as_the_catalogue_draws_them(batch_size):
    images = np.stack([np.asarray(product(seed)) for seed in range(10)])
    source = array_source(images, {})
    catalogue = Catalogue.from_source(source, Preparation(cache=False))
    report = check(source, batch_size=batch_size)
    assert report.num_train == catalogue.size("train")
    assert report.would_stop == (batch_size > catalogue.size("train"))


def test_folded_values_are_counted_in_training_photos(messy):
    report = check(messy, max_unreadable=0.1, min_count=10)
    assert report.folded == {"category": 1, "colour": 0}
    assert "1 on fewer than 10 training photos" in rendered(report)


def test_who_watches_sees_progress_to_the_end(messy, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(preparing, "_PATIENCE_SECONDS", -1)
    check(messy)
    assert "Looking at photos" in terminal.getvalue() and "27/27" in terminal.getvalue()


def test_json_holds_everything(report, tmp_path):
    path = tmp_path / "new" / "report.json"
    report.write_json(path)
    read = json.loads(path.read_text("utf-8"))
    assert set(read["findings"]) == set(KINDS)
    assert read["findings"]["exact_duplicate"] == [{"photos": ["good3.png", "twin.png"], "detail": ""}]
    assert read["labels"]["category"]["Rings"] == 15
    assert read["would_stop"] is False
    assert list(path.parent.iterdir()) == [path]


def test_table_shows_findings_and_labels(report):
    text = rendered(report)
    for words in ("Unreadable", "broken.jpg", "absent.jpg", "did you mean", "Watches", "48 x 64 (92 %)", "would skip"):
        assert words in text


def test_table_takes_names_as_they_are():
    images = np.stack([np.asarray(product(seed)) for seed in range(2)])
    report = check(array_source(images, {"[bold]kind": ["[red]Rings", "[/]"]}))
    assert "[red]Rings" in rendered(report) and "[bold]kind" in rendered(report)
    assert contact_sheet(report).width == 1240


def test_contact_sheet_shows_photos_of_findings_and_labels(report, tmp_path):
    sheet = contact_sheet(report)
    assert sheet.mode == "RGB" and sheet.width == 1240
    # the shapes of the photos bring colours that text, lines and frames do not have
    assert len(sheet.getcolors(1 << 20)) > 1000
    write_contact_sheet(report, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as written:
        assert np.array_equal(np.asarray(written), np.asarray(sheet))


def test_contact_sheet_without_a_readable_photo(tmp_path):
    (tmp_path / "rings").mkdir()
    (tmp_path / "rings" / "a.jpg").write_bytes(b"no photo")
    report = check(folder_source(tmp_path, "class"))
    assert report.would_stop
    assert contact_sheet(report).height > 100
    assert "Training would stop" in rendered(report)


def test_errors_name_what_is_wrong(report, tmp_path):
    with pytest.raises(CatalogueError, match="did you mean 'grey'"):
        report.of("gray")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        report.write_json(tmp_path / "file" / "report.json")


def rendered(report):
    console = Console(width=160, file=io.StringIO())
    console.print(report.to_table())
    return console.file.getvalue()
