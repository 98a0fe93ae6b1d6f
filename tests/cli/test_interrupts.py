"""Ctrl-C once and twice, whatever a verb is doing, in a process of its own."""

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import sys, time, types
from tfproductgan.cli import main as cli
def run(args):
    print("begun", flush=True)
    {does}
verb = types.ModuleType("verb"); verb.HELP = ""; verb.add_arguments = lambda parser: None; verb.run = run
sys.modules["tfproductgan.cli.try"] = verb; cli.VERBS["try"] = ""; cli._GO_ON = ("try",)
sys.argv = ["tfproductgan", "try"]
cli.command()
"""
SAID = "\ntfproductgan: interrupted. The same command goes on\n"

WAITS = "time.sleep(60)"
IN_A_LIBRARY = """
    try: time.sleep(60)
    except KeyboardInterrupt: raise SystemError('initialization failed')"""
IN_A_DESTRUCTOR = """
    class Slow:
        def __del__(self): time.sleep(60)
    Slow()"""
FOR_THREADS = """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor() as pool: list(pool.map(time.sleep, [60, 60]))"""
IN_C = """
    import hashlib
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)"""
SWALLOWED = """
    while True:
        try: time.sleep(60)
        except: pass"""
IMPORTING = """
    from tfproductgan.cli.interrupts import ending_at_once
    with ending_at_once():
        try: time.sleep(60)
        except BaseException: time.sleep(60)"""


def pressed(does, times):
    """How a verb that would go on for a minute ends when Ctrl-C is pressed so often: exit code and what it says."""
    command = [sys.executable, "-c", PROGRAM.format(does=does)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        time.sleep(0.05)
        for number in range(times):
            time.sleep(0.1 * (number > 0))
            process.send_signal(signal.SIGINT)
        try:
            return process.wait(20), process.stderr.read()
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("does", "times"),
    [
        (WAITS, 1),
        (WAITS, 2),
        (IN_A_LIBRARY, 1),
        (IN_A_DESTRUCTOR, 1),
        (IMPORTING, 1),
        (FOR_THREADS, 2),
        (IN_C, 2),
        (SWALLOWED, 2),
        (WAITS, 5),
    ],
    ids=lambda value: str(value).split("\n")[1].strip()[:20] if "\n" in str(value) else str(value)[:20],
)
def test_it_ends_at_once_in_one_line(does, times):
    assert pressed(does, times) == (130, SAID)


def test_where_it_is_ignored_it_stays_so():
    does = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print(signal.getsignal(signal.SIGINT).name)"
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", PROGRAM.format(does=does)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("begun\nSIG_IGN\n", "")
