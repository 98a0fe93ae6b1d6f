"""Shares of scores against closed forms, completeness, and what leaving an attribute out does."""

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.attribution import COMPLETE, attribute, baseline_of, leave_one_out, scores_of
from tfproductgan.metrics.classifier import CatalogueClassifier, ClassifierRecipe, _network
from tfproductgan.models.editing import Drawing, Editor
from tfproductgan.networks.mlp import MLPDiscriminator
from tfproductgan.vocabulary import Vocabulary

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (6, 6, 3), np.uint8)
WHITE = np.full_like(PICTURE, 255)
WEIGHTS = RNG.normal(size=PICTURE.shape).astype(np.float32)
WAY = PICTURE.astype(float) - WHITE


def linear(pictures):
    return tf.reduce_sum(pictures * WEIGHTS)[None] + 3.0


def test_of_a_linear_score_both_ways_are_its_terms():
    [found] = attribute(linear, PICTURE, WHITE)
    terms = (WEIGHTS * WAY).sum(axis=-1)
    np.testing.assert_allclose(found.gradient, terms, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found.integrated, terms, rtol=1e-4, atol=1e-3)
    assert found.score == pytest.approx((WEIGHTS * PICTURE.astype(float)).sum() + 3, rel=1e-4)
    assert found.missing < 1e-4
    # painted over, the largest terms are gone
    assert found.score - found.painted == pytest.approx(np.sort(terms.ravel())[-4:].sum(), rel=1e-3)
    assert found.painted < found.painted_others


def test_of_a_square_the_mean_slope_is_the_difference_of_squares():
    [found] = attribute(lambda pictures: tf.reduce_sum(WEIGHTS * tf.square(pictures))[None], PICTURE, WHITE)
    squares = (WEIGHTS * (np.square(PICTURE.astype(float)) - np.square(WHITE.astype(float)))).sum(axis=-1)
    np.testing.assert_allclose(found.integrated, squares, rtol=1e-3, atol=1)
    np.testing.assert_allclose(found.gradient, (2 * WEIGHTS * PICTURE * WAY).sum(axis=-1), rtol=1e-3, atol=1)


def test_as_many_steps_are_taken_as_completeness_needs():
    """A step of a score at a narrow place between baseline and picture."""
    [found] = attribute(lambda pictures: tf.sigmoid(2 * (tf.reduce_mean(pictures) - 128.7))[None], 0 * PICTURE, WHITE)
    assert found.missing <= COMPLETE and found.steps > 32


def test_several_scores_are_shared_out_at_once():
    both = attribute(lambda pictures: tf.concat([linear(pictures), -2 * linear(pictures)], 0), PICTURE, WHITE)
    np.testing.assert_allclose(both[1].integrated, -2 * both[0].integrated, rtol=1e-4)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(JudgementError, match="A score to explain is no number"):
        attribute(lambda pictures: linear(pictures) * np.nan, PICTURE)


def test_the_baseline_is_the_background():
    picture = np.full((8, 8, 3), (250, 240, 230), np.uint8)
    picture[2:6, 2:6] = 0
    assert {tuple(colour) for colour in baseline_of(picture).reshape(-1, 3)} == {(250, 240, 230)}


# === Networks ===

SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light", "Mid")), Attribute("kind", ("Only",))], 6, 3)


@pytest.fixture(scope="module")
def discriminator():
    return MLPDiscriminator(**MLPDiscriminator.arguments(SCHEMA), widths=(8,), dtype="mixed_bfloat16")


@pytest.fixture(scope="module")
def classifier():
    return CatalogueClassifier(_network(SCHEMA, ClassifierRecipe(widths=(4,)), "float32"), SCHEMA)


def test_networks_are_asked_for_what_was_asked_for(discriminator, classifier):
    names, scores = scores_of(SCHEMA, {"shade": "Light"}, discriminator, classifier)
    assert names == ["discriminator: looks real", "discriminator: shows it", "classifier: shade Light"]
    real, shows, odds = scores(tf.constant(PICTURE[None], tf.float32)).numpy()
    images = PICTURE[None] / np.float32(127.5) - 1
    logits = [
        float(discriminator({"images": images, "conditions": np.array([ids], np.int32)})[0]) for ids in ((0, 0), (2, 0))
    ]
    np.testing.assert_allclose([real, real + shows], logits, atol=0.05)  # which are in bfloat16
    probability = classifier.predict(PICTURE[None])[0][0, 1]
    assert odds == pytest.approx(np.log(probability / (1 - probability)), rel=1e-4)


def test_of_a_single_attribute_the_discriminator_is_asked_with_it():
    schema = ConditionSchema(SCHEMA.attributes[:1], 6, 3)
    network = MLPDiscriminator(**MLPDiscriminator.arguments(schema), widths=(8,))
    names, scores = scores_of(schema, {"shade": "Dark"}, network)
    assert names == ["discriminator: looks real"]
    images = PICTURE[None].astype(np.float32)
    asked = network({"images": images / 127.5 - 1, "conditions": np.array([[1]], np.int32)})
    np.testing.assert_allclose(scores(tf.constant(images)), asked, rtol=1e-5)
    [found] = attribute(scores, PICTURE)
    assert found.missing <= COMPLETE


# === Conditions ===


class Shades:
    """What an editor draws: shades as the conditions say, bright on the left for a kind."""

    def __init__(self, schema):
        self.schema = schema
        self.model = self

    def draw(self, drawings):
        pictures = []
        for each in drawings:
            conditions = each.request.conditions
            picture = np.full((6, 6, 3), {"Dark": 0, "Light": 200}.get(conditions.get("shade"), 100), np.uint8)
            picture[:, :3] += 10 * ("kind" in conditions)
            pictures.append(picture)
        return np.stack(pictures)

    others = Editor.others


def drawing(**conditions):
    return Drawing(PictureRequest(conditions, 3))


def test_what_moves_the_picture_most_comes_first():
    found = leave_one_out(Shades(SCHEMA), drawing(kind="Only", shade="Light"))
    assert [(each.attribute, each.instead) for each in found] == [("shade", "not given"), ("kind", "not given")]
    assert [each.moved for each in found] == [100, pytest.approx(10 * np.sqrt(0.5))]
    assert found[0].recognised is None


def test_the_only_attribute_gives_way_to_its_other_values(classifier):
    schema = ConditionSchema(SCHEMA.attributes[:1], 6, 3).with_combinations([(1,), (1,), (2,), (3,)])
    [found] = leave_one_out(Shades(schema), drawing(shade="Light"))
    assert found.instead == "Dark, Mid" and found.moved == (200 + 100) / 2


class Reader(Shades):
    """Draws a word's letters as grey."""

    def draw(self, drawings):
        texts = [each.request.conditions.get("text", "") for each in drawings]
        return np.stack([np.full((6, 6, 3), 10 * len(text.replace(" ", "")), np.uint8) for text in texts])


def test_each_word_of_a_text_is_left_out(classifier):
    words = Vocabulary.learn(["a red leather bag"] * 3)
    schema = ConditionSchema(SCHEMA.attributes[:1], 6, 3, vocabulary=words)
    found = leave_one_out(Reader(schema), drawing(text="red xq leather", shade="Light"), classifier)
    # without the attribute it stays, which is not given since there is a text too
    moved = [(each.attribute, each.value, each.instead, each.moved) for each in found]
    assert moved == [
        ("text", "leather", "not given", 70),
        ("text", "red", "not given", 30),
        ("text", "xq", "not given", 20),
        ("shade", "Light", "not given", 0),
    ]
    assert found[0].recognised is None and found[3].recognised is not None
    # what would be left says nothing: the whole text goes
    [only] = leave_one_out(Reader(schema), drawing(text="red xq"))[:1]
    assert (only.value, only.moved) == ("red", 50)


def test_the_classifier_says_what_is_lost(classifier):
    found = leave_one_out(Shades(SCHEMA), drawing(shade="Light"), classifier)[0]
    pictures = np.stack([np.full((6, 6, 3), shade, np.uint8) for shade in (200, 100)])
    np.testing.assert_allclose([found.recognised, found.left], classifier.predict(pictures)[0][:, 1], rtol=1e-5)
