"""Asking a served model by name: the client, and the small server for where TensorFlow Serving is not."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfproductgan.serving.client import Client

# imported when first used: protobuf and gRPC are not needed to ask for help, nor by who asks over REST
_HOMES = {"Client": "tfproductgan.serving.client"}
__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tfproductgan.serving' has no attribute {name!r}")
