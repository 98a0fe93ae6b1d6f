"""The studio as a TFDS data set: prepared offline, read back with the labels and pictures of the studio."""

import numpy as np
import pytest

from tfproductgan import studio

pytest.importorskip("tensorflow_datasets")


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    from tfproductgan.studio.tfds_builder import StudioConfig, StudioProducts

    config = StudioConfig(name="tiny", image_size=32, count=30, seed=4)
    made = StudioProducts(config=config, data_dir=str(tmp_path_factory.mktemp("tfds")))
    made.download_and_prepare()
    return made


def test_splits_are_disjoint_and_complete(builder):
    ids = {split: _ids(builder, split) for split in ("train", "validation", "test")}
    assert [len(members) for members in ids.values()] == [24, 3, 3]
    assert len(set.union(*ids.values())) == 30


def _ids(builder, split):
    return {row["id"].decode() for row in builder.as_dataset(split=split).as_numpy_iterator()}


def test_rows_are_what_the_studio_draws(builder):
    for row in builder.as_dataset(split="validation").as_numpy_iterator():
        item = studio.product(4, int(row["id"].decode().rsplit("_", 1)[1]))
        for name in studio.ATTRIBUTES:
            assert builder.info.features[name].int2str(int(row[name])) == getattr(item, name)
        assert row["description"].decode() == item.description
        pictures = studio.render(item, 32)
        np.testing.assert_array_equal(row["image"], pictures.image)
        np.testing.assert_array_equal(row["mask"][..., 0], pictures.mask)
        np.testing.assert_array_equal(row["lines"][..., 0], pictures.lines)
