"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tfproductgan.errors import RunError


def replace_file(path: str | os.PathLike, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a file beside `path`, then move it there: nobody ever reads half of it.

    Args:
        path: The file to be written; missing folders above it are made.
        write: Called with the path of the temporary file, which has the suffix of `path`.

    Returns:
        The path.

    Raises:
        RunError: If the file cannot be written; one that was there before is kept.
    """
    path = Path(path)
    # cut, since file systems take 255 bytes a name
    part = path.with_name(f".{path.stem[:40]}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"Cannot write {str(path)!r}: {error.strerror or error}") from error
    return path
