"""Items of two pictures: a photo to learn, and the source that goes in for it."""

import io
import logging
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan import studio
from tfproductgan.catalogue import preparing
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.checking.contact_sheet import contact_sheet
from tfproductgan.catalogue.checking.looking import check
from tfproductgan.catalogue.folder_source import pair_source
from tfproductgan.catalogue.photos import background_colour
from tfproductgan.conditions import Attribute, ConditionSchema, InputSpec
from tfproductgan.errors import CatalogueError


def photo(seed, size=(30, 40), mode="RGB", suffix="PNG", scale=1):
    """A picture of few large cells, so that it looks alike at every size."""
    cells = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), np.uint8)
    image = Image.fromarray(cells).resize((size[0] * scale, size[1] * scale), Image.Resampling.NEAREST).convert(mode)
    file = io.BytesIO()
    image.save(file, suffix)
    return file.getvalue()


def write(folder, contents):
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


NAMES = [f"{('hat', 'shoe')[i % 2]}/{i:02}" for i in range(20)]
PHOTOS = {f"{name}.png": photo(i) for i, name in enumerate(NAMES)}
DRAWINGS = {f"{name}.bmp": photo(i, mode="L", suffix="BMP", scale=2) for i, name in enumerate(NAMES)}


@pytest.fixture
def folders(tmp_path):
    return write(tmp_path / "drawings", DRAWINGS), write(tmp_path / "photos", PHOTOS)


def batches(catalogue, steps=4, **options):
    return [{name: array.numpy() for name, array in batch.items()} for batch in catalogue.stream(**options).take(steps)]


def belongs_together(source, image):
    """Whether a grey source shows what its photo of 30 x 40 shows, up to what resizing does."""
    inside = slice(len(image) // 8, -len(image) // 8)
    grey = np.asarray(Image.fromarray(image).convert("L"), np.int16)
    return np.abs(grey - source[..., 0])[:, inside].mean() < 6


# === What the stream delivers ===


@pytest.mark.parametrize("layout", ["folders", "zips", "zips with a folder around everything", "splits above"])
def test_a_batch_holds_the_source_of_each_photo(tmp_path, folders, layout):
    drawings, photos = folders
    if layout.startswith("zips"):
        around = ("sketches 2/", "my/shop/") if "around" in layout else ("", "")
        drawings = zipped(tmp_path / "d.zip", {around[0] + name: data for name, data in DRAWINGS.items()})
        photos = zipped(tmp_path / "p.zip", {around[1] + name: data for name, data in PHOTOS.items()})
    elif layout == "splits above":
        split = {name.rpartition(".")[0]: ("train/", "val/")[int(i >= 15)] for i, name in enumerate(PHOTOS)}
        drawings, photos = (
            write(tmp_path / kind, {split[name.rpartition(".")[0]] + name: data for name, data in files.items()})
            for kind, files in (("d", DRAWINGS), ("p", PHOTOS))
        )
    catalogue = Catalogue.from_pairs(drawings, photos, attribute="kind", image_size=32)
    assert catalogue.schema.source_channels == 1 and catalogue.schema.attribute("kind").values == ("hat", "shoe")
    assert sum(map(catalogue.size, ("train", "validation"))) == 20 and not catalogue.skipped
    assert layout != "splits above" or catalogue.size("validation") == 5
    inputs = catalogue.schema.inputs()
    assert inputs["source"] == InputSpec((32, 32, 1), "uint8")
    spec = catalogue.stream(batch_size=4).element_spec
    assert set(spec) == {"images", *inputs}
    for name, wanted in inputs.items():
        assert spec[name].shape == (4, *wanted.shape) and spec[name].dtype.name == wanted.dtype
    for batch in batches(catalogue, batch_size=4):
        for source, image in zip(batch["source"], batch["images"], strict=True):
            assert belongs_together(source, image)


def test_source_and_photo_lie_in_the_same_place(folders):
    catalogue = Catalogue.from_pairs(*folders, image_size=32)
    place = catalogue.placements[0]
    assert (place.left, place.right) == (4, 28)
    for source, image in zip(next(catalogue.source_batches()), next(catalogue.image_batches()), strict=True):
        for square in (source, image):  # its own colour continues on both sides
            assert (square[:, : place.left] == background_colour(place.crop(square))).all()
            assert (square[:, place.right :] == background_colour(place.crop(square))).all()


def test_a_batch_is_a_function_of_seed_and_step(folders):
    catalogue = Catalogue.from_pairs(*folders, image_size=16)
    options = {"batch_size": 4, "seed": 3, "balance": 0.5}
    whole, rest = batches(catalogue, 6, **options), batches(catalogue, 3, start_step=3, **options)
    halves = [batches(catalogue, 6, part=(i, 2), **options) for i in range(2)]
    for name in ("source", "images", "conditions"):
        np.testing.assert_array_equal([b[name] for b in whole[3:]], [b[name] for b in rest])
        parted = [np.concatenate(both) for both in zip(*([b[name] for b in half] for half in halves), strict=True)]
        np.testing.assert_array_equal(parted, [b[name] for b in whole])


def test_sources_are_read_like_photos(folders):
    catalogue = Catalogue.from_pairs(*folders, image_size=32)
    for split in catalogue.splits:
        read = zip(catalogue.source_batches(split, 3), catalogue.image_batches(split, 3), strict=True)
        count = 0
        for sources, images in read:
            assert sources.shape == (*images.shape[:3], 1) and len(images) <= 3
            assert all(map(belongs_together, sources, images))
            count += len(images)
        assert count == catalogue.size(split)


def test_without_pairs_there_are_no_sources(folders):
    catalogue = Catalogue.from_folder(folders[1], image_size=16)
    assert catalogue.schema.source_channels is None
    assert set(catalogue.stream(batch_size=4).element_spec) == {"images", "conditions"}
    with pytest.raises(CatalogueError, match=r"holds no pairs: .*from_pairs"):
        catalogue.source_batches()


def test_sources_in_colour(tmp_path, folders):
    drawings = write(tmp_path / "colour", {**DRAWINGS, "hat/00.bmp": photo(0, suffix="BMP")})
    catalogue = Catalogue.from_pairs(drawings, folders[1], image_size=16)
    assert (catalogue.schema.source_channels, catalogue.channels) == (3, 3)
    assert batches(catalogue, 1, batch_size=4)[0]["source"].shape == (4, 16, 16, 3)
    # photos that are grey, sources that are not
    swapped = Catalogue.from_pairs(folders[1], folders[0], image_size=16)
    assert (swapped.schema.source_channels, swapped.channels) == (3, 1)


# === What does not fit ===


def test_what_has_no_partner_is_left_out_by_name(tmp_path, caplog):
    photos = write(tmp_path / "p", PHOTOS | {"hat/lonely.png": photo(50), "hat/twice.png": photo(51)})
    more = {"cap/odd.bmp": photo(52), "hat/twice.bmp": photo(53), "hat/twice.jpg": photo(54, suffix="JPEG")}
    drawings = write(tmp_path / "d", DRAWINGS | more)
    with caplog.at_level(logging.WARNING, "tfproductgan"):
        catalogue = Catalogue.from_pairs(drawings, photos, image_size=16, max_unreadable=0.3)
    crowd = "pairs go by name, and hat/twice.bmp, hat/twice.jpg are called the same"
    assert sorted(catalogue.skipped) == [
        ("cap/odd.bmp", f"no 'cap/odd' in '{photos}'"),
        ("hat/lonely.png", f"no 'hat/lonely' in '{drawings}'"),
        ("hat/twice.bmp", crowd),
        ("hat/twice.jpg", crowd),
        ("hat/twice.png", crowd),
    ]
    assert "5 of 25 photos cannot be used" in caplog.text
    assert sum(map(catalogue.size, ("train", "validation"))) == 20
    with pytest.raises(CatalogueError, match="max_unreadable"):
        Catalogue.from_pairs(drawings, photos, image_size=16)


def test_pairs_that_cannot_be_used_are_left_out_by_name(tmp_path):
    names = ("cut", "wide", "text")
    photos = write(tmp_path / "p", PHOTOS | {f"hat/{name}.png": photo(60 + i) for i, name in enumerate(names)})
    (photos / "hat" / "text.png").write_bytes(b"text")
    bad = {"hat/cut.bmp": b"BM", "hat/wide.bmp": photo(61, (50, 40)), "hat/text.bmp": photo(62)}
    drawings = write(tmp_path / "d", DRAWINGS | bad)
    catalogue = Catalogue.from_pairs(drawings, photos, image_size=16, max_unreadable=0.3)
    reasons = dict(catalogue.skipped)
    assert set(reasons) == {f"hat/{name}.png" for name in names}
    assert reasons["hat/cut.png"].startswith("its source cannot be used: ")
    assert reasons["hat/wide.png"] == (
        "its source has 50 x 40 pixels and the picture 30 x 40: they need the same proportions"
    )
    assert reasons["hat/text.png"].startswith("not a JPEG")
    report = check(pair_source(drawings, photos, "kind"), max_unreadable=0.3)
    assert report.num_readable == 20 and not report.would_stop
    assert {finding.photos[0]: finding.detail for finding in report.of("unreadable")} == reasons


def test_large_jpegs_are_compared_by_their_whole_size(tmp_path):
    """They are decoded in part, each to another size."""
    photos = write(tmp_path / "p", {f"{i}.jpg": photo(i, (1003, 751), suffix="JPEG") for i in range(4)})
    drawings = write(tmp_path / "d", {f"{i}.png": photo(i, (335, 251)) for i in range(4)})
    assert not Catalogue.from_pairs(drawings, photos, image_size=8).skipped
    (drawings / "0.png").write_bytes(photo(0, (335, 240)))
    skipped = Catalogue.from_pairs(drawings, photos, image_size=8, max_unreadable=0.5).skipped
    assert skipped == [
        ("0.jpg", "its source has 335 x 240 pixels and the picture 1003 x 751: they need the same proportions")
    ]


def test_one_folder_is_no_pair(tmp_path):
    photos = write(tmp_path / "photos", PHOTOS)
    with pytest.raises(CatalogueError, match=r"Pairs are of two folders, and '.*photos.*' is given as both"):
        Catalogue.from_pairs(tmp_path / "other" / ".." / "photos", photos)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"coat/1.png": photo(1)}, r"No picture in '.*drawings' is called as one in '.*photos' \(first: 'coat/1.png'"),
        ({"notes.txt": b"none"}, "there are none"),
        (None, "drawings' does not exist: give a folder or a zip"),
    ],
)
def test_no_pairs_at_all(tmp_path, sources, said):
    photos = write(tmp_path / "photos", PHOTOS)
    if sources:
        write(tmp_path / "drawings", sources)
    with pytest.raises(CatalogueError, match=said):
        Catalogue.from_pairs(tmp_path / "drawings", photos)


# === Splits, cache, fingerprint ===


def test_splits_go_by_the_photo_and_are_those_without_sources(folders):
    pairs = Catalogue.from_pairs(*folders, image_size=16, splits={"validation": 0.4})
    alone = Catalogue.from_folder(folders[1], image_size=16, splits={"validation": 0.4})
    assert alone.size("validation") > 2
    for split in alone.splits:
        np.testing.assert_array_equal(pairs.images(split), alone.images(split))
    assert pairs.fingerprint != alone.fingerprint


def test_duplicates_stay_on_one_side(tmp_path):
    photos = {f"{i}-{copy}.png": photo(i) for i in range(20) for copy in range(2)}
    sources = {name: photo(100 + i) for i, name in enumerate(photos)}
    catalogue = Catalogue.from_pairs(
        write(tmp_path / "d", sources), write(tmp_path / "p", photos), image_size=32, splits={"validation": 0.4}
    )
    assert catalogue.size("validation") > 2
    names = [item.name for item in catalogue.source.items]
    sides = [{names[i].partition("-")[0] for i in indices} for indices in catalogue.splits.values()]
    assert not sides[0] & sides[1]


def test_the_fingerprint_follows_the_sources(folders):
    drawings, photos = folders
    first = Catalogue.from_pairs(drawings, photos, image_size=16)
    assert Catalogue.from_pairs(drawings, photos, image_size=16, cache=False).fingerprint == first.fingerprint
    (drawings / "hat" / "00.bmp").write_bytes(photo(70, mode="L", suffix="BMP"))
    changed = Catalogue.from_pairs(drawings, photos, image_size=16)
    assert changed.fingerprint != first.fingerprint
    for split in first.splits:
        np.testing.assert_array_equal(changed.images(split), first.images(split))


@pytest.mark.parametrize("budget", [2 * 2**30, 100])
def test_the_second_start_reads_no_picture(folders, monkeypatch, budget):
    first = Catalogue.from_pairs(*folders, image_size=16, memory_budget=budget)
    monkeypatch.setattr(preparing, "read_item", None)
    again = Catalogue.from_pairs(*folders, image_size=16, memory_budget=budget)
    assert again.fingerprint == first.fingerprint and again.schema == first.schema
    np.testing.assert_array_equal(next(again.source_batches()), next(first.source_batches()))
    np.testing.assert_array_equal(
        batches(again, 1, batch_size=4)[0]["source"], batches(first, 1, batch_size=4)[0]["source"]
    )
    assert ("on disk" in again.summary()) == (budget == 100)
    with pytest.raises(ValueError, match="read-only"):
        again._photos.sources[0] = 1


def test_the_memory_budget_counts_both_pictures(folders):
    num_bytes = 20 * 16 * 16 * 4  # three channels and one
    assert "in memory" in Catalogue.from_pairs(*folders, image_size=16, memory_budget=num_bytes).summary()
    catalogue = Catalogue.from_pairs(*folders, image_size=16, memory_budget=num_bytes - 1, cache=False)
    assert "on disk" in catalogue.summary()
    assert all(map(belongs_together, next(catalogue.source_batches()), next(catalogue.image_batches())))


# === Arrays, the studio, schemas ===


def test_pairs_in_arrays():
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 6, 3), np.uint8)
    sources = 255 - images[..., :1]
    splits = ["test", "train"] * 6
    catalogue = Catalogue.from_arrays(images, {"number": list("abababababab")}, splits, sources=sources)
    assert catalogue.schema.source_channels == 1 and catalogue.size("test") == 6
    [batch] = batches(catalogue, batch_size=6, repeat=False)
    np.testing.assert_array_equal(batch["images"][:, :, 1:7], images[1::2])
    np.testing.assert_array_equal(batch["source"][:, :, 1:7], sources[1::2])
    larger = Catalogue.from_arrays(images, sources=sources.repeat(3, axis=1).repeat(3, axis=2))
    assert larger.image_size == 8 and not larger.skipped
    with pytest.raises(CatalogueError, match="'sources' has 11 values for 12 images"):
        Catalogue.from_arrays(images, sources=sources[1:])
    with pytest.raises(CatalogueError, match="sources must be uint8"):
        Catalogue.from_arrays(images, sources=sources / 255)
    with pytest.raises(CatalogueError, match="its source has 8 x 8 pixels and the picture 6 x 8"):
        Catalogue.from_arrays(images, sources=np.zeros((12, 8, 8), np.uint8))


@pytest.mark.parametrize(("source", "render"), [("lines", studio.render_lines), ("mask", studio.render_mask)])
def test_pairs_of_the_studio(source, render):
    pairs = Catalogue.studio(count=12, image_size=28, source=source)
    alone = Catalogue.studio(count=12, image_size=28)
    assert pairs.schema.source_channels == 1 and pairs.schema.channels == 3
    products = {product.description: product for product in (studio.product(0, i) for i in range(12))}
    for split in alone.splits:
        np.testing.assert_array_equal(pairs.images(split), alone.images(split))
        for drawn, caption in zip(next(pairs.source_batches(split)), pairs.captions(split), strict=True):
            np.testing.assert_array_equal(drawn[..., 0], render(products[caption], 28))
    with pytest.raises(CatalogueError, match="did you mean 'lines'"):
        Catalogue.studio(count=2, source="line")


def test_binding_to_the_schema_of_a_model(folders):
    kind = Attribute("kind", ("shoe", "hat"))
    schema = ConditionSchema([kind], 16, 3, source_channels=3)
    catalogue = Catalogue.from_pairs(*folders, schema=schema)
    assert catalogue.schema is schema
    assert batches(catalogue, 1, batch_size=4)[0]["source"].shape == (4, 16, 16, 3)
    with pytest.raises(CatalogueError, match=r"pictures go into.*--sources"):
        Catalogue.from_folder(folders[1], schema=schema)
    # a model without: the photos alone, as it was trained on them
    plain = Catalogue.from_pairs(*folders, schema=ConditionSchema([kind], 16, 3))
    assert set(plain.stream(batch_size=4).element_spec) == {"images", "conditions"}
    assert plain.fingerprint == Catalogue.from_folder(folders[1], schema=ConditionSchema([kind], 16, 3)).fingerprint


def test_pairs_are_checked_and_shown(folders):
    catalogue = Catalogue.from_pairs(*folders, image_size=16)
    report = check(catalogue)
    assert report.num_readable == 20 and report.sizes == {"30 x 40": 20}
    alone = contact_sheet(check(Catalogue.from_folder(folders[1], image_size=16)))
    sheet = contact_sheet(report)
    assert sheet.size == alone.size and np.any(np.asarray(sheet) != np.asarray(alone))


def test_what_people_see(folders):
    catalogue = Catalogue.from_pairs(*folders, image_size=16)
    assert repr(catalogue).endswith("16 px, 3 channels from pictures of 1>")
    assert "go in       pictures of that size, grey" in catalogue.summary()


def test_pairs_are_not_prepared(tmp_path, folders):
    pytest.importorskip("tensorflow_datasets")
    from tfproductgan.catalogue.preparation import Preparation
    from tfproductgan.catalogue.tfds_writing import write_dataset

    with pytest.raises(CatalogueError, match="Pairs cannot be prepared"):
        write_dataset(pair_source(*folders, "kind"), Preparation(16), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["left", "right"])
def test_two_pictures_side_by_side_are_a_pair_either_way_and_an_odd_width_is_named(tmp_path, side):
    red, blue = Image.new("RGB", (20, 30), (200, 0, 0)), Image.new("RGB", (20, 30), (0, 0, 200))
    for number in range(4):
        both = Image.new("RGB", (40 + (number == 3), 30), (number, 0, 0))
        both.paste(red, (0, 0))
        both.paste(blue, (20, 0))
        both.save(tmp_path / f"{number}.png")
    pairs = Catalogue.from_side_by_side(tmp_path, side, image_size=16, max_unreadable=0.5)
    assert (pairs.size(), pairs.schema.source_channels) == (3, 3)
    [batch] = pairs.stream(next(split for split in pairs.splits if pairs.size(split)), batch_size=1).take(1)
    found = {"photo": batch["images"][0].numpy(), "source": batch["source"][0].numpy()}
    reddest = max(found, key=lambda name: int(found[name][8, 8, 0]))
    assert reddest == ("source" if side == "left" else "photo")
    assert pairs.skipped == [("3.png", "two pictures side by side have an even width, and this one is 41 pixels wide")]
    with pytest.raises(CatalogueError, match=r"stands on the left or the right\. Received: 'top'"):
        Catalogue.from_side_by_side(tmp_path, "top")
