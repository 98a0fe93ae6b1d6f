"""What Prometheus reads of a gateway."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tfproductgan.platform.looks import Look
from tfproductgan.platform.recognition import Recognised

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOKS = {
    "pictures": "Pictures that were looked at",
    "brightness": "Mean brightness, 0 to 1",
    "brightness_deviation": "Standard deviation of brightness",
    "saturation": "Mean saturation, 0 to 1",
    "saturation_deviation": "Standard deviation of saturation",
    "duplicates": "Share of pictures that look like another one",
}
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
        self.store_errors = Counter(
            "platform_store_errors", "Requests that the store did not answer", registry=self.registry
        )
        self.audit_wrong = Gauge(
            "platform_audit_wrong", "Entries of the audit log that are not as written", registry=self.registry
        )
        self._waiting = Gauge("platform_job_rows_waiting", "Rows of jobs that wait to be drawn", registry=self.registry)
        self._engine = Gauge(
            "platform_engine_ready", "Whether every model of the engine answers", registry=self.registry
        )

        self._models = Gauge(
            "platform_model", "1 for the model that draws", ("model", "model_id"), registry=self.registry
        )
        # `kind` is what they do now, or did when the model was new here
        labels = ("model", "kind")
        self._looks = {
            field: Gauge(f"platform_output_{field}", words, labels, registry=self.registry)
            for field, words in _LOOKS.items()
        }
        # `kind` is what they show now, or did when the model was judged, as its `card` says
        self._recognised = Gauge(
            "platform_output_recognised",
            "Share of what was asked for that is recognised",
            ("model", "attribute", "kind"),
            registry=self.registry,
        )
        self._values = Gauge(
            "platform_output_values", "Values that were looked for", ("model", "attribute"), registry=self.registry
        )

    def exposition(
        self,
        waiting: int,
        ready: bool,
        models: Mapping[str, str],
        now: Mapping[tuple[str, str], Look],
        references: Mapping[tuple[str, str], Look],
        recognised: Mapping[tuple[str, str], Mapping[str, Recognised]],
    ) -> bytes:
        """All of it in the format of Prometheus.

        Args:
            waiting: Rows of jobs that wait.
            ready: Whether the engine answers for every model.
            models: Id of each model, by name.
            now: How the last pictures look, by name and id of the model.
            references: How models drew when they were new here, likewise.
            recognised: How often what was asked for is recognised, likewise, by attribute.
        """
        self._waiting.set(waiting)
        self._engine.set(ready)
        self._models.clear()
        for name, model_id in models.items():
            self._models.labels(name, model_id).set(1)
        for gauge in self._looks.values():
            gauge.clear()
        for (name, model_id), look in now.items():
            self._look(name, "now", look)
            if (name, model_id) in references:
                self._look(name, "reference", references[name, model_id])
        for gauge in (self._recognised, self._values):
            gauge.clear()
        for (name, _), attributes in recognised.items():
            for attribute, found in attributes.items():
                self._values.labels(name, attribute).set(found.values)
                self._recognised.labels(name, attribute, "now").set(found.share)
                if found.card is not None:
                    self._recognised.labels(name, attribute, "card").set(found.card)
        return generate_latest(self.registry)

    def _look(self, name: str, kind: str, look: Look) -> None:
        for field, gauge in self._looks.items():
            gauge.labels(name, kind).set(getattr(look, field))
