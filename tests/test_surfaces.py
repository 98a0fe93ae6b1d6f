"""Every family of networks, at its smallest, through everything that can be done with a model.

A family takes part by being the default of a recipe, see `test_registry.py`. What it cannot do it says itself, by
`refuses` of its network.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg
from tfproductgan.compression.compression import Compressor
from tfproductgan.compression.conversions import CONVERSIONS
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.metrics.judge import judge
from tfproductgan.models.editing import Along, Drawing, Editor, Towards
from tfproductgan.registry import KINDS
from tfproductgan.serving import Client
from tfproductgan.serving.server.running import Server
from tfproductgan.training.alarms.responding import broken_weights
from tfproductgan.training.checkpoints import Checkpoints

SIZE, BATCH, STEPS, INTERVAL = 28, 4, 6, 2


class Shrunk(FeatureExtractor):
    """Pictures of 7 x 7 pixels, as features."""

    def __init__(self):
        super().__init__("shrunk", "0123456789abcdef", 49, "averages of 4 x 4 pixels")

    def outputs(self, images, batch_size=64):
        cells = np.asarray(images, np.float32).mean(axis=-1).reshape(len(images), 7, 4, 7, 4)
        return cells.mean(axis=(2, 4)).reshape(len(images), -1), None


@pytest.fixture(scope="module")
def catalogue():
    rng = np.random.default_rng(0)
    images, sources = rng.integers(0, 256, (2, 80, SIZE, SIZE, 1), np.uint8)
    labels = {"category": ["Ring", "Watch"] * 40, "colour": ["Red", "Gold", "Blue, red", ""] * 20}
    splits = ["train"] * 60 + ["validation"] * 20
    options = {"multi": "colour", "image_size": SIZE, "cache": False}
    alone = tpg.Catalogue.from_arrays(images, labels, splits, **options)
    pairs = tpg.Catalogue.from_arrays(images, labels, splits, sources=sources, **options)
    return {"sampler": alone, "translator": pairs, "upscaler": alone}


@pytest.fixture(scope="module")
def recipe(smallest):
    return smallest(images=STEPS * BATCH, batch_size=BATCH, precision="float32")


@pytest.fixture(scope="module")
def kind(recipe):
    return KINDS[recipe.kind]


@pytest.fixture(scope="module")
def photos(catalogue, kind):
    return catalogue[kind.asks]


@pytest.fixture(scope="module")
def run(recipe, photos, left_by_a_kill, tmp_path_factory):
    """A run directory, trained to its end."""
    path = tmp_path_factory.mktemp("runs") / "run"
    train(photos, recipe, path, callbacks=[left_by_a_kill(path, INTERVAL + 1, path.with_name("killed"))])
    return path


@pytest.fixture(scope="module")
def trained(run):
    return tpg.load(run)


def train(photos, recipe, path, **options):
    return tpg.train(photos, recipe, path, every=INTERVAL * BATCH, keep=5, **options)


def answers(model, photos):
    """What a model, of whatever kind, draws; with conditions by name."""
    if model.asks == "sampler":
        return model.generate([{"category": "watch"}, {"colour": ["red", "blue"]}, {}], seed=5)
    if model.asks == "upscaler":
        return model.upscale_squares(model.shrunk(next(photos.image_batches("validation", 3))))
    sources = next(photos.source_batches("validation", 3))
    ids = [model.schema.encode(row) for row in ({"category": "watch"}, {"colour": ["red", "blue"]}, {})]
    return model.translate_squares(sources, np.array(ids, np.int32))


# === Training ===


def test_a_training_that_was_killed_goes_on_to_the_same_bits(recipe, photos, run):
    resumed = train(photos, recipe, run.with_name("killed"))
    whole = tpg.load(Checkpoints(run / "checkpoints").files[-1])
    assert resumed.step == whole.step == STEPS
    # what dropout draws from is no state: each step sets it anew
    for mine, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)
    for name, optimizer in resumed.optimizers().items():
        for mine, theirs in zip(optimizer.variables, whole.optimizers()[name].variables, strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)


def test_each_network_learns_and_its_average_follows(recipe, photos, run):
    first = KINDS[recipe.kind].find("model").from_recipe(recipe, photos.schema)
    last = tpg.load(Checkpoints(run / "checkpoints").files[-1])
    for role, network in last.networks().items():
        for start, end in zip(first.networks()[role].trainable_variables, network.trainable_variables, strict=True):
            # what a normalisation takes away again has no gradient
            assert end.path.endswith("bias") or np.any(start.numpy() != end.numpy()), end.path
    for role, average in last.averages().items():
        start, now = (each[role].get_weights() for each in (first.networks(), last.networks()))
        ways = zip(start, now, average.get_weights(), strict=True)
        assert any(np.any(a != m) and np.any(b != m) for a, b, m in ways)
    assert not broken_weights(last)


@pytest.mark.slow
def test_microbatches_give_the_same_step(smallest, photos):
    """Up to rounding, where each picture counts by itself and not by statistics of the batch."""
    recipe = smallest(without=["dropout", "group"], batch_size=BATCH, precision="float32")
    made = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        model = KINDS[recipe.kind].find("model").from_recipe(recipe, photos.schema, microbatches=count)
        layers = [layer for network in model.networks().values() for layer in network._flatten_layers()]
        if any(isinstance(layer, keras.layers.BatchNormalization) for layer in layers):
            pytest.skip("batch normalisation")
        model.compile(**{f"{name}_optimizer": keras.optimizers.SGD(1e-3) for name in model.kind.optimizers})
        model.fit(photos.stream("train", batch_size=BATCH), steps_per_epoch=1, verbose=0)
        made.append([v.numpy() for network in model.networks().values() for v in network.trainable_variables])
    for one, two in zip(*made, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_it_goes_back(recipe, run):
    files = Checkpoints(run / "checkpoints").files
    model, earlier = tpg.load(files[-1]), tpg.load(files[0])
    model.roll_back(files[0], 0.5)
    assert (model.step, model.learning_rate_factor) == (STEPS, 0.5)
    for role, network in model.networks().items():
        for mine, theirs in zip(network.get_weights(), earlier.networks()[role].get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_it_is_validated_and_watched(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["images_seen"] for line in lines] == [BATCH * step for step in (2, 4, 6)]
    assert all(value is None or np.isfinite(value) for line in lines for value in line.values())
    assert any(name.startswith("val_") for name in lines[-1])
    assert (run / "grids" / f"images-{STEPS * BATCH:09d}.png").is_file()


def test_it_computes_in_bfloat16(recipe, photos):
    model = KINDS[recipe.kind].find("model").from_recipe(recipe.replace(precision="mixed_bfloat16"), photos.schema)
    model.compile()
    held_out = photos.stream("validation", batch_size=BATCH, repeat=False)
    history = model.fit(
        photos.stream("train", batch_size=BATCH), steps_per_epoch=2, validation_data=held_out, verbose=0
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert not broken_weights(model)
    assert answers(model, photos).std() > 0


# === Asking ===


def test_files_hold_the_model(recipe, photos, run, trained):
    training = tpg.load(Checkpoints(run / "checkpoints").files[-1])
    drawn = answers(trained, photos)
    assert drawn.shape == (3, SIZE, SIZE, 1) and drawn.dtype == np.uint8
    np.testing.assert_array_equal(answers(training, photos), drawn)
    assert trained.provenance == {"recipe": training.recipe.to_dict(), "images_seen": STEPS * BATCH}
    assert set(trained.parameters()) == set(training.averages())


def test_it_is_judged(photos, trained):
    found = judge(trained, photos, Shrunk(), n=20, parts=["distances", "look", "memorisation"], force=True)
    assert np.isfinite([found.figure(name).value for name in ("fid", "look")]).all()
    if trained.asks != "sampler":
        assert 0 < found.figure("psnr").value < 99 and -1 <= found.figure("ssim").value <= 1


def test_its_pictures_are_edited(trained):
    if trained.asks != "sampler":
        pytest.skip("takes pictures")
    editor = Editor(trained)
    [request] = trained.plan({"category": "watch", "colour": ["red", "blue"]}, seed=5)
    start = Drawing(request)
    edits = (Towards("colour", "Gold", 1.0), Along(1, 2.0))
    drawn = editor.draw([start, *(start.after(edit) for edit in edits)])
    np.testing.assert_array_equal(drawn[0], trained.draw([request])[0])
    for edited in drawn[1:]:
        assert np.any(edited != drawn[0])


# === Leaving ===


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    return tpg.export_saved_model(trained, tmp_path_factory.mktemp("saved_models") / "model")


def test_plain_tensorflow_asks_it(exported, trained, photos):
    served = tf.saved_model.load(str(exported))
    description = json.loads(served.signatures["describe"](request=tf.constant([""]))["description"][0].numpy())
    assert description["model_id"] == trained.model_id and description["asks"] == trained.asks
    names = {"category": ["watch", ""], "colour": ["", "RED, Blue"]}
    inputs = {name: tf.constant(values) for name, values in names.items()}
    if trained.asks == "sampler":
        seeds, truncations = tf.constant([5, 6], tf.int64), tf.constant([1.0, 0.5])
        drawn = served.signatures["generate"](**inputs, seed=seeds, truncation=truncations)["images"]
        expected = trained.draw(
            [
                *trained.plan({"category": "watch"}, count=1, seed=5),
                *trained.plan({"colour": ["red", "blue"]}, count=1, seed=6, truncation=0.5),
            ]
        )
    elif trained.asks == "upscaler":
        small = trained.shrunk(next(photos.image_batches("validation", 2)))
        drawn = served.signatures["upscale"](source=tf.constant(small))["images"]
        expected = trained.upscale_squares(small)
    else:
        sources = next(photos.source_batches("validation", 2))
        drawn = served.signatures["translate"](**inputs, source=tf.constant(sources))["images"]
        ids = [trained.schema.encode(row) for row in ({"category": "watch"}, {"colour": ["red", "blue"]})]
        expected = trained.translate_squares(sources, np.array(ids, np.int32))
    assert np.abs(drawn.numpy().astype(int) - expected).max() <= 1


@pytest.fixture(scope="module")
def server(exported):
    with Server(exported.parent.parent) as server:
        yield server


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_it_is_served_and_the_client_asks_it(server, trained, photos, scheme):
    client = Client(server.grpc_url if scheme == "grpc" else server.url, model="model")
    if trained.asks == "sampler":
        colours = {"colour": ["gold", "blue"]}
        drawn, expected = client.generate(colours, 2, 3), trained.generate(colours, 2, 3)
        tolerance = 1
    elif trained.asks == "upscaler":
        small = [np.random.default_rng(0).integers(0, 256, shape, np.uint8) for shape in ((5, 9, 1), (8, 6, 1))]
        drawn, expected = client.upscale(small), trained.upscale(small)
        tolerance = 1
    else:
        sources = list(next(photos.source_batches("validation", 2)))
        ways = [{"conditions": {"colour": "gold"}}, *({"to": to} for to in trained.directions[1:])]
        drawn, expected = ([p for way in ways for p in each.translate(sources, **way)] for each in (client, trained))
        tolerance = 2  # scaled by TensorFlow here and by Pillow there
    client.close()
    for mine, theirs in zip(drawn, expected, strict=True):
        assert np.abs(mine.astype(int) - theirs).max() <= tolerance


@pytest.fixture(scope="module")
def untrained(recipe, photos, shake):
    """What a conversion keeps or loses needs no training."""
    model = KINDS[recipe.kind].find("model").from_recipe(recipe, photos.schema)
    shake(model)
    return model.trained()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert-float16", "litert-dynamic-int8", "onnx"])
def test_it_is_converted_or_refuses_by_name(untrained, photos, name, tmp_path):
    outcome = Compressor(untrained, photos, None).convert(CONVERSIONS[name], tmp_path)
    refusal = untrained.networks()[untrained.role].refuses.get(name)
    if refusal:
        assert refusal in outcome.error
    else:
        # with weights as few as these the names of tensors weigh more, and a form may be slower than the original
        lost = outcome.error or ""
        assert outcome.psnr is not None and outcome.psnr > 30, lost
