"""Ctrl-C in every verb: the first unwinds what is under way, the second ends the process, whatever it is doing.

Python hears a signal only between two steps of its own, which training, decoding and importing may keep it from for
long; and when it ends by itself it waits for its threads. So a thread counts, and the process ends without more ado.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended

_GRACE_SECONDS = 0.4  # for the second Ctrl-C to be answered in an orderly way


class _State:
    """What is known of this process's interrupts."""

    listening = False
    unwinding = False
    said = False
    goes_on = ""


def listen() -> None:
    """Take Ctrl-C over, in a process that is the command alone; where it is ignored, it stays so."""
    if signal.getsignal(signal.SIGINT) not in (signal.default_int_handler, signal.SIG_DFL):
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _unwind)
    threading.Thread(target=_end_at_the_second, args=(reader,), daemon=True).start()
    sys.unraisablehook = _end_if_swallowed
    _State.listening = True


def let_go() -> None:
    """Leave the rest to the system: all is done."""
    if _State.listening:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def goes_on(how: str) -> None:
    """What an interrupt is to say of the same command, if nothing better is known by then."""
    _State.goes_on = how


def say_interrupted(how: str = "") -> None:
    """Say that the command was interrupted and how it goes on: once, if the process is the command alone."""
    text = _words(how)
    if text:
        print(text, file=sys.stderr, flush=True)


def was_interrupted() -> bool:
    """Whether Ctrl-C has begun to unwind: what is raised meanwhile comes of it."""
    return _State.unwinding


def end_process(code: int) -> NoReturn:
    """End now, without waiting for threads."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """While this is open there is nothing to undo, and much that does not stand being interrupted, such as imports."""
    if not _State.listening:
        yield
        return
    stderr = os.dup(2)  # where messages go, whatever is done to the stream meanwhile

    def end(number: int, frame: FrameType | None) -> NoReturn:
        os.dup2(stderr, 2)
        _say_below()
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _unwind)
        os.close(stderr)


def _words(how: str = "") -> str:
    if _State.listening and _State.said:
        return ""
    _State.said = True
    return f"\ntfproductgan: interrupted. {how or _State.goes_on}".rstrip(" .")


def _unwind(number: int, frame: FrameType | None) -> None:
    if not _State.unwinding:
        _State.unwinding = True
        raise KeyboardInterrupt


def _end_at_the_second(reader: int) -> NoReturn:
    pressed = 0
    while pressed < 2:
        pressed += os.read(reader, 64).count(signal.SIGINT)
    time.sleep(_GRACE_SECONDS)
    _say_below()
    os._exit(INTERRUPTED)


def _say_below() -> None:
    """As `say_interrupted`, but not through the stream, which whatever is under way may hold."""
    text = _words()
    if text:
        text += "\n"
    if os.isatty(2):
        text += "\x1b[?25h"  # progress bars hide the cursor
    os.write(2, text.encode())


def _end_if_swallowed(unraisable: sys.UnraisableHookArgs) -> None:
    if isinstance(unraisable.exc_value, KeyboardInterrupt):  # came while an object was being cleared away
        say_interrupted()
        end_process(INTERRUPTED)
    sys.__unraisablehook__(unraisable)
