"""What Prometheus reads of a gateway."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one application, apart from those of others in the process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "platform_requests", "Requests answered", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "platform_request_seconds", "From request to answer", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self.pictures = Counter("platform_pictures", "Pictures drawn", ("model", "kind"), registry=self.registry)
        self.sign_ins = Counter("platform_sign_ins", "Attempts to sign in", ("outcome",), registry=self.registry)
        self.failed_rows = Counter(
            "platform_job_rows_failed", "Rows of jobs that failed for good", ("model",), registry=self.registry
        )
        self._waiting = Gauge("platform_job_rows_waiting", "Rows of jobs that wait to be drawn", registry=self.registry)
        self._engine = Gauge(
            "platform_engine_ready", "Whether every model of the engine answers", registry=self.registry
        )

    def exposition(self, waiting: Callable[[], int], ready: Callable[[], bool]) -> bytes:
        """All of it in the format of Prometheus; what is not counted on the way is asked now."""
        self._waiting.set(waiting())
        self._engine.set(ready())
        return generate_latest(self.registry)
