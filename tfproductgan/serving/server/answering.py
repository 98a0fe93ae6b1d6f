"""What REST and gRPC have in common: a request for a prediction finds its model, goes into a batch, is counted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

from tfproductgan.serving.server.batching import Batcher
from tfproductgan.serving.server.metrics import Metrics
from tfproductgan.serving.server.statuses import RequestError
from tfproductgan.serving.server.versions import Models

# a request body or message may be as large as this
MAX_BODY_BYTES = 16 * 2**20


class Answering:
    """What both interfaces share."""

    def __init__(self, models: Models, batcher: Batcher, metrics: Metrics):
        self.models = models
        self.batcher = batcher
        self.metrics = metrics
        self.stopping = False

    @contextlib.contextmanager
    def counted(self, model_name: str, entrypoint: str) -> Iterator[None]:
        """Count what happens inside as one request.

        Raises:
            RequestError: Of the block, or that the server takes no new requests.
        """
        began, code = time.perf_counter(), "INTERNAL"
        try:
            if self.stopping:
                raise RequestError("UNAVAILABLE", "The server is stopping: ask another, or again.", retry_after=5)
            yield
            code = "OK"
        except RequestError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        finally:
            known = model_name if self.models.knows(model_name) else ""
            self.metrics.request(known, entrypoint, code, time.perf_counter() - began)
