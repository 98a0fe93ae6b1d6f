"""Signals that ask a training to end: they are noted, so that it can finish its step and save."""

from __future__ import annotations

import os
import signal
import threading


class StopSignals:
    """While open, Ctrl-C (SIGINT) and SIGTERM are noted in `received` instead of ending the process; a second ends it.

    Outside the main thread, where Python takes no signals, and for signals that are ignored, nothing changes.
    """

    def __init__(self):
        self.received: int | None = None
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception):
        self._restore()

    def _note(self, number, frame):
        self.received = number
        self._restore()
        # not print: the signal may have come in the middle of one
        os.write(2, b"\ntfproductgan: finishing this step and saving; once more ends at once\n")

    def _restore(self):
        while self._previous:
            signal.signal(*self._previous.popitem())
