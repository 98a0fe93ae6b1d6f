"""What people give to `fit`, `evaluate` and `predict`: checked against the schema, by name, and made batches of."""

from __future__ import annotations

import contextlib
import itertools
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfproductgan.catalogue.streaming import ids_of, photo_stream, untuned
from tfproductgan.conditions import ConditionSchema, InputSpec
from tfproductgan.errors import RecipeError

_OUT_OF_RANGE = "conditions out of range"  # what the error of a graph is known by
_UNKNOWN_OPTIONS = {
    "y": "labels are 'conditions' of x",
    "validation_split": "give validation_data=, such as catalogue.stream('validation', batch_size=..., repeat=False)",
    "class_weight": "rare labels are lifted by catalogue.stream(balance=...)",
    "sample_weight": "rare labels are lifted by catalogue.stream(balance=...)",
}


def refuse_options(verb: str, **options: Any) -> None:
    """Refuse what `keras.Model` takes beside batches and these models have no use for.

    Raises:
        RecipeError: If one is given; the message says what to do instead.
    """
    for name, advice in _UNKNOWN_OPTIONS.items():
        given = options.get(name)
        if given is not None and (name != "validation_split" or given):
            raise RecipeError(f"{verb} takes no {name}: {advice}.")


def input_specs(schema: ConditionSchema) -> dict[str, InputSpec]:
    """What a batch holds, by name: the images to learn and the schema's inputs."""
    images = InputSpec((schema.image_size, schema.image_size, schema.channels), "uint8")
    return {"images": images, **schema.inputs()}


def check_batch(batch: Any, schema: ConditionSchema) -> None:
    """Refuse a batch, or the specifications of one, of other names, types or shapes; values are not looked at.

    Raises:
        RecipeError: If it does not fit; the message names the field, what it must be, and the remedy.
    """
    wanted = input_specs(schema)
    if not isinstance(batch, Mapping) or not wanted.keys() <= batch.keys():
        raise RecipeError(
            f"A batch is {_expected(schema)}, as catalogue.stream() gives them. "
            f"Received: {_outline(batch)}{_remedy(batch)}"
        )
    for name, spec in wanted.items():
        given = batch[name]
        if not hasattr(given, "dtype"):
            raise RecipeError(f"{name} must be {_described(spec)}. Received: {type(given).__name__}")
        dtype, shape = tf.as_dtype(given.dtype), tf.TensorShape(given.shape)
        fits = dtype == spec.dtype or (name == "conditions" and dtype.is_integer)
        if fits and shape.is_compatible_with([None, *spec.shape]):
            continue
        advice = _advice(name, dtype, shape, spec, schema)
        raise RecipeError(
            f"{name} must be {_described(spec)}{advice and f': {advice}'}. Received: {dtype.name} {_sizes(shape)}"
        )


def check_ids(lowest: np.ndarray, highest: np.ndarray, schema: ConditionSchema) -> None:
    """Refuse condition ids that the schema does not have.

    Args:
        lowest: The lowest id of each column.
        highest: The highest.
        schema: The schema.

    Raises:
        RecipeError: If one is out of range; the message names the attribute.
    """
    for attribute, columns in zip(schema.attributes, schema.slices, strict=True):
        least, most = int(lowest[columns].min()), int(highest[columns].max())
        if least < 0 or most >= attribute.num_ids:
            raise RecipeError(
                f"conditions are ids of the schema: those of {attribute.name!r} go from 0 (not given) to "
                f"{attribute.num_ids - 1} ({attribute.values[-1]!r}); schema.encode makes them of names. "
                f"Received: {least if least < 0 else most}"
            )
    if schema.vocabulary is not None:
        pieces, last = schema.text_columns, schema.vocabulary.num_ids - 1
        least, most = int(lowest[pieces].min()), int(highest[pieces].max())
        if least < 0 or most > last:
            wrong = least if least < 0 else most
            raise RecipeError(f"conditions end with the pieces of a text, 0 to {last}. Received: {wrong}")


def batches_of(
    data: Any, schema: ConditionSchema, batch_size: int, seed: int = 0, start_step: int = 0, shuffled: bool = False
) -> tuple[Any, int | None]:
    """What `fit` and `evaluate` read, of whatever they are given.

    Args:
        data: A `tf.data.Dataset` or an iterator of batches, or a mapping of whole arrays. What is distributed already
            is left alone.
        schema: What it must fit.
        batch_size: Rows a batch, of arrays.
        seed: Decides the order of arrays that are shuffled.
        start_step: Number of the first batch of them.
        shuffled: Whether arrays are shuffled, each epoch anew and without end; otherwise they are one pass.

    Returns:
        A dataset of batches of a fixed size, and how many of them are an epoch, if it has no end of its own.

    Raises:
        RecipeError: If it does not fit.
    """
    steps = None
    if isinstance(data, Mapping):
        data, steps = _stream_of_arrays(data, schema, batch_size, seed, start_step, shuffled)
    if isinstance(data, Iterator):
        data = _stream_of_iterator(data, schema)
    if not isinstance(data, tf.data.Dataset):
        if "Distributed" in type(data).__name__:
            return data, None
        raise RecipeError(
            "Batches come from a tf.data.Dataset, an iterator or a mapping of whole arrays, each with "
            f"{_expected(schema)}, as catalogue.stream() gives them. Received: {_outline(data)}{_remedy(data)}"
        )
    check_batch(data.element_spec, schema)
    known = ids_of(data)
    if known is not None:  # all of them, so that there is nothing to check while training
        check_ids(*known, schema)
        return data, steps
    wanted = input_specs(schema)
    size = data.element_spec["images"].shape[0]
    fixed = all(data.element_spec[name].shape.is_fully_defined() for name in wanted)
    if not fixed:
        first = next(iter(data.take(1)), None)
        if first is None:
            raise RecipeError("There is no batch to learn from: the dataset is empty.")
        check_batch(first, schema)
        size = size or first["images"].shape[0]

    def checked(batch):
        rows = {name: tf.ensure_shape(batch[name], [None, *spec.shape]) for name, spec in wanted.items()}
        rows["conditions"] = tf.cast(rows["conditions"], tf.int32)
        _assert_in_range(rows["conditions"], schema)
        return rows

    data = data.map(checked)
    # the last batch of a pass over the data need not be full: what a step draws goes by the size of its batch
    return untuned((data if fixed else data.rebatch(size, drop_remainder=True)).prefetch(1)), None


@contextlib.contextmanager
def reading(schema: ConditionSchema, steps: int | None = None) -> Iterator[None]:
    """What reads a stream of `batches_of` goes in here: of ids out of range the error then names the attribute.

    Args:
        schema: As of `batches_of`.
        steps: How many batches are to be read; `None` for all: that they end is no mistake then.
    """
    try:
        with warnings.catch_warnings():
            if steps is None:
                warnings.filterwarnings("ignore", "Your input ran out of data")
            yield
    except tf.errors.InvalidArgumentError as error:
        if _OUT_OF_RANGE not in str(error):
            raise
        rows = re.findall(r"\[(-?\d+(?: -?\d+)*)\]", str(error).partition(_OUT_OF_RANGE)[2])
        ids = np.array([row.split() for row in rows], np.int64)
        named: Exception = error
        try:
            check_ids(ids.min(axis=0), ids.max(axis=0), schema)
        except RecipeError as said:
            named = said
        raise named from None


class TakesInputs:
    """Mixin of Keras models, before their base: photos and names are refused where they are no inputs."""

    asks: str

    def predict(self, x, *args, **kwargs):
        """`keras.Model.predict` of what `call` takes: photos and names are for `generate` or `translate`."""
        check_inputs(x, self.asks, "predict")
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x):
        """`keras.Model.predict_on_batch`, as `predict`."""
        check_inputs(x, self.asks, "predict_on_batch")
        return super().predict_on_batch(x)

    def __call__(self, inputs, *args, **kwargs):
        """`keras.Model.__call__`, as `predict`."""
        check_inputs(inputs, self.asks, "A call of the model")
        return super().__call__(inputs, *args, **kwargs)


def check_inputs(data: Any, asks: str, verb: str) -> None:
    """Refuse photos and names where the network itself is asked.

    Raises:
        RecipeError: If the data is not what the network takes; the message says how to ask by name.
    """
    spec = data.element_spec if isinstance(data, tf.data.Dataset) else data
    # what a sampler's network takes are latents; pictures of a translator's go from -1 to 1
    name = "latents" if asks == "sampler" else "source"
    named = {name} if asks == "upscaler" else {name, "conditions"}
    if isinstance(spec, Mapping) and named <= spec.keys():
        dtype = getattr(spec[name], "dtype", np.float32)
        if name == "latents" or tf.as_dtype(dtype).is_floating:
            return
    right = {
        "sampler": "generate({'colour': 'Red'}, count=16) draws pictures by name, "
        "generate([schema.decode(row) for row in ids]) those of condition ids",
        "upscaler": "upscale(pictures) makes larger ones",
        "translator": "translate(pictures, conditions) makes pictures of pictures, translate_squares(sources, ids) of "
        "those of a catalogue",
    }
    raise RecipeError(f"{verb} is for what the network itself takes: {right[asks]}. Received: {_outline(spec)}")


# === Arrays and iterators ===


def _stream_of_arrays(data, schema, batch_size, seed, start_step, shuffled):
    # as in batches, whole numbers of any type are ids
    arrays = {name: np.asarray(value) for name, value in data.items()}
    check_batch(arrays, schema)
    wanted = input_specs(schema)
    counts = {name: len(arrays[name]) for name in wanted}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        raise RecipeError(f"Each row needs one of each. Received: {listed}")
    count, ids = counts["images"], arrays["conditions"]
    if count < batch_size:
        raise RecipeError(f"batch_size={batch_size} is more than the {count} rows: lower batch_size, or add rows.")
    stream = photo_stream(
        arrays["images"],
        ids.astype(np.int32),
        np.arange(count),
        batch_size,
        seed,
        start_step if shuffled else 0,
        repeat=shuffled,
        sources=arrays.get("source") if "source" in wanted else None,
    )
    return stream, count // batch_size if shuffled else None


def _stream_of_iterator(data, schema):
    first = next(data, None)
    if first is None:
        raise RecipeError("There is no batch to learn from: the iterator is empty.")
    wanted = input_specs(schema)
    if isinstance(first, Mapping) and wanted.keys() <= first.keys():
        first = {name: np.asarray(first[name]) for name in wanted}
    check_batch(first, schema)
    signature = {name: tf.TensorSpec([None, *spec.shape], first[name].dtype) for name, spec in wanted.items()}
    rest = itertools.chain([first], data)
    return tf.data.Dataset.from_generator(
        lambda: ({name: batch[name] for name in wanted} for batch in rest), output_signature=signature
    ).rebatch(len(first["images"]), drop_remainder=True)


def _assert_in_range(ids, schema):
    """Stop at ids that are not the schema's: an assertion of the input, so that the step itself stays as it is."""
    most = np.zeros(ids.shape[-1], np.int32)
    for attribute, columns in zip(schema.attributes, schema.slices, strict=True):
        most[columns] = attribute.num_ids - 1
    if schema.vocabulary is not None:
        most[schema.text_columns] = schema.vocabulary.num_ids - 1
    fits = tf.reduce_all((ids >= 0) & (ids <= most))
    # not tf.debugging.Assert, whose branch costs more than all else here
    tf.raw_ops.Assert(condition=fits, data=[tf.constant(_OUT_OF_RANGE), ids], summarize=2**31 - 1)


# === Words ===


def _advice(name, dtype, shape, spec, schema):
    """What makes a field fit, in words; empty if there is nothing to say."""
    sizes = shape.as_list() if shape.rank is not None else None
    if sizes is not None and sizes == list(spec.shape) and sizes:
        return "make batches, with .batch(16, drop_remainder=True)"
    if name == "conditions":
        if dtype == tf.string:
            return "names become ids with schema.encode_all"
        if not dtype.is_integer:
            return "whole numbers, 0 for not given"
        columns = [
            a.name for a, at in zip(schema.attributes, schema.slices, strict=True) for _ in range(at.start, at.stop)
        ]
        columns += ["text"] * (schema.num_columns - schema.text_columns.start > 0)
        return f"the columns are {', '.join(columns)}" if columns else "no column: the schema has no attributes"
    if dtype != tf.uint8:
        return "pixels from 0 to 255; of values from 0 to 1 make tf.cast(tf.round(images * 255), tf.uint8)"
    if sizes is not None and sizes[1:] == [spec.shape[2], *spec.shape[:2]]:
        return "channels come last, as tf.transpose(images, [0, 2, 3, 1]) puts them"
    if sizes is not None and sizes[1:] == list(spec.shape[:2]):
        return f"with an axis of channels, as {name}[..., tf.newaxis] has"
    return "of this size, as Catalogue.from_arrays(images, labels, schema=schema) makes them"


def _remedy(batch):
    if isinstance(batch, tuple) and len(batch) > 1 and all(part is None for part in batch[1:]):
        return ". train_on_batch and test_on_batch are fit and evaluate of one batch"
    if isinstance(batch, tuple | list) and len(batch) > 1:
        return ". Of pairs make .map(lambda images, conditions: {'images': images, 'conditions': conditions})"
    return ""


def _expected(schema: ConditionSchema) -> str:
    return f"{{{', '.join(f'{name!r}: {_described(spec)}' for name, spec in input_specs(schema).items())}}}"


def _described(spec: InputSpec) -> str:
    return f"{spec.dtype} [{', '.join(map(str, ('B', *spec.shape)))}]"


def _sizes(shape) -> str:
    return (
        "of any shape"
        if shape.rank is None
        else str(["?" if size is None else size for size in shape]).replace("'", "")
    )


def _outline(data) -> str:
    if isinstance(data, Mapping):
        return f"{{{', '.join(map(repr, data))}}}"
    return (
        f"({', '.join(map(_outline, data))})"
        if isinstance(data, tuple | list) and len(data) < 5
        else type(data).__name__
    )
