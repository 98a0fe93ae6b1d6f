"""Features of many pictures, from one pass: kept on disk under what they are of, read in blocks.

Memory does not grow with the number of pictures: batches go through the network into a file, and what reads the file
maps it. An entry is found again by the content of the pictures and by the network, never by a path; a pass that is
interrupted leaves no entry.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tfproductgan.catalogue.cache import PhotoCache, default_folder, say_not_kept, write_about
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.feature_extractor import FeatureExtractor

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
        folder = folder or default_folder()
        self._entries = None if folder is None else PhotoCache(folder, "features")

    def of_split(self, extractor: FeatureExtractor, catalogue: Catalogue, split: str) -> Features:
        """Features of the photos of a split, in their own order."""
        content = f"catalogue {catalogue.fingerprint} {split}"
        batches = lambda: catalogue.image_batches(split, _BATCH)  # noqa: E731 - begun only if it is needed
        return self.of_batches(extractor, content, catalogue.size(split), batches)

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
        # the pictures, the network and what is done to the pictures first
        decisive = [_VERSION, content, extractor.name, extractor.sha256, extractor.preprocessing]
        key = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:32]
        if self._entries is None:
            return _temporary(extractor, count, batches())
        found = self._read(key, count)
        if found is not None:
            return found
        try:
            with self._entries.writing(key) as folder:
                _write(folder, extractor, count, batches())
            found = self._read(key, count)
        except OSError as error:
            say_not_kept(self._entries.folder.parent, error.strerror or str(error))
        return found or _temporary(extractor, count, batches())

    def _read(self, key: str, count: int) -> Features | None:
        about = self._entries.read(key)
        names = ("features", "probabilities") if about and about["probabilities"] else ("features",)
        arrays = [self._entries.array(key, name, mapped=True) for name in names]
        whole = about is not None and all(array is not None and len(array) == count for array in arrays)
        return Features(*arrays) if whole else None


def _write(folder, extractor, count, batches):
    """Let features flow into the files of an entry."""
    widths = {"features": extractor.dim, "probabilities": extractor.num_classes}
    files = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (count, width))
        for name, width in widths.items()
        if width
    ]
    done = 0
    for batch in batches:
        first, done = done, done + len(batch)
        if done > count:
            break
        for file, rows in zip(files, extractor.outputs(batch, batch_size=_BATCH), strict=False):
            file[first:done] = rows
    if done != count:
        raise JudgementError(f"{count} pictures were to be judged. Received: {'fewer' if done < count else 'more'}.")
    for file in files:
        file.flush()
    write_about(folder, {"extractor": extractor.id, "count": count, "probabilities": len(files) > 1})


def _temporary(extractor, count, batches):
    """Features for a cache that cannot be written: what is mapped stays when its file has no name any more."""
    with tempfile.TemporaryDirectory(prefix="tfproductgan-features-", ignore_cleanup_errors=True) as folder:
        _write(Path(folder), extractor, count, batches)
        # features come before probabilities
        return Features(*(np.load(path, mmap_mode="r") for path in sorted(Path(folder).glob("*.npy"))))
