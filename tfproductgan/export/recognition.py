"""What pictures show, to a classifier inside a SavedModel: whoever serves a generator can watch it by that."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfproductgan.errors import JudgementError
from tfproductgan.export.named_inputs import held_back, row_problems, zero_unless
from tfproductgan.export.served_model import ServedModel, Signature
from tfproductgan.export.served_translator import PICTURES, decoded, placed

RECOGNISE = "recognise"
"""Name of the signature."""


def add_recognition(served: ServedModel, classifier: keras.Model) -> None:
    """Let a served model answer what pictures show: files in, names of values out, string `[N, columns]`.

    Columns are those of `ConditionSchema.slices`: one an attribute, or as many as a picture has values of it, the
    likeliest first.

    Args:
        served: The model.
        classifier: Maps pictures, float32 0 to 255 `[N, S, S, C]`, to features and one logit a value for each
            attribute.

    Raises:
        JudgementError: If the classifier knows other attributes than the model.
    """
    attributes = served.schema.attributes
    known, wanted = [output.shape[-1] for output in classifier.outputs[1:]], [len(a.values) for a in attributes]
    if known != wanted or not wanted:
        raise JudgementError(
            f"The classifier knows {known} values, one number an attribute, and the model {wanted}: give the "
            "classifier of the photos that the model learnt from."
        )
    size, channels = classifier.input_shape[2:]
    values = [tf.constant(attribute.values) for attribute in attributes]

    def recognise(inputs):
        zero = zero_unless(row_problems(inputs))
        files = held_back(inputs[PICTURES], zero)
        spec = tf.TensorSpec([size, size, channels], tf.uint8)
        squares = tf.map_fn(lambda file: placed(decoded(file, channels), size)[0], files, fn_output_signature=spec)
        _, *logits = classifier(tf.cast(squares, tf.float32), training=False)
        best = [tf.math.top_k(each, a.several).indices for each, a in zip(logits, attributes, strict=True)]
        return tf.concat([tf.gather(names, places) for names, places in zip(values, best, strict=True)], axis=1)

    served.module.classifier = [weight.value for weight in classifier.weights]
    files = tf.TensorSpec([None], tf.string, PICTURES)
    served.signatures[RECOGNISE] = Signature("recognised", {PICTURES: files}, recognise)
