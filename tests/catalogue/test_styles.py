import numpy as np
import pytest
from PIL import Image

import tfproductgan as tpg
from tfproductgan.errors import CatalogueError, PhotoError


@pytest.fixture
def photos():
    images = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)
    return tpg.Catalogue.from_arrays(images, {"colour": ["Red"] * 10}, ["train"] * 8 + ["validation"] * 2, cache=False)


@pytest.fixture
def styles(tmp_path):
    folder = tmp_path / "styles"
    (folder / "van gogh").mkdir(parents=True)
    for name, shade in (("waves.png", 10), ("van gogh/a.jpg", 100), ("van gogh/b.png", 200)):
        Image.new("RGB", (40, 30), (shade, shade, shade)).save(folder / name)
    (folder / "licence.txt").write_text("none of the pictures")
    return folder


def test_every_photo_comes_with_every_style(photos, styles):
    catalogue = photos.with_styles(styles)
    [attribute] = catalogue.schema.attributes
    assert (attribute.name, sorted(attribute.values), attribute.several) == ("style", ["van gogh", "waves"], 2)
    assert catalogue.schema.source_channels == 3
    assert {split: catalogue.size(split) for split in ("train", "validation")} == {"train": 24, "validation": 6}
    seen = set()
    for batch in catalogue.stream("train", batch_size=6, repeat=False).as_numpy_iterator():
        for image, source, ids in zip(batch["images"], batch["source"], batch["conditions"], strict=True):
            name = catalogue.schema.decode(ids)["style"]
            shade = round(float(image.mean()), -1)
            assert shade in {"waves": (10,), "van gogh": (100, 200)}[name]
            seen.add((source.tobytes(), shade))
    assert {source for source, _ in seen} == {photo.tobytes() for photo in photos.images("train")} and len(seen) == 24
    np.testing.assert_array_equal(catalogue.images("validation").shape, (6, 16, 16, 3))
    assert "in memory" in catalogue.summary() and len(catalogue.placements) == 30


def test_styles_change_the_fingerprint(photos, styles):
    first = photos.with_styles(styles).fingerprint
    assert photos.with_styles(styles).fingerprint == first
    Image.new("RGB", (40, 30), (11, 10, 10)).save(styles / "waves.png")
    assert photos.with_styles(styles).fingerprint != first


def test_styles_of_a_model_keep_their_numbers(photos, styles):
    schema = photos.with_styles(styles).schema
    one = photos.with_styles(styles / "waves.png", schema)
    assert one.schema is schema and {schema.decode(ids)["style"] for ids in one.conditions()} == {"waves"}


def test_what_cannot_be_a_style_is_named(photos, styles, tmp_path):
    (styles / "text.png").write_text("no picture")
    with pytest.raises(PhotoError, match=r"text\.png: not a JPEG"):
        photos.with_styles(styles)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogueError, match="holds no pictures"):
        photos.with_styles(tmp_path / "empty")
    with pytest.raises(CatalogueError, match="does not exist"):
        photos.with_styles(tmp_path / "none")
    pairs = photos.with_styles(styles / "waves.png")
    with pytest.raises(CatalogueError, match="these are pairs"):
        pairs.with_styles(styles / "waves.png")
