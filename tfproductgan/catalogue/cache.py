"""Prepared photos kept on disk, so that the second start is instant."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.errors import CatalogueError, RunError
from tfproductgan.writing import expanded, replace_file, write_json

_log = logging.getLogger(__name__)

_STALE_SECONDS = 24 * 3600


def default_folder() -> Path | None:
    """`$TFPRODUCTGAN_CACHE`, or `~/.cache/tfproductgan`; `None`, and it is said, if there is no such home folder."""
    named = os.environ.get("TFPRODUCTGAN_CACHE") or "~/.cache/tfproductgan"
    try:
        return expanded(named)
    except CatalogueError:
        say_not_kept(named, "there is no home folder")
        return None


@functools.cache
def say_not_kept(folder: str | Path, reason: str) -> None:
    """Warn, once, that work goes on without a cache."""
    _log.warning(
        "Nothing is kept for the next time: %r cannot be written (%s). TFPRODUCTGAN_CACHE names another folder.",
        str(folder),
        reason,
    )


class PhotoCache:
    """A folder of entries of one kind, each some arrays and a JSON object under one key; any of them may be deleted."""

    def __init__(self, folder: str | Path, kind: str = "photos"):
        self.folder = expanded(folder) / kind

    def path(self, key: str) -> Path:
        """The folder of an entry, whether it exists or not."""
        return self.folder / key

    def read(self, key: str) -> dict[str, Any] | None:
        """The JSON object of an entry, or `None` if there is no such entry or it is damaged."""
        try:
            return json.loads((self.path(key) / "about.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def array(self, key: str, name: str, mapped: bool = False) -> np.ndarray | None:
        """An array of an entry, read or mapped into memory, or `None` if it is not there or damaged."""
        try:
            return np.load(self.path(key) / f"{name}.npy", mmap_mode="r" if mapped else None)
        except (OSError, ValueError, EOFError):
            return None

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """A folder to write an entry's arrays into; the entry appears whole, or if an error is raised not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_stale()
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".writing-", ignore_cleanup_errors=True) as made:
            whole = Path(made) / "entry"
            whole.mkdir()
            yield whole
            if self.path(key).exists():  # damaged, or another process was faster
                shutil.rmtree(self.path(key), ignore_errors=True)
            with contextlib.suppress(OSError):
                whole.replace(self.path(key))

    def add(self, key: str, name: str, array: np.ndarray) -> None:
        """Add one array to an entry; a cache that cannot be written stays as it is."""
        try:
            replace_file(self.path(key) / f"{name}.npy", lambda part: np.save(part, array))
        except RunError as error:
            _log.info("Could not add %s to the cache %s: %s", name, self.path(key), error)

    def change(self, key: str, about: Mapping[str, Any]) -> None:
        """Replace the JSON object of an entry; a cache that cannot be written stays as it is."""
        with contextlib.suppress(RunError):
            write_json(self.path(key) / "about.json", about)

    def _remove_stale(self) -> None:
        """Remove what processes that were killed had begun to write."""
        for left in self.folder.glob(".writing-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write the JSON object of an entry, last of all its files."""
    (folder / "about.json").write_text(json.dumps(about), "utf-8")
