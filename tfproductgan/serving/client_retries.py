"""How a call to a server is tried again: only if it was not reached or asks for patience, and within the time.

Every request is a pure function of its seed, so asking twice does no harm.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tfproductgan.serving.statuses import RequestError

Answer = TypeVar("Answer")

RETRIED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")

# waits of 0.1, 0.2 … 1.6 seconds between them: long enough for a restart behind a balancer, short enough for a person
_ATTEMPTS = 6
_FIRST_WAIT = 0.1


def call_with_retries(call: Callable[[float], Answer], timeout: float) -> Answer:
    """Call, with the seconds that are left, until it succeeds, fails for good, or there is no time left.

    Raises:
        RequestError: That of the last attempt.
    """
    deadline = time.monotonic() + timeout
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return call(deadline - time.monotonic())
        except RequestError as error:
            # shortened by chance, so that clients that were refused together do not come back together
            wait = max(error.retry_after or 0.0, _FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1))
            out_of_time = time.monotonic() + wait >= deadline
            if error.code not in RETRIED or attempt == _ATTEMPTS or out_of_time:
                raise
        time.sleep(wait)
    raise AssertionError("the last attempt either returns or raises")
