"""How often and how much: counted by who asks, once that is known."""

from __future__ import annotations

import threading
import time

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from tfproductgan.errors import Message
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.settings import Settings

_SIGN_INS_PER_MINUTE = 10
_PUT_BACK_SECONDS = 5.0


class _Memory(MemoryStorage):
    """Looks for what is over once a second; its parent does a hundred times, each in a thread that a request starts."""

    STORAGE_SCHEME = ["platform-memory"]  # noqa: RUF012

    @property
    def timer(self) -> threading.Timer:
        """What looks, as its parent starts it where it does not run."""
        return self._timer

    @timer.setter
    def timer(self, timer: threading.Timer) -> None:
        timer.interval, timer.daemon = 1.0, True
        self._timer = timer


class Rates:
    """Counts requests and pictures.

    Args:
        settings: Where it counts, and the limits of who has none of their own.
    """

    def __init__(self, settings: Settings):
        storage = _Memory() if settings.limits == "memory://" else storage_from_string(settings.limits)
        self._settings, self._storage, self._ahead = settings, storage, _ahead()
        self._moving = MovingWindowRateLimiter(storage)
        self._daily = FixedWindowRateLimiter(storage)  # a number, where the other keeps the time of each

    def request(self, who: Principal) -> None:
        """Count a request.

        Raises:
            RefusedError: If there were too many within a minute.
        """
        most = who.requests_per_minute or self._settings.requests_per_minute
        words = Message("No more than %(most)s requests a minute", most=most)
        self._hit(self._moving, RateLimitItemPerMinute(most), f"requests:{who.id}", 1, words)

    def pictures(self, who: Principal, count: int) -> None:
        """Count pictures.

        Raises:
            RefusedError: If these are too many within a day.
        """
        most = who.pictures_per_day or self._settings.pictures_per_day
        words = Message("No more than %(most)s pictures a day", most=most)
        self._hit(self._daily, RateLimitItemPerDay(most), f"pictures:{who.id}", count, words)

    def sign_in(self, name: str, address: str) -> None:
        """Count an attempt to sign in.

        Raises:
            RefusedError: If there were too many within a minute.
        """
        item = RateLimitItemPerMinute(_SIGN_INS_PER_MINUTE)
        words = Message("No more than %(most)s attempts a minute", most=_SIGN_INS_PER_MINUTE)
        # who signs in by a key or elsewhere gives no name
        for who in ([f"name:{name}"] if name else []) + [f"address:{address}"]:
            self._hit(self._moving, item, f"sign-in:{who}", 1, words)

    def _hit(self, limiter: RateLimiter, item: RateLimitItem, who: str, cost: int, words: Message) -> None:
        self._heed_the_clock()
        if limiter.hit(item, who, cost=cost):
            return
        wait = max(1, int(limiter.get_window_stats(item, who).reset_time - time.time()) + 1)
        said = Message("%(words)s: try again in %(seconds)s s.", words=words, seconds=wait)
        raise RefusedError(429, said, {"Retry-After": str(wait)})

    def _heed_the_clock(self) -> None:
        """Count anew once the clock was put back: what was counted before would stand until it is there again."""
        before, self._ahead = self._ahead, _ahead()
        if self._ahead < before - _PUT_BACK_SECONDS and isinstance(self._storage, MemoryStorage):
            self._storage.reset()


def _ahead() -> float:
    """How far the clock is ahead of the one that only ever goes on."""
    return time.time() - time.monotonic()
