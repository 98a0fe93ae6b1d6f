"""What an answer of a network hangs on: which pixels of a picture, and which of the conditions it was drawn from.

Pixels are compared with a baseline, the background of the picture: what differs from it is what the picture shows. That
a picture scores so much more than its baseline is shared out among its pixels,

- by gradient x input: the slope at the picture times the difference, exact for linear scores;
- by integrated gradients: the mean slope on the way from the baseline, whose shares add up to the difference of the
  scores (completeness); as many steps are taken as that needs.

References:
    Sundararajan et al., 2017, Axiomatic Attribution for Deep Networks, https://arxiv.org/abs/1703.01365; Petsiuk et
    al., 2018, RISE, https://arxiv.org/abs/1806.07421 (pixels painted over, against others)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfproductgan.catalogue.photos import background_colour
from tfproductgan.errors import ConditionError, JudgementError
from tfproductgan.models.editing import Drawing, Editor
from tfproductgan.models.trained import copy_of
from tfproductgan.text_vectors import named

if TYPE_CHECKING:
    from tfproductgan.conditions import Conditions, ConditionSchema
    from tfproductgan.metrics.classifier import CatalogueClassifier

Scores = Callable[[tf.Tensor], tf.Tensor]
"""Scores `[K]` of a picture, float32 `[1, H, W, C]` of values 0 to 255."""

COMPLETE = 0.05
"""Integrated gradients are complete if their sum misses the difference of scores by no larger part of it."""

PAINTED = 0.1
"""This share of the pixels is painted over to see whether those that count do."""

_STEPS, _MOST_STEPS = 32, 288
_DRAWS = 8  # of as many other pixels
_MOST_OTHERS = 8  # values that stand in for the only attribute


@dataclasses.dataclass(frozen=True)
class Attribution:
    """How much each pixel adds to a score.

    Args:
        score: Of the picture.
        baseline_score: Of the baseline.
        gradient: Gradient x input, float64 `[H, W]`, channels summed.
        integrated: Integrated gradients, float64 `[H, W]`.
        steps: How many were taken.
        painted: The score with the tenth of the pixels that add most, by integrated gradients, like the baseline.
        painted_others: The same with as many others, in the mean of some draws.
    """

    score: float
    baseline_score: float
    gradient: np.ndarray
    integrated: np.ndarray
    steps: int
    painted: float
    painted_others: float

    @property
    def missing(self) -> float:
        """By what part of the difference of scores the sum of the integrated gradients misses it."""
        difference = self.score - self.baseline_score
        return abs(float(self.integrated.sum()) - difference) / max(abs(difference), 1e-6)


def baseline_of(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 `[H, W, C]`, of nothing but the background of another."""
    return np.broadcast_to(background_colour(picture), picture.shape)


def attribute(
    scores: Scores, picture: np.ndarray, baseline: np.ndarray | None = None, seed: int = 0
) -> list[Attribution]:
    """Share scores out among the pixels of a picture.

    Args:
        scores: What is explained. Pictures go in one by one, so batches play no part.
        picture: uint8 `[H, W, C]`.
        baseline: The same without what it shows; by default `baseline_of`.
        seed: Decides which other pixels are painted over.

    Returns:
        One for each score.

    Raises:
        JudgementError: If a score is no number.
    """
    start = np.asarray(baseline_of(picture) if baseline is None else baseline, np.float32)[None]
    way = np.asarray(picture, np.float32)[None] - start

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(way.shape, tf.float32)])
    def slopes(pictures):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pictures)
            parts = tf.unstack(tf.cast(scores(pictures), tf.float32))
        options = {"unconnected_gradients": tf.UnconnectedGradients.ZERO}
        return tf.stack(parts), tf.stack([tape.gradient(part, pictures, **options)[0] for part in parts])

    def shared(gradients):
        return np.sum(gradients * way, axis=-1, dtype=np.float64)

    values, gradients = (part.numpy() for part in slopes(start + way))
    starts = slopes(start)[0].numpy()
    if not np.isfinite([values, starts]).all():
        raise JudgementError(f"A score to explain is no number. Received: {values.tolist()}, {starts.tolist()}")
    steps, total = _STEPS, np.zeros(gradients.shape)
    places = np.arange(steps)
    while True:
        total += sum(slopes(start + np.float32((place + 0.5) / steps) * way)[1].numpy() for place in places)
        integrated = shared(total / steps)
        missing = np.abs(integrated.sum(axis=(1, 2)) - (values - starts)) / np.maximum(np.abs(values - starts), 1e-6)
        if missing.max() <= COMPLETE or 3 * steps > _MOST_STEPS:
            break
        # the middles of thirds: every third is one that was taken
        steps *= 3
        places = np.delete(np.arange(steps), slice(1, None, 3))
    rng, made = np.random.default_rng(seed), []
    for place, (value, begun) in enumerate(zip(values, starts, strict=True)):
        order = np.argsort(-integrated[place].ravel(), kind="stable")
        count = max(1, round(PAINTED * len(order)))
        chosen = [order[:count], *(rng.permutation(order[count:])[:count] for _ in range(_DRAWS))]
        left = [slopes(_painted(start, way, pixels))[0].numpy()[place] for pixels in chosen]
        made.append(
            Attribution(
                float(value),
                float(begun),
                shared(gradients)[place],
                integrated[place],
                steps,
                float(left[0]),
                float(np.mean(left[1:])),
            )
        )
    return made


def _painted(start, way, pixels):
    """A picture with some of its pixels like the baseline."""
    kept = np.ones(way.shape[1] * way.shape[2], np.float32)
    kept[pixels] = 0
    return start + way * kept.reshape(1, *way.shape[1:3], 1)


def scores_of(
    schema: ConditionSchema,
    conditions: Conditions | None,
    discriminator: Any = None,
    classifier: CatalogueClassifier | None = None,
) -> tuple[list[str], Scores]:
    """What is to be explained of a picture: answers of a discriminator and of a classifier.

    The discriminator says how real a picture looks, whatever it shows, and how much more so as what was asked for; the
    classifier, logarithms of the odds of the values that were. A model of a single attribute has not learnt to do
    without: its discriminator says how real a picture looks as what was asked for.

    Args:
        schema: Of the model.
        conditions: What was asked for.
        discriminator: A `Discriminator`, if there is one; it is asked in float32.
        classifier: One of the same schema, if there is one.

    Returns:
        Their names, and the scores in the same order.
    """
    ids = schema.encode(conditions)
    asked = tf.constant([ids], tf.int32)
    nothing = tf.zeros_like(asked)
    names, judge = [], None
    if discriminator is not None:
        judge = copy_of(discriminator, dtype="float32")
        apart = len(schema.can_be_asked) > 1 and any(ids)
        names += ["discriminator: looks real", "discriminator: shows it"] if apart else ["discriminator: looks real"]
    known = classifier.log_odds(tf.zeros((1, *classifier.image_shape)), ids) if classifier is not None else {}
    given = schema.decode(ids)
    names += [f"classifier: {name} {given[name]}" for name in known]

    def scores(pictures):
        found = []
        if judge is not None:
            inputs = {"images": pictures / 127.5 - 1.0}
            with_it = judge({**inputs, "conditions": asked}, training=False)[0]
            if apart:
                without = judge({**inputs, "conditions": nothing}, training=False)[0]
                found += [without, with_it - without]
            else:
                found.append(with_it)
        if known:
            found += [odds[0] for odds in classifier.log_odds(pictures, ids).values()]
        return tf.stack(found)

    return names, scores


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """What becomes of a picture if one of its attributes, or a word of its text, is left out.

    Args:
        attribute: Its name; `"text"` of a word.
        value: What was asked for.
        instead: What was drawn in its place: "not given", or other values if it is the only attribute.
        picture: The first of the pictures without it, uint8 `[H, W, C]`.
        moved: Root of the mean square difference to the picture with it, in levels of 0 to 255.
        recognised: Probability that the classifier gives the value with it; `None` without a classifier.
        left: The same without it.
    """

    attribute: str
    value: str
    instead: str
    picture: np.ndarray
    moved: float
    recognised: float | None
    left: float | None


def leave_one_out(editor: Editor, drawing: Drawing, classifier: CatalogueClassifier | None = None) -> list[LeftOut]:
    """Draw a picture again without each of its attributes, and of the words of its text, in turn, from the same seed.

    A model of a single attribute has not learnt to draw without it: it draws its most frequent other values.

    Args:
        editor: Draws by the model.
        drawing: What the picture was drawn from.
        classifier: Says what it recognises.

    Returns:
        The attribute that moves the picture most first.
    """
    conditions, schema = drawing.request.conditions, editor.model.schema
    [picture] = editor.draw([drawing])
    found = []
    for name, value in _one_by_one(conditions, schema.text_name):
        held = {key: given for key, given in conditions.items() if key != name}
        if name == schema.text_name:
            instead, others = "not given", [_without(conditions, value, schema)]
        elif len(schema.can_be_asked) > 1:
            instead, others = "not given", [held]
        else:
            values = [other for other, _ in editor.others(name, value) if other is not None]
            instead, others = ", ".join(values), [{**held, name: other} for other in values]
        if not others:
            continue
        request = drawing.request
        drawn = editor.draw(
            [dataclasses.replace(drawing, request=dataclasses.replace(request, conditions=other)) for other in others]
        )
        moved = float(np.mean(np.sqrt(np.mean(np.square(drawn.astype(float) - picture), axis=(1, 2, 3)))))
        known = classifier is not None and name != schema.text_name
        shown = _shown(classifier, name, value, [picture, *drawn]) if known else None
        own, left = (None, None) if shown is None else (float(shown[0]), float(np.mean(shown[1:])))
        found.append(LeftOut(name, named(value), instead, drawn[0], moved, own, left))
    return sorted(found, key=lambda each: -each.moved)


def _one_by_one(conditions: Conditions, text: str):
    """Attributes with their values, and each word of a text."""
    for name, value in conditions.items():
        yield from ((name, word) for word in dict.fromkeys(value.split())) if name == text else [(name, value)]


def _without(conditions, word, schema):
    """Conditions whose text lacks a word; without the text, if nothing else in it says anything."""
    left = " ".join(each for each in conditions[schema.text_name].split() if each != word)
    try:
        schema.encode({schema.text_name: left})
    except ConditionError:
        left = ""
    return {**conditions, schema.text_name: left}


def _shown(classifier, name, value, pictures: Sequence[np.ndarray]):
    """Probability of a value (the mean of several) in each picture."""
    place = classifier.schema.names.index(name)
    ids = [i for i in classifier.schema.attributes[place].encode(value) if i]
    return classifier.predict(np.stack(pictures))[place][:, np.array(ids) - 1].mean(axis=1)
