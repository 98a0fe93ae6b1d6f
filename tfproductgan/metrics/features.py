"""Features of many pictures, from one pass: kept on disk under what they are of, read in blocks.

Memory does not grow with the number of pictures: batches go through the network into a file, and what reads the file
maps it. An entry is found again by the content of the pictures and by the network, never by a path; a pass that is
interrupted leaves no entry.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tfproductgan.catalogue.cache import PhotoCache, default_folder, write_about
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.feature_extractor import FeatureExtractor

_log = logging.getLogger(__name__)

_VERSION = 1
_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Features:
    """What a network says about pictures.

    Args:
        features: float32 `[N, dim]`, a memory map.
        probabilities: float32 `[N, K]`, a memory map, or `None` if the network does not classify.
    """

    features: np.ndarray
    probabilities: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)


class FeatureCache:
    """Features on disk.

    Args:
        folder: Of the cache; by default `$TFPRODUCTGAN_CACHE` or `~/.cache/tfproductgan`.
    """

    def __init__(self, folder: str | Path | None = None):
        self._entries = PhotoCache(folder or default_folder(), "features")

    def of_split(self, extractor: FeatureExtractor, catalogue: Catalogue, split: str) -> Features:
        """Features of the photos of a split, in their own order."""
        content = f"catalogue {catalogue.fingerprint} {split}"
        batches = lambda: catalogue.image_batches(split, _BATCH)  # noqa: E731 - begun only if it is needed
        return self.of_batches(extractor, content, catalogue.size(split), batches)

    def of_images(self, extractor: FeatureExtractor, images: np.ndarray) -> Features:
        """Features of pictures, uint8 `[N, H, W, C]`: an array or a memory map."""
        digest = hashlib.sha256(repr(images.shape).encode())
        for batch in _batches(images):
            digest.update(np.ascontiguousarray(batch))
        content = f"images {digest.hexdigest()}"
        return self.of_batches(extractor, content, len(images), lambda: _batches(images))

    def of_batches(
        self, extractor: FeatureExtractor, content: str, count: int, batches: Callable[[], Iterable[np.ndarray]]
    ) -> Features:
        """Features of pictures that come in batches, such as those that a model draws.

        Args:
            extractor: The network.
            content: Names the pictures: the same words must mean the same pixels, such as the model's id with
                everything that it was asked.
            count: Number of pictures.
            batches: Gives uint8 batches `[n, H, W, C]`; called only if there is no entry.

        Raises:
            JudgementError: If there are not `count` pictures, or their features are not finite.
        """
        key = feature_key(extractor, content)
        found = self._read(key, count)
        if found is not None:
            return found
        try:
            with self._entries.writing(key) as folder:
                _write(folder, extractor, count, batches())
            found = self._read(key, count)
        except OSError as error:
            _log.info("no room for features in %s: %s", self._entries.folder, error)
        return found or _temporary(extractor, count, batches())

    def _read(self, key, count):
        about = self._entries.read(key)
        features = self._entries.array(key, "features", mapped=True)
        if about is None or features is None or len(features) != count:
            return None
        probabilities = None
        if about["probabilities"]:
            probabilities = self._entries.array(key, "probabilities", mapped=True)
            if probabilities is None or len(probabilities) != count:
                return None
        return Features(features, probabilities)


def feature_key(extractor: FeatureExtractor, content: str) -> str:
    """The name of an entry: a hash of the pictures, the network and what is done to the pictures first."""
    decisive = [_VERSION, content, extractor.name, extractor.sha256, extractor.preprocessing]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:32]


def stream_features(
    extractor: FeatureExtractor, batches: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Features `[n, dim]` and probabilities `[n, K]` or `None` of each batch of uint8 pictures `[n, H, W, C]`."""
    for batch in batches:
        yield extractor.outputs(batch, batch_size=_BATCH)


def _batches(images):
    for start in range(0, len(images), _BATCH):
        yield images[start : start + _BATCH]


def _write(folder, extractor, count, batches):
    """Let features flow into the files of an entry."""
    files = {"features": _file(folder, "features", count, extractor.dim)}
    if extractor.num_classes:
        files["probabilities"] = _file(folder, "probabilities", count, extractor.num_classes)
    done = 0
    for outputs in stream_features(extractor, batches):
        first, done = done, done + len(outputs[0])
        if done > count:
            break
        for file, rows in zip(files.values(), outputs, strict=False):
            file[first:done] = rows
    if done != count:
        raise JudgementError(f"{count} pictures were to be judged. Received: {'fewer' if done < count else 'more'}.")
    for file in files.values():
        file.flush()
    write_about(folder, {"extractor": extractor.id, "count": count, "probabilities": "probabilities" in files})


def _file(folder, name, count, width):
    return np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (count, width))


def _temporary(extractor, count, batches):
    """Features in a folder that goes when they do, for a cache that cannot be written."""
    folder = Path(tempfile.mkdtemp(prefix="tfproductgan-features-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, True)
        _write(folder, extractor, count, batches)
        read = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]
        undo.pop_all()
    found = Features(*read)  # features come before probabilities
    weakref.finalize(found, shutil.rmtree, folder, True)
    return found
