"""A training that begins with the weights of another, for other photos or another class."""

import json
import re
import shutil

import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError, RunError
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.recipes import get_recipe
from tfproductgan.registry import KINDS
from tfproductgan.training.checkpoints import Checkpoints, Note
from tfproductgan.training.warm_start import open_start, take_weights
from tfproductgan.vocabulary import Vocabulary

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
        kind.find("model").from_recipe(recipe, ConditionSchema(attributes, **pictures))
        for attributes in (before, after)
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
        "New attribute: view; it adds nothing at first.",
        "New values of Colour: Green; each begins as the mean of the old ones.",
        "Gone: kind.",
    ]
    assert new.provenance["warm_start"] == {"path": "runs/old", "model_id": old.model_id}


def test_pieces_of_titles_keep_their_vectors():
    def gan(*titles):
        words = Vocabulary.learn(titles * 3) if titles else None
        schema = ConditionSchema([Attribute("colour", ("Red", "Blue"))], 8, 3, vocabulary=words)
        return tpg.ConditionalGAN.from_recipe(RECIPE, schema)

    old, new = gan("red bag", "gold bag"), gan("gold shoe", "red hat")
    take_weights(new, old, "runs/old")
    pieces = [each.schema.vocabulary.pieces for each in (old, new)]
    theirs, mine = (np.array(each.generator.embedding.text.table) for each in (old, new))
    for piece, row in zip(pieces[1], mine[1:], strict=True):
        expected = theirs[1 + pieces[0].index(piece)] if piece in pieces[0] else theirs[1:].mean(axis=0)
        np.testing.assert_allclose(row, expected, atol=1e-6)
    np.testing.assert_array_equal(new.generator.embedding.text.kernel, old.generator.embedding.text.kernel)
    lines = take_weights(anew := gan("gold shoe"), gan(), "runs/old")
    assert not np.any(anew.generator.embedding.to_text) and "New: texts; they add nothing at first." in lines


def test_what_cannot_be_taken_is_named():
    schema = catalogue("Red", "Blue").schema
    old = tpg.ConditionalGAN.from_recipe(RECIPE, schema)
    wider = RECIPE.replace(generator={**RECIPE.networks["generator"].options, "widths": [16]})
    new = tpg.ConditionalGAN.from_recipe(wider, schema)
    first = new.generator.hidden[0].kernel.numpy()
    [_, missed] = take_weights(new, old.trained(), "old.keras")
    assert "Not taken: generator/dense_0/kernel ([8, 8] there, [8, 16] here); " in missed and " more." in missed
    np.testing.assert_array_equal(new.generator.hidden[0].kernel, first)
    np.testing.assert_array_equal(new.generator.embedding.table, old.ema_generator.embedding.table)
    # a trained model alone holds no discriminator
    [_, missed] = take_weights(tpg.ConditionalGAN.from_recipe(RECIPE, schema), old.trained(), "old.keras")
    assert missed == "Not taken: the discriminator, which it does not hold."


def test_labels_that_are_new_altogether_change_no_picture_at_first():
    pictures = {}
    schema = catalogue("Red", "Blue").schema
    old = shaken(tpg.ConditionalGAN.from_recipe(RECIPE, ConditionSchema([], 8)))
    new = tpg.ConditionalGAN.from_recipe(RECIPE, schema)
    lines = take_weights(new, old, "runs/old")
    latents = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    for model, ids in ((old, np.zeros((3, 0))), (new, np.array([[0], [1], [2]]))):
        pictures[model] = model.ema_generator({"latents": latents, "conditions": ids.astype(np.int32)})
    np.testing.assert_allclose(pictures[new], pictures[old], atol=1e-6)
    assert lines[1:] == ["New attribute: colour; it adds nothing at first."]
    # and back, without what conditions added
    again = tpg.ConditionalGAN.from_recipe(RECIPE, ConditionSchema([], 8))
    assert take_weights(again, new, "runs/new")[1:] == ["Gone: colour."]
    np.testing.assert_array_equal(again.generator.hidden[0].kernel, old.generator.hidden[0].kernel)


# === Runs ===


@pytest.fixture
def old(tmp_path):
    """A run with two colours, as far as it matters: its checkpoints."""
    model = shaken(tpg.ConditionalGAN.from_recipe(RECIPE, catalogue("Red", "Blue").schema))
    model.compile()
    for step in (1, 2):
        model._step.assign(step)
        model._images_seen.assign(step * BATCH)
        Checkpoints(tmp_path / "old" / "checkpoints").save(model, Note.of(model, True))
    return tmp_path / "old"


class Fit(Exception):  # noqa: N818
    """What was to be trained."""


@pytest.fixture
def begin(monkeypatch):
    """Calls `train` with three colours; the model as it is when the training begins."""

    def fit(model, *args, **kwargs):
        raise Fit(model)

    monkeypatch.setattr(tpg.ConditionalGAN, "fit", fit)

    def begin(out, **options):
        with pytest.raises(Fit) as caught:
            tpg.train(catalogue("Red", "Blue", "Green"), RECIPE, out, **options)
        return caught.value.args[0]

    return begin


def test_a_run_begins_where_another_ended_and_goes_on_without_it(old, begin, capsys):
    out = old.with_name("new")
    model = begin(out, warm_start=old)
    said = capsys.readouterr().out
    assert "New values of colour: Green; each begins as the mean of the old ones." in said and "Not taken" not in said
    ended = tpg.load(Checkpoints(old / "checkpoints").files[-1])
    np.testing.assert_array_equal(model.generator.embedding.table[:2], ended.generator.embedding.table[:2])
    np.testing.assert_array_equal(model.ema_generator.to_pixels.kernel, ended.ema_generator.to_pixels.kernel)
    noted = {"path": str(old), "model_id": ended.model_id}
    assert model.step == model.images_seen == 0 and json.loads((out / "warm_start.json").read_text()) == noted
    shutil.rmtree(old)  # it plays no part any more
    for again in (begin(out, warm_start=old), begin(out), tpg.load(Checkpoints(out / "checkpoints").files[-1])):
        for mine, first in zip(again.weights, model.weights, strict=True):
            np.testing.assert_array_equal(mine, first, err_msg=mine.path)
        for mine, first in zip(again.optimizers().values(), model.optimizers().values(), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(mine.variables, first.variables, strict=True))
        assert again.trained().provenance["warm_start"] == noted
    with pytest.raises(RunError, match=r"new began with --from .*old\. Repeat that command to go on"):
        open_start(out, out, RECIPE, 8)


def test_a_run_goes_on_as_it_began(old, begin):
    begin(old.with_name("plain"))  # stopped before its first checkpoint: it may still begin otherwise
    begin(old.with_name("plain"), warm_start=old)
    with pytest.raises(RunError, match=r"old began without --from\. Repeat that command"):
        open_start(old.with_name("plain"), old, RECIPE, 8)


def test_a_damaged_checkpoint_is_passed_over(old):
    last = Checkpoints(old / "checkpoints").files[-1]
    last.write_bytes(last.read_bytes()[:-100])
    assert open_start(old, old.with_name("new"), RECIPE, 8).step == 1


def test_what_does_not_fit_is_refused_before_anything_is_written(old):
    for recipe, size, said in (
        (RECIPE, 16, "there image_size is 8, and here 16"),
        (get_recipe("dcgan"), 32, "there the family of the generator is 'mlp', and here 'dcgan'"),
        (get_recipe("vae"), 32, "there the kind of model is 'gan', and here 'vae'"),
    ):
        with pytest.raises(RecipeError, match=f"{str(old)!r} cannot be started from: {said}"):
            open_start(old, old.with_name("new"), recipe, size)


def test_networks_of_other_shapes_are_refused_before_anything_is_written(old):
    wider = RECIPE.replace(generator={**RECIPE.networks["generator"].options, "widths": [16]})
    said = (
        "cannot be started from: no layer of its generator has the shape of one here. There it has widths [8], here "
        r"[16]. Train with --set generator.widths=[8], or begin anew."
    )
    with pytest.raises(RecipeError, match=re.escape(said)):
        tpg.train(catalogue("Red", "Blue"), wider, old.with_name("new"), warm_start=old)
    assert not old.with_name("new").exists()


def test_nothing_to_start_from(tmp_path):
    with pytest.raises(RunError, match=r"No such model: .*nowhere"):
        tpg.train(catalogue("Red"), RECIPE, tmp_path / "new", warm_start=tmp_path / "nowhere")
    assert not (tmp_path / "new").exists()
