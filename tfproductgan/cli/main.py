"""The `tfproductgan` command: finds the verb, runs it, turns what goes wrong into one line and an exit code.

A verb is one module of this package with `HELP`, `add_arguments(parser)` and `run(args) -> exit code`. It is
imported only when asked for, and itself imports what is heavy only inside `run`: help has to come at once.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

import tfproductgan
from tfproductgan.cli import interrupts
from tfproductgan.cli.interrupts import INTERRUPTED
from tfproductgan.errors import ProductGANError, nearest

# verb, which is the name of its module -> the line `tfproductgan --help` shows
VERBS = {
    "quickstart": "train on the built-in studio for a few minutes, draw a grid",
    "check": "look through your photos and labels, report what is wrong",
    "prepare": "write your photos as a data set to train on, of any size",
    "train": "train a model on your photos, or continue a run",
    "evaluate": "measure how good a model is, write a report",
    "compare": "put what evaluate found out about several runs side by side",
    "plot": "draw the curves of one or several runs",
    "generate": "draw pictures by name: singles, grids, interpolations",
    "edit": "change pictures along directions, mix them, find that of a photo",
    "explain": "say why a picture is what it is: pixels, words, nearest photos",
    "translate": "make pictures of pictures: photos of drawings, one kind as another, styles",
    "upscale": "make photos two or four times as large",
    "cutout": "cut products out of photos, or put them onto another background",
    "stylize": "paint photos in the style of other pictures",
    "batch": "make what a table asks for, or something of each photo of a folder; goes on",
    "variations": "show a photo's product in other colours or materials",
    "ensemble": "put several trained models together as one",
    "inspect": "tell what a picture shows and who drew it, or what a model knows",
    "export": "write a model as a SavedModel for TensorFlow Serving",
    "compress": "write a model in smaller and faster forms, each tried and judged",
    "serve": "answer requests for exported models over REST and gRPC",
    "platform": "run the API, the store and an engine together",
    "doctor": "say what there is to work with, and what of it costs speed",
    "audit": "look through the platform's audit log",
}

# verbs that take up what they had done
_GO_ON = ("quickstart", "prepare", "train", "batch")


def command() -> NoReturn:
    """The command as a process of its own."""
    interrupts.listen()
    try:
        code = main()
    except KeyboardInterrupt:
        interrupts.say_interrupted()
        code = INTERRUPTED
    if interrupts.was_interrupted():
        interrupts.end_process(code)
    interrupts.let_go()
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The words after `tfproductgan`; those of the process if `None`.

    Returns:
        The exit code: 0 done, 1 an error the message explains, 130 interrupted, 143 terminated.

    Raises:
        SystemExit: With code 2 for words that are no valid command, 0 after printing help.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    # TensorFlow's notes about the processor would bury our own output; its errors still come through
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # as would its about folders and fonts
    for stream in (sys.stdout, sys.stderr):
        # names of files may hold what the terminal's encoding has no letters for, or no letters at all
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser(argv)
    args = parser.parse_args(argv)
    args.command = shlex.join(["tfproductgan", *argv])
    if args.verb is None:
        parser.print_help(sys.stderr)
        return 2
    interrupts.goes_on(f"The same command {'goes on' if args.verb in _GO_ON else 'starts again'}")
    try:
        code = _module(args.verb).run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # the reader of our output, such as `head`, has seen enough: that is no error, and the flush at exit
        # must not become one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as interrupt:
        interrupts.say_interrupted(str(interrupt))
        return getattr(interrupt, "exit_code", INTERRUPTED)
    except Exception as error:
        if interrupts.was_interrupted():  # libraries make other exceptions of it
            interrupts.say_interrupted()
            return INTERRUPTED
        if not isinstance(error, ProductGANError | OSError):
            raise
        print_error(error)
        return 1


def print_error(error: Exception) -> None:
    """What went wrong, as one line on stderr."""
    print(f"tfproductgan: error: {' '.join(str(error).split())}", file=sys.stderr)


# keeps the line breaks of descriptions and gives names of options a wider column
_formatter = functools.partial(argparse.RawDescriptionHelpFormatter, max_help_position=30)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong: a usage of twelve lines would push it out of sight."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} ('{self.prog} --help' lists what there is)\n")


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all verbs, complete only for the one that `argv` names."""
    listed = "\n".join(f"  {verb:<11} {line}" for verb, line in VERBS.items())
    parser = _Parser(
        prog="tfproductgan",
        usage="tfproductgan [-h] [--version] VERB ...",
        description=f"{tfproductgan.__doc__}\n\nverbs:\n{listed}",
        epilog="'tfproductgan VERB --help' explains a verb.",
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tfproductgan {tfproductgan.__version__}")
    asked = next((word for word in argv if not word.startswith("-")), None)
    if asked is not None and asked not in VERBS:
        parser.error(f"There is no verb {asked!r}: {nearest(asked, VERBS)}")
    # without a help of their own the verbs are not listed once more, argparse's way
    verbs = parser.add_subparsers(dest="verb", prog=parser.prog, help=argparse.SUPPRESS)
    for verb in VERBS:
        if verb != asked:
            verbs.add_parser(verb)
            continue
        module = _module(verb)
        module.add_arguments(
            verbs.add_parser(verb, description=module.HELP, formatter_class=_formatter, allow_abbrev=False)
        )
        # it is this parser that reports words which the verb's own left over
        parser.prog = f"{parser.prog} {verb}"
    return parser


def _module(verb: str) -> ModuleType:
    return importlib.import_module(f"tfproductgan.cli.{verb}")
