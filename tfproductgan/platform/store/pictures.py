"""The files of pictures: in a folder, or wherever fsspec has an address for."""

from __future__ import annotations

import contextlib
import secrets

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tfproductgan.errors import PlatformError, WriteError
from tfproductgan.writing import replace_file


class PictureStore:
    """Files that are written once and never changed.

    Each picture has one to itself: whoever deletes one takes nothing from another, however alike they are.

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
        """Write a file; returns its name."""
        name = secrets.token_hex(16)
        path = self._path(tenant, name)
        try:
            if self._is_local:
                replace_file(path, lambda part: part.write_bytes(data))
            else:  # such stores have no half files
                self._files.pipe_file(path, data)
        except (OSError, WriteError) as error:
            raise PlatformError(f"A picture cannot be written: {error}") from error
        return name

    def get(self, tenant: str, name: str) -> bytes | None:
        """The content of a file, or `None` if it is gone."""
        try:
            return self._files.cat_file(self._path(tenant, name))
        except FileNotFoundError:
            return None

    def delete(self, tenant: str, name: str) -> None:
        """Remove a file; it may be gone already."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(tenant, name))

    def _path(self, tenant: str, name: str) -> str:
        return f"{self._root}/{tenant}/{name[:2]}/{name}"
