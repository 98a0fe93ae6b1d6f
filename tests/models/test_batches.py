"""Data of one's own in `fit`, `evaluate` and `predict`, and what a Keras user tries besides."""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError
from tfproductgan.models.batches import batches_of, check_batch, check_inputs, reading
from tfproductgan.recipes import get_recipe
from tfproductgan.registry import KINDS, network_class

SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light")), Attribute("side", ("Left", "Right", "Top"))], 6, 3)
PAIRS = ConditionSchema(SCHEMA.attributes, 6, 3, source_channels=1)
COUNT, BATCH = 20, 8
RNG = np.random.default_rng(0)
ROWS = {
    "images": RNG.integers(0, 256, (COUNT, 6, 6, 3), np.uint8),
    "conditions": RNG.integers(0, 3, (COUNT, 2)).astype(np.int32),
    "source": RNG.integers(0, 256, (COUNT, 6, 6, 1), np.uint8),
}


def rows(schema=SCHEMA, **changes):
    names = ["images", *schema.inputs()]
    return {**{name: ROWS[name] for name in names}, **changes}


def batches(data, drop_remainder=True):
    return tf.data.Dataset.from_tensor_slices(data).batch(BATCH, drop_remainder)


def taken(data, schema=SCHEMA, **options):
    """The batches that `fit` reads, and how many are an epoch."""
    stream, steps = batches_of(data, schema, **{"batch_size": BATCH, **options})
    with reading(schema):
        return [{name: value.numpy() for name, value in batch.items()} for batch in stream.take(steps or 99)]


IMAGES, IDS = ROWS["images"], ROWS["conditions"]
WRONG = [
    (
        rows(images=IMAGES / np.float32(255)),
        "images must be uint8 [B, 6, 6, 3]: pixels from 0 to 255; of values from 0 to 1",
    ),
    (rows(images=IMAGES.astype(int)), "images must be uint8 [B, 6, 6, 3]: pixels from 0 to 255"),
    (
        rows(images=IMAGES[:, :5, :5]),
        "Catalogue.from_arrays(images, labels, schema=schema) makes them. Received: uint8 [",
    ),
    (rows(images=IMAGES.transpose(0, 3, 1, 2)), "channels come last, as tf.transpose(images, [0, 2, 3, 1])"),
    (rows(images=IMAGES[..., 0]), "with an axis of channels, as images[..., tf.newaxis] has"),
    (rows(conditions=IDS[:, :1]), "conditions must be int32 [B, 2]: the columns are shade, side"),
    (rows(conditions=IDS[:, 0]), "conditions must be int32 [B, 2]: the columns are shade, side"),
    (rows(conditions=IDS.astype(np.float32)), "conditions must be int32 [B, 2]: whole numbers, 0 for not given"),
    (
        rows(conditions=np.full((COUNT, 2), "Dark")),
        "conditions must be int32 [B, 2]: names become ids with schema.encode",
    ),
    (
        {"images": IMAGES},
        "A batch is {'images': uint8 [B, 6, 6, 3], 'conditions': int32 [B, 2]}, as catalogue.stream()",
    ),
]


@pytest.mark.parametrize("form", ["dataset", "arrays", "iterator", "step"])
@pytest.mark.parametrize(("data", "said"), WRONG, ids=[said for _, said in WRONG])
def test_fields_that_do_not_fit_are_named(data, said, form):
    act = {
        "dataset": lambda: taken(batches(data)),
        "arrays": lambda: taken(data),
        "iterator": lambda: taken(iter(batches(data))),
        "step": lambda: check_batch({name: tf.constant(value[:4]) for name, value in data.items()}, SCHEMA),
    }[form]
    with pytest.raises(RecipeError, match=re.escape(said)) as caught:
        act()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            lambda: batches((IMAGES, IDS)),
            "make .map(lambda images, conditions: {'images': images, 'conditions': conditions})",
        ),
        (lambda: batches(IMAGES), "Received: TensorSpec"),
        (lambda: tf.data.Dataset.from_tensor_slices(rows()), "make batches, with .batch(16, drop_remainder=True)"),
        (lambda: IMAGES, "Received: ndarray"),
        (lambda: None, "Received: NoneType"),
        (lambda: iter([]), "the iterator is empty"),
        (lambda: batches(rows(), False).take(0), "the dataset is empty"),
        (lambda: rows(conditions=IDS[:5]), "Each row needs one of each. Received: 20 images, 5 conditions"),
        (lambda: {name: value[:5] for name, value in rows().items()}, "batch_size=8 is more than the 5 rows"),
    ],
)
def test_what_is_no_batch_is_refused(data, said):
    with pytest.raises(RecipeError, match=re.escape(said)):
        taken(data())


@pytest.mark.parametrize("last", [False, True], ids=["everywhere", "in the last batch"])
@pytest.mark.parametrize("form", ["dataset", "arrays", "iterator"])
@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (
            IDS - 5,
            "those of 'shade' go from 0 (not given) to 2 ('Light'); schema.encode makes them of names. Received: -5",
        ),
        (
            IDS + np.array([0, 500]),
            "those of 'side' go from 0 (not given) to 3 ('Top'); schema.encode makes them of names. Received: 50",
        ),
    ],
)
def test_ids_out_of_range_are_named(ids, said, form, last):
    if last:
        ids = np.where(np.arange(COUNT)[:, None] == 15, ids, IDS)
    data = rows(conditions=ids)
    data = {"arrays": data, "dataset": batches(data), "iterator": iter(batches(data))}[form]
    with pytest.raises(RecipeError, match=re.escape(said)[:-1]):
        taken(data)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("schema", [SCHEMA, PAIRS], ids=["photos", "pairs"])
def test_what_fits_is_taken_as_it_is(schema, dtype):
    data = rows(schema, conditions=IDS.astype(dtype))
    for given in (batches(data), batches(data, False), iter(batches(data)), data):
        found = taken(given, schema)
        # a last batch that is not full is left out
        assert [len(batch["images"]) for batch in found] == [BATCH, BATCH]
        for name, value in data.items():
            np.testing.assert_array_equal(np.concatenate([batch[name] for batch in found]), value[: 2 * BATCH])
        assert found[0]["conditions"].dtype == np.int32


def test_rows_of_batches_that_are_not_full_are_not_lost_when_they_repeat():
    found = taken(batches(rows(), False).repeat(2))
    assert [len(batch["images"]) for batch in found] == [BATCH] * 5
    np.testing.assert_array_equal(np.concatenate([batch["images"] for batch in found]), np.concatenate([IMAGES] * 2))


def test_arrays_are_shuffled_anew_each_epoch():
    assert len(taken(rows(), start_step=7)) == 2  # one pass has no place to go on from
    stream, steps = batches_of(rows(), SCHEMA, 10, shuffled=True)
    assert steps == 2
    first, second = ([*stream.skip(start).take(2).as_numpy_iterator()] for start in (0, 2))
    for epoch in (first, second):
        images = np.concatenate([batch["images"] for batch in epoch])
        assert sorted(map(bytes, images)) == sorted(map(bytes, IMAGES))
    assert np.any(first[0]["images"] != second[0]["images"])


def test_the_stream_of_a_catalogue_is_read_as_it_is():
    labels = {"shade": ["Dark", "Light"] * 10, "side": ["Left", "Right", "Top", "Back"] * 5}
    catalogue = Catalogue.from_arrays(IMAGES, labels, ["train"] * COUNT, cache=False)
    stream = catalogue.stream(batch_size=BATCH)
    assert batches_of(stream, catalogue.schema, BATCH) == (stream, None)
    with pytest.raises(RecipeError, match="those of 'side' go from 0"):  # that of another model
        batches_of(stream, SCHEMA, BATCH)


def test_an_attribute_of_several_values_has_as_many_columns():
    schema = ConditionSchema([SCHEMA.attributes[0], Attribute("tags", ("New", "Sale", "Wool"), several=2)], 6, 3)
    ids = np.array([[1, 3, 0], [2, 1, 3]] * 10)
    assert len(taken(batches(rows(conditions=ids)), schema)) == 2
    with pytest.raises(RecipeError, match=r"conditions must be int32 \[B, 3\]: the columns are shade, tags, tags"):
        taken(rows(), schema)
    ids[-9, 2] = 4
    with pytest.raises(RecipeError, match=r"those of 'tags' go from 0 \(not given\) to 3 \('Wool'\)"):
        taken(batches(rows(conditions=ids)), schema)


def test_a_schema_without_attributes_has_no_columns():
    schema = ConditionSchema([], 6, 3)
    assert (
        len(taken(rows(conditions=IDS[:, :0]), schema)) == len(taken(batches(rows(conditions=IDS[:, :0])), schema)) == 2
    )
    with pytest.raises(RecipeError, match="no column: the schema has no attributes"):
        taken(rows(), schema)


# === Through Keras


@pytest.mark.parametrize("form", ["unequal batches", "arrays", "iterator"])
def test_fit_and_evaluate_take_what_people_have(small_gan, form):
    gan = small_gan(schema=SCHEMA, batch_size=BATCH, penalties={})
    gan.compile(run_eagerly=True)

    def data():
        return {
            "unequal batches": lambda: batches(rows(), False),
            "arrays": rows,
            "iterator": lambda: iter(batches(rows())),
        }[form]()

    history = gan.fit(data(), verbose=0, validation_data=data()).history
    assert gan.step == 2 and np.isfinite(history["val_d_loss"]).all()
    assert set(gan.evaluate(data(), verbose=0, return_dict=True)) == {"d_loss", "g_loss", "logit_gap"}
    with pytest.raises(RecipeError, match="those of 'shade' go from 0"):
        gan.fit(batches(rows(conditions=IDS + 5)), verbose=0)


def test_batches_of_another_size_are_taken_by_the_same_model(small_gan):
    gan = small_gan(schema=SCHEMA)
    gan.compile()
    for batch_size in (4, 10):
        assert np.isfinite(gan.evaluate(rows(), batch_size=batch_size, verbose=0)).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"y": IDS}, "fit takes no y: labels are 'conditions' of x"),
        ({"validation_split": 0.2}, "fit takes no validation_split: give validation_data=, such as catalogue.stream("),
        (
            {"class_weight": {0: 1.0}},
            "fit takes no class_weight: rare labels are lifted by catalogue.stream(balance=...)",
        ),
        ({"sample_weight": np.ones(COUNT)}, "fit takes no sample_weight: rare labels"),
        ({"validation_data": (IMAGES, IDS)}, "make .map(lambda images, conditions:"),
    ],
)
def test_what_fit_has_no_use_for(small_gan, options, said):
    gan = small_gan(schema=SCHEMA, batch_size=BATCH)
    gan.compile()
    with pytest.raises(RecipeError, match=re.escape(said)):
        gan.fit(rows(), verbose=0, **options)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_compile_has_no_use_for(kind, smallest_of):
    model = smallest_of(kind)
    adam = keras.optimizers.Adam()
    names = " and ".join(f"{name}_optimizer" for name in kind.optimizers)
    for options in ({"optimizer": adam}, {"optimizer": "adam"}, {"metrics": ["accuracy"]}):
        with pytest.raises(RecipeError, match=f"compile takes no {next(iter(options))}, but {names}; what is"):
            model.compile(**options)
    first = f"{kind.optimizers[0]}_optimizer"
    with pytest.raises(RecipeError, match=f"{first} must be a Keras optimiser or the name of one. Received: 'admm'"):
        model.compile(**{first: "admm"})
    if len(kind.optimizers) > 1:
        with pytest.raises(RecipeError, match="make one for each"):
            model.compile(**{f"{name}_optimizer": adam for name in kind.optimizers})
    with pytest.raises(RecipeError, match=f"compile takes no 'mse', but {names}"):
        model.compile(*["adam"] * len(kind.optimizers), "mse")
    model.compile("sgd")
    assert isinstance(model.optimizers()[kind.optimizers[0]], keras.optimizers.SGD)


@pytest.fixture
def smallest_of(small_gan):
    def make(kind):
        if kind.name == "gan":
            return small_gan(schema=SCHEMA)
        schema = ConditionSchema(SCHEMA.attributes, 32, 1, source_channels=1 if kind.asks == "translator" else None)
        model, small = kind.find("model"), {"width": 8, "max_width": 8, "num_blocks": 1}
        networks = {}
        for role, spec in get_recipe(model.default_recipe).networks.items():
            takes = network_class(spec.family, role).argument_names()
            networks[role] = {option: value for option, value in small.items() if option in takes}
        # nothing to download
        features = {"features": "random"} if kind.name == "style" else {}
        return model.from_recipe(model.default_recipe, schema, **networks, **features, precision="float32")

    return make


def test_predict_is_for_what_the_network_takes(small_gan):
    gan = small_gan(schema=SCHEMA)
    gan.compile(run_eagerly=True)
    inputs = {"latents": np.zeros((3, gan.latent_dim), np.float32), "conditions": IDS[:3]}
    for ask in (functools.partial(gan.predict, verbose=0), gan.predict_on_batch, gan, gan.trained()):
        assert ask(inputs).shape == (3, 6, 6, 3)
    for model in (gan, gan.trained()):
        for data in (batches(rows()), rows(), IMAGES, IDS, {"conditions": IDS}):
            for ask in (functools.partial(model.predict, verbose=0), model.predict_on_batch, model):
                with pytest.raises(RecipeError, match="is for what the network itself takes: generate") as caught:
                    ask(data)
                assert "\n" not in str(caught.value)


def test_translators_are_asked_by_translate():
    for data in (batches(rows(PAIRS)), rows(PAIRS), ROWS["source"]):
        with pytest.raises(RecipeError, match="translate"):
            check_inputs(data, "translator", "predict")
