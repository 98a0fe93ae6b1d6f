"""Logs: one JSON object a line, from which what is nobody's business is masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from tfproductgan.platform.masking import mask

_SECRET = ("authorization", "cookie", "password", "secret", "key", "token")


def configure(level: int = logging.INFO) -> None:
    """Send everything that this process logs to stderr, libraries' messages too."""
    steps: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        [*steps, render],  # past `logging`, which would cost as much again
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    of_others = [structlog.stdlib.add_logger_name, *steps]
    plain: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=of_others, processors=plain))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("tfproductgan").setLevel(level)


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of structlog: mask texts, drop what goes by the name of a secret."""
    for name, value in event.items():
        if name.startswith("_"):  # structlog's own
            continue
        event[name] = "[masked]" if name.lower() in _SECRET else mask(value)
    return event
