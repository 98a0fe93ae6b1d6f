"""The files of pictures, by the hash of their content: a folder, or whatever fsspec has an address for."""

from __future__ import annotations

import contextlib
import hashlib

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tfproductgan.errors import PlatformError, WriteError
from tfproductgan.writing import replace_file


class PictureStore:
    """Files that are written once, never changed, and found by their content.

    Args:
        address: A folder, or an address such as `s3://bucket/path`.

    Raises:
        PlatformError: If there is nothing that reads such an address.
    """

    def __init__(self, address: str):
        try:
            self._files, self._root = fsspec.core.url_to_fs(address)
            self._is_local = isinstance(self._files, LocalFileSystem)
        except (ImportError, ValueError) as error:
            raise PlatformError(f"Pictures cannot be kept at {address!r}: {error}") from error

    def put(self, tenant: str, data: bytes) -> str:
        """Write a file unless it is there; returns its name."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(tenant, digest)
        try:
            if not self._files.exists(path):
                if self._is_local:
                    replace_file(path, lambda part: part.write_bytes(data))
                else:  # such stores have no half files
                    self._files.pipe_file(path, data)
        except (OSError, WriteError) as error:
            raise PlatformError(f"A picture cannot be written: {error}") from error
        return digest

    def get(self, tenant: str, digest: str) -> bytes | None:
        """The content of a file, or `None` if it is gone."""
        try:
            return self._files.cat_file(self._path(tenant, digest))
        except FileNotFoundError:
            return None

    def delete(self, tenant: str, digest: str) -> None:
        """Remove a file; it may be gone already."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(tenant, digest))

    def _path(self, tenant: str, digest: str) -> str:
        return f"{self._root}/{tenant}/{digest[:2]}/{digest}"
