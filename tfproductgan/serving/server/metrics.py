"""What the server counts, under the names TensorFlow Serving gives it, for Prometheus."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

PATH = "/monitoring/prometheus/metrics"
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

_PREFIX = ":tensorflow:serving:"
_MICROSECONDS = 1e6
_LATENCIES = [10 * 1.8**i for i in range(33)]
_QUEUING = [100 * 1.2**i for i in range(52)]
_ROWS = [0, *(2**i for i in range(11))]


class Metrics:
    """All metrics of one server. Any thread may add to them."""

    def __init__(self):
        prometheus_client.disable_created_metrics()  # TensorFlow Serving has none
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            f"{_PREFIX}request_count", "Requests.", ("model_name", "status"), registry=self._registry
        )
        self._request_latency = self._histogram(
            "request_latency", "Microseconds of a request.", _LATENCIES, "model_name", "API", "entrypoint"
        )
        self._runtime_latency = self._histogram(
            "runtime_latency", "Microseconds of a batch in TensorFlow.", _LATENCIES, "model_name", "API", "runtime"
        )
        self._queuing = self._histogram(
            "batching_session:queuing_latency", "Microseconds that rows waited.", _QUEUING, "thread_pool_name"
        )
        self._input_rows = self._histogram("batching_session:input_batch_size", "Rows that came together.", _ROWS)
        self._rows = self._histogram(
            "batching_session:processed_batch_size", "Rows of a batch, padding included.", _ROWS
        )
        # looking labels up takes the library longer than counting
        self._labelled = functools.cache(lambda metric, *labels: metric.labels(*labels))
        self._padding = self._histogram("batching_session:padding_size", "Rows a batch was padded with.", _ROWS)

    def request(self, model_name: str, entrypoint: str, status: str, seconds: float) -> None:
        """Count a request for a prediction that has ended.

        Args:
            model_name: A model that exists, or an empty string: names that clients invent would fill the memory.
            entrypoint: `"REST"` or `"GRPC"`.
            status: A status code of gRPC.
            seconds: How long it took.
        """
        self._labelled(self._requests, model_name, status).inc()
        self._labelled(self._request_latency, model_name, "predict", entrypoint).observe(seconds * _MICROSECONDS)

    def batch_starts(self, waited: Iterable[tuple[float, int]]) -> None:
        """Count the (seconds in the queue, rows) of what a batch is made of."""
        queuing = self._labelled(self._queuing, "batch")
        for seconds, rows in waited:
            queuing.observe(seconds * _MICROSECONDS)
            self._input_rows.observe(rows)

    def batch_ran(self, model_name: str, rows: int, padding: int, seconds: float) -> None:
        """Count a batch that went through TensorFlow; `rows` includes the padding."""
        self._rows.observe(rows)
        self._padding.observe(padding)
        self._labelled(self._runtime_latency, model_name, "predict", "TF").observe(seconds * _MICROSECONDS)

    def exposition(self) -> bytes:
        """All values in Prometheus' text format."""
        text = prometheus_client.generate_latest(self._registry)
        # the library ends the names of all counters so, TensorFlow Serving does not
        return text.replace(f"{_PREFIX}request_count_total".encode(), f"{_PREFIX}request_count".encode())

    def _histogram(self, name, documentation, buckets, *labels):
        return Histogram(f"{_PREFIX}{name}", documentation, labels, registry=self._registry, buckets=buckets)
