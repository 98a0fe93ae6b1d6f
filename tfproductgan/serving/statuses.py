"""What a request can end with, for client and server: the status codes of gRPC, and what they are in HTTP."""

from __future__ import annotations

import re

HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 412,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_OTHERS = 500


class RequestError(Exception):
    """Why a request failed, in words for who asked.

    Args:
        code: A status code of gRPC, such as `"INVALID_ARGUMENT"`.
        message: One line.
        retry_after: Seconds after which asking again may succeed, or `None` if nobody says so.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None):
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        """The status of HTTP."""
        return HTTP_STATUS.get(self.code, _OTHERS)


def invalid(message: str) -> RequestError:
    """What is wrong with the request itself."""
    return RequestError("INVALID_ARGUMENT", message)


# what TensorFlow puts before and behind the words of whoever raised: where in the graph and in which files that was
_BEFORE = re.compile(
    r"Graph execution error:\n\nDetected at node .*?(?:<stack traces unavailable>\n|\n\n(?=\S))", re.DOTALL
)
_BEHIND = re.compile(r"\s*\[\[\{\{.*", re.DOTALL)
_MOST = 2_000


def of_tensorflow(error: Exception) -> RequestError:
    """What TensorFlow raised, as an error of the request."""
    import tensorflow as tf

    if not isinstance(error, tf.errors.OpError):
        return RequestError("INTERNAL", f"{type(error).__name__}: {error}"[:_MOST])
    code = next((name for name in HTTP_STATUS if getattr(tf.errors, name, None) == error.error_code), "INTERNAL")
    message = _BEHIND.sub("", _BEFORE.sub("", error.message, count=1), count=1)
    return RequestError(code, " ".join(message.split())[:_MOST])
