import numpy as np
import pytest

from tfproductgan.catalogue import preparing
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.tfds_source import tfds_source
from tfproductgan.errors import CatalogueError, MissingExtraError

tfds = pytest.importorskip("tensorflow_datasets")


class TinyShop(tfds.core.GeneratorBasedBuilder):
    """Photo `i` is filled with `i`."""

    VERSION = tfds.core.Version("1.0.0")
    SPLITS = (("train", range(20)), ("test", range(20, 26)), ("extra", range(26, 28)))
    KINDS = ("shoe", "hat", "bag")

    def _info(self):
        features = {
            "photo": tfds.features.Image(shape=(12, 12, 3), encoding_format="png"),
            "kind": tfds.features.ClassLabel(names=self.KINDS),
            "facts": {"new": np.bool_, "size": np.int64, "weight": np.float32},
            "title": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), supervised_keys=("photo", "kind")
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(numbers) for split, numbers in self.SPLITS}

    def _generate_examples(self, numbers):
        for i in numbers:
            yield (
                i,
                {
                    "photo": np.full((12, 12, 3), [i, 0, 200], np.uint8),
                    "kind": i % 3 if i else -1,
                    "facts": {"new": i % 2 == 0, "size": 36 + i % 2, "weight": 0.5},
                    "title": f"Number {i}",
                },
            )


class OnlyTrain(TinyShop):
    """No split but train."""

    SPLITS = (("train", range(40)),)
    VERSION = tfds.core.Version("2.0.0")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("tfds")


def test_supervised_data_set(data_dir):
    catalogue = Catalogue.from_tfds("tiny_shop", data_dir=data_dir)
    assert catalogue.image_size == 12
    assert catalogue.schema.attribute("kind").values == TinyShop.KINDS  # in the order of the class label
    assert (catalogue.size("train"), catalogue.size("validation"), catalogue.size("test")) == (20, 0, 6)
    for split in ("train", "test"):
        numbers = catalogue.images(split)[:, 0, 0, 0].astype(int)
        expected = np.where(numbers == 0, 0, numbers % 3 + 1)
        np.testing.assert_array_equal(catalogue.conditions(split)[:, 0], expected)


def test_chosen_features(data_dir):
    builder = TinyShop(data_dir=data_dir)
    catalogue = Catalogue.from_tfds(
        builder, attributes=["facts/new", "facts/size"], text="title", titles=False, image_size=8
    )
    assert [a.values for a in catalogue.schema.attributes] == [("False", "True"), ("36", "37")]
    first = int(catalogue.images()[0, 0, 0, 0])
    assert catalogue.captions()[0] == f"Number {first}"
    assert catalogue.conditions()[0].tolist() == [2 - first % 2, 1 + first % 2]


def test_a_single_split_is_divided_and_the_second_start_decodes_nothing(data_dir, monkeypatch):
    first = Catalogue.from_tfds("only_train", data_dir=data_dir, splits={"validation": 0.3})
    assert first.size("train") + first.size("validation") == 40 and first.size("validation") > 2
    monkeypatch.setattr(preparing, "read_item", None)
    again = Catalogue.from_tfds("only_train", data_dir=data_dir, splits={"validation": 0.3})
    assert again.fingerprint == first.fingerprint


def test_without_attributes(data_dir):
    assert Catalogue.from_tfds("tiny_shop", data_dir=data_dir, attributes=[]).conditions().shape == (20, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["knid"]}, "did you mean 'kind'"),
        ({"attributes": ["facts/old"]}, "'facts/old'"),
        ({"attributes": ["facts"]}, "no label"),
        ({"attributes": ["facts/weight"]}, "no label"),
        ({"attributes": ["photo"]}, "no label"),
        ({"image": "kind"}, "no image"),
    ],
)
def test_features_that_do_not_fit(data_dir, options, message):
    with pytest.raises(CatalogueError, match=message):
        Catalogue.from_tfds("tiny_shop", data_dir=data_dir, image_size=12, **options)


class Tagged(TinyShop):
    """Several classes a photo, and what is no label."""

    VERSION = tfds.core.Version("3.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(12, 12, 3), encoding_format="png"),
            "tags": tfds.features.Sequence(tfds.features.ClassLabel(names=self.KINDS)),
            "box": tfds.features.BBoxFeature(),
            "facts": {"title": tfds.features.Text()},
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _generate_examples(self, numbers):
        for i in numbers:
            photo = np.full((12, 12, 3), [i, 0, 200], np.uint8)
            tags, box = [i % 3, (i + 1) % 3][: i % 3], tfds.features.BBox(0.0, 0.0, 1.0, 1.0)
            yield i, {"image": photo, "tags": tags, "box": box, "facts": {"title": "A"}}


def test_sequences_of_class_labels_are_tuples_and_what_is_left_out_is_named(data_dir):
    builder = Tagged(data_dir=data_dir)
    builder.download_and_prepare()
    source = tfds_source(builder)
    assert source.attributes == ["tags"] and source.values == {"tags": list(TinyShop.KINDS)}
    assert {item.labels["tags"] for item in source.items} == {(), ("hat",), ("bag", "shoe")}
    assert source.notes[0] == "Splits that are left out: extra."
    assert source.notes[1].startswith("Features that are left out: box (BBoxFeature), facts/title (Text). Class labels")


def test_unknown_data_set(data_dir):
    with pytest.raises(CatalogueError, match="'no_such_shop' cannot be prepared") as caught:
        Catalogue.from_tfds("no_such_shop", data_dir=data_dir)
    assert "\n" not in str(caught.value)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_datasets", None)
    with pytest.raises(MissingExtraError, match=r"tfproductgan\[tfds\]"):
        Catalogue.from_tfds("fashion_mnist")
