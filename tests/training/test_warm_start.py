"""A training that begins with the weights of another, for other photos or another class."""

import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError, RunError, TrainingStopped
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.recipes import get_recipe
from tfproductgan.registry import KINDS
from tfproductgan.training.checkpoints import Checkpoints
from tfproductgan.training.warm_start import open_start, take_weights

BATCH = 4
RECIPE = get_recipe(
    "mlp",
    generator={"widths": [8], "latent_dim": 4, "embedding_dim": 4},
    discriminator={"widths": [8]},
    batch_size=BATCH,
    images=2 * BATCH,
    precision="float32",
)
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), np.uint8)


def catalogue(*colours):
    return tpg.Catalogue.from_arrays(
        IMAGES, {"colour": [colours[i % len(colours)] for i in range(24)]}, ["train"] * 24, cache=False
    )


def train(out, *colours, recipe=RECIPE, **options):
    return tpg.train(catalogue(*colours), recipe, out, every=BATCH, **options)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A run with two colours."""
    path = tmp_path_factory.mktemp("old") / "run"
    train(path, "Red", "Blue")
    return path


@pytest.fixture
def runs(old, tmp_path):
    shutil.copytree(old, tmp_path / "old")
    return tmp_path


def networks(model):
    return {**model.networks(), **{f"ema_{role}": network for role, network in model.averages().items()}}


def shaken(model):
    rng = np.random.default_rng(0)
    for network in networks(model).values():
        for weight in network.weights:
            weight.assign(rng.uniform(0.1, 1.0, weight.shape))
    return model


# === Weights ===


def test_what_is_called_the_same_keeps_what_it_has_learnt(smallest):
    """Of every family, and of averages too."""
    recipe = smallest(precision="float32")
    kind = KINDS[recipe.kind]
    pictures = {"image_size": 28, "channels": 1, "source_channels": 1 if kind.asks == "translator" else None}
    before = [Attribute("colour", ("Red", "Blue", "Gold")), Attribute("kind", ("Ring",))]
    after = [Attribute("view", ("Front", "Side")), Attribute("Colour", ("blue", "Green", "RED"))]
    old, new = (
        kind.find("model").from_recipe(recipe, ConditionSchema(attributes, **pictures)) for attributes in (before, after)
    )
    lines = take_weights(new, shaken(old), "runs/old")
    for role, network in networks(new).items():
        theirs = networks(old)[role]
        embeddings = [layer for layer in network._flatten_layers() if isinstance(layer, ConditionEmbedding)]
        tables = {id(layer.table) for layer in embeddings}
        for weight, found in zip(network.weights, theirs.weights, strict=True):
            if id(weight) not in tables:
                np.testing.assert_array_equal(weight, found, err_msg=weight.path)
                continue
            not_given, red, blue, gold = found.numpy()[:4]
            expected = [0 * red] * 3 + [not_given, blue, (red + blue + gold) / 3, red]
            np.testing.assert_allclose(weight, expected, rtol=1e-6)
    assert lines[0].startswith("Starts with ") and lines[0].endswith(f"weights of {old.model_id} in runs/old.")
    assert lines[1:] == [
        "New: view, which adds nothing at first.",
        "New: Colour Green, which start from the mean of its values.",
        "Gone: kind.",
    ]
    assert new.provenance["warm_start"] == {"path": "runs/old", "model_id": old.model_id}


def test_what_cannot_be_taken_is_named():
    schema = catalogue("Red", "Blue").schema
    old = tpg.ConditionalGAN.from_recipe(RECIPE, schema)
    wider = RECIPE.replace(generator={**RECIPE.networks["generator"].options, "widths": [16]})
    new = tpg.ConditionalGAN.from_recipe(wider, schema)
    first = new.generator.hidden[0].kernel.numpy()
    [said, missed] = take_weights(new, old.trained(), "old.keras")
    assert "Not taken: generator/dense_0/kernel ([8, 8] there, [8, 16] here); " in missed and " more." in missed
    np.testing.assert_array_equal(new.generator.hidden[0].kernel, first)
    np.testing.assert_array_equal(new.generator.embedding.table, old.ema_generator.embedding.table)
    # a trained model alone holds no discriminator
    [_, missed] = take_weights(tpg.ConditionalGAN.from_recipe(RECIPE, schema), old.trained(), "old.keras")
    assert missed == "Not taken: the discriminator, which it does not hold."


# === Runs ===


class StopAt(keras.callbacks.Callback):
    """Told to stop in a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == self.step - 1:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_begins_where_another_ended_and_goes_on_without_it(runs, capsys):
    longer = RECIPE.replace(images=4 * BATCH)
    colours = "Red", "Blue", "Green"
    whole = train(runs / "whole", *colours, recipe=longer, warm_start=runs / "old")
    said = capsys.readouterr().out
    assert "New: colour Green, which start from the mean of its values." in said and "Not taken" not in said
    with pytest.raises(TrainingStopped):
        train(runs / "stopped", *colours, recipe=longer, warm_start=runs / "old", callbacks=[StopAt(1)], keep=9)
    first = tpg.load(Checkpoints(runs / "stopped" / "checkpoints").files[0])
    assert first.step == 0 and first.warm_start["path"] == str(runs / "old")
    ended = tpg.load(Checkpoints(runs / "old" / "checkpoints").files[-1])
    for role, network in networks(first).items():
        for mine, theirs in zip(network.weights, networks(ended)[role].weights, strict=True):
            if mine.shape == theirs.shape:
                np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)
    assert all(int(optimizer.iterations) == 0 for optimizer in first.optimizers().values())
    shutil.rmtree(runs / "old")  # it plays no part any more
    resumed = train(runs / "stopped", *colours, recipe=longer, warm_start=runs / "old")
    assert resumed.step == whole.step == 4
    for mine, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)
    noted = json.loads((runs / "stopped" / "warm_start.json").read_text())
    assert tpg.load(runs / "stopped").provenance["warm_start"] == noted == {
        "path": str(runs / "old"),
        "model_id": ended.model_id,
    }
    with pytest.raises(RunError, match=r"stopped began with --from .*old. Repeat that command to go on"):
        train(runs / "stopped", *colours, recipe=longer, warm_start=runs / "other")


def test_a_run_that_began_without_goes_on_without(runs):
    with pytest.raises(RunError, match="old began without --from. Repeat that command"):
        train(runs / "old", "Red", "Blue", warm_start=runs / "whole")


def test_a_damaged_checkpoint_is_passed_over(runs):
    first, last = Checkpoints(runs / "old" / "checkpoints").files
    last.write_bytes(last.read_bytes()[:-100])
    assert open_start(runs / "old", runs / "new", RECIPE, 8).step == 1


@pytest.mark.parametrize(
    ("recipe", "size", "said"),
    [
        (RECIPE, 16, "there image_size is 8, and here 16"),
        (get_recipe("dcgan"), 32, "there the family of the generator is 'mlp', and here 'dcgan'"),
        (get_recipe("vae"), 32, "there the kind of model is 'gan', and here 'vae'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(old, tmp_path, recipe, size, said):
    with pytest.raises(RecipeError, match=f"{str(old)!r} cannot be started from: {said}"):
        open_start(old, tmp_path / "new", recipe, size)


def test_nothing_to_start_from(tmp_path):
    with pytest.raises(RunError, match="No such model: .*nowhere"):
        train(tmp_path / "new", "Red", "Blue", warm_start=tmp_path / "nowhere")
    assert not (tmp_path / "new").exists()
