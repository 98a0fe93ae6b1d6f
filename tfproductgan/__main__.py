"""The `tfproductgan` command, and `python -m tfproductgan`."""

import signal
from typing import NoReturn


def command() -> NoReturn:
    """Run the command line as a process of its own."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback, until somebody listens to Ctrl-C
    from tfproductgan.cli import main

    main.command()


if __name__ == "__main__":
    command()
