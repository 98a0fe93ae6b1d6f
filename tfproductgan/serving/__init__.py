"""Asking a served model by name: the client, and the small server for where TensorFlow Serving is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfproductgan.serving.client import Client

__all__ = ["Client"]


# imported when first used: protobuf and gRPC are not needed to ask for help, nor by who asks over REST
def __getattr__(name: str) -> Any:
    if name == "Client":
        from tfproductgan.serving.client import Client

        return Client
    raise AttributeError(f"module 'tfproductgan.serving' has no attribute {name!r}")
