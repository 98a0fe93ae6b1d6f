"""The stream of batches: which photos a batch has is a function of the seed and the step, and of nothing else."""

from __future__ import annotations

import atexit
import functools
import threading
import time
import weakref
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfproductgan.catalogue.records import RecordPixels
from tfproductgan.conditions import NOT_GIVEN

_PREFETCHED_BATCHES = 4

# at exit: how long no batch must have been asked for, and how long that is waited for at most
_QUIET_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0


class _Calls:
    """Which of TensorFlow's threads are in Python: one that enters while the interpreter ends hangs or aborts it.

    They enter to fill the prefetched batches. Once these are full no thread comes any more.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._running = 0
        self._last = 0.0

    def __enter__(self):
        with self._lock:
            self._running += 1

    def __exit__(self, *exception):
        with self._lock:
            self._running -= 1
            self._last = time.monotonic()

    def wait_until_quiet(self):
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end and (self._running or time.monotonic() - self._last < _QUIET_SECONDS):
            time.sleep(_QUIET_SECONDS / 10)


_calls = _Calls()
atexit.register(_calls.wait_until_quiet)


def photo_stream(
    pixels: np.ndarray | RecordPixels,
    conditions: np.ndarray,
    indices: np.ndarray,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    weights: np.ndarray | None = None,
    repeat: bool = True,
    part: tuple[int, int] = (0, 1),
    sources: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches of some of the photos: what `Catalogue.stream` returns.

    `pixels`, uint8 `[N, S, S, C]`, are not copied; those of a prepared data set are read and decoded batch by batch.
    `sources`, uint8 `[N, S, S, Cs]`, are the pictures that go in, of pairs. `indices`, int64 `[M]`, say which photos to
    take, `weights`, float64 `[M]`, with which chances: by default each comes once an epoch.
    """
    count = len(indices)
    share = batch_size // part[1]
    rows = slice(part[0] * share, (part[0] + 1) * share)
    indices = np.ascontiguousarray(indices, np.int64)
    if not repeat:
        positions_of = _in_order(batch_size)
    elif weights is None:
        positions_of = _shuffled(count, batch_size, seed)
    else:
        positions_of = _weighted(weights, batch_size, seed)

    recorded = isinstance(pixels, RecordPixels)
    arrays = {"images": pixels, "conditions": conditions} | ({} if sources is None else {"source": sources})
    types = [tf.string if recorded else tf.uint8, tf.int32, tf.uint8][: len(arrays)]

    def gather(step):
        with _calls:
            chosen = indices[positions_of(int(step))[rows]]
            return [
                array.encoded(chosen) if array is pixels and recorded else array[chosen] for array in arrays.values()
            ]

    def batch(step):
        found = dict(zip(arrays, tf.numpy_function(gather, [step], types, stateful=False), strict=True))
        if recorded:
            found["images"] = _decoded(found["images"], pixels.shape[1:])
        for name, array in arrays.items():
            found[name].set_shape([share, *array.shape[1:]])
        return found

    end = np.iinfo(np.int64).max if repeat else count // batch_size
    steps = tf.data.Dataset.range(min(start_step, end), end)
    if repeat:
        # fit would otherwise take the largest integer for the length of an epoch
        steps = steps.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    # decoding gains from all cores; pixels are gathered faster than threads take turns
    batches = steps.map(batch, tf.data.AUTOTUNE, deterministic=True) if recorded else steps.map(batch)
    stream = untuned(batches.prefetch(_PREFETCHED_BATCHES))
    ids = conditions[indices]
    _ids[stream] = ids.min(axis=0), ids.max(axis=0)
    return stream


def with_sources(stream: tf.data.Dataset, sources: tf.data.Dataset) -> tf.data.Dataset:
    """The batches of one `photo_stream`, with the images of another one's as the pictures that go in."""
    zipped = tf.data.Dataset.zip(stream, sources)
    both = untuned(zipped.map(lambda rows, others: {**rows, "source": others["images"]}))
    _ids[both] = _ids[stream]
    return both


def untuned(stream: tf.data.Dataset) -> tf.data.Dataset:
    """The stream without automatic tuning, unless its options say otherwise.

    An iterator that somebody has left waits for the thread that tunes, with all of Python, up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return stream if stream.options().autotune.enabled else stream.with_options(options)


# of streams that are about
_ids: weakref.WeakKeyDictionary[tf.data.Dataset, tuple[np.ndarray, np.ndarray]] = weakref.WeakKeyDictionary()


def ids_of(stream: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """The lowest and the highest condition id of each column in all of a `photo_stream`; `None` of other datasets."""
    return _ids.get(stream)


def _decoded(encoded: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """PNG files to uint8 `[n, S, S, C]`."""
    decode = functools.partial(tf.io.decode_png, channels=shape[-1])
    return tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))


def balancing_weights(conditions: np.ndarray, balance: float, slices: Sequence[slice] | None = None) -> np.ndarray:
    """Chances that lift rare labels, float64 `[M]` summing to 1, of photos with these conditions, int32 `[M, A]`.

    `slices` are the columns of each attribute, as of the schema; by default one each.

    Each attribute alone would draw a photo by the count of its value to the power of `-balance`: 0 as the photos
    are, 0.5 by the square root, 1 every value alike. The chance of a photo is the mean of that over the
    attributes; the product over attributes would let a handful of photos with rare combinations fill the batches.
    A photo that lacks an attribute counts as its most common value, one with several values as their mean.
    """
    total = np.zeros(len(conditions))
    slices = [slice(i, i + 1) for i in range(conditions.shape[1])] if slices is None else slices
    for ids in (conditions[:, columns] for columns in slices):
        counts = np.bincount(ids.ravel()).astype(np.float64)
        common = counts[NOT_GIVEN + 1 :]
        counts[NOT_GIVEN] = common.max() if common.size else 1.0
        given = ids != NOT_GIVEN
        given[:, 0] |= ~given.any(axis=1)
        chances = (counts[ids] ** -balance * given).sum(axis=1) / given.sum(axis=1)
        total += chances / chances.sum()
    return total / len(slices)


def _in_order(batch_size):
    return lambda step: step * batch_size + np.arange(batch_size)


def _shuffled(count, batch_size, seed):
    # a batch reaches into two epochs at most
    @functools.lru_cache(maxsize=2)
    def order(epoch):
        return np.random.default_rng([epoch, seed]).permutation(count)

    def positions(step):
        epochs, places = np.divmod(step * batch_size + np.arange(batch_size), count)
        return np.concatenate([order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])

    return positions


def _weighted(weights, batch_size, seed):
    cumulative = np.cumsum(weights)
    cumulative /= cumulative[-1]

    def positions(step):
        return np.searchsorted(cumulative, np.random.default_rng([step, seed]).random(batch_size), side="right")

    return positions
