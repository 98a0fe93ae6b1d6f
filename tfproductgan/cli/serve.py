"""`tfproductgan serve`: exported models over REST and gRPC, as TensorFlow Serving serves them."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
from pathlib import Path

from tfproductgan.cli.values import digits, fitting
from tfproductgan.errors import require

HELP = """\
Serve exported models over REST and gRPC, with TensorFlow Serving's interface.

  tfproductgan serve saved_models                    every model of a folder: NAME/1, NAME/2 and so on
  tfproductgan serve models.config                   as a configuration of TensorFlow Serving says: versions, labels

The newest version of each model is served. A new one takes over as soon as it is there and warm; requests are not
interrupted. For laptops, notebooks and tests: where TensorFlow Serving can be had, take it."""

port_number = fitting(
    digits, lambda port: 0 <= port < 2**16, "a port is a whole number from 0 to 65535. Received: {!r}"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="a folder of models, one model's folder, or a model configuration file of TensorFlow Serving",
    )
    parser.add_argument("--port", type=port_number, default=8501, metavar="N", help="port of REST (default: 8501)")
    parser.add_argument("--grpc-port", type=port_number, default=8500, metavar="N", help="port of gRPC (default: 8500)")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 for everybody who reaches this machine: there is no password "
        "(default: 127.0.0.1, this machine only)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    for module in ("aiohttp", "grpc_health", "prometheus_client"):
        require(module, "serving")
    from tfproductgan.cli.quiet import import_tensorflow
    from tfproductgan.serving.server.versions import source

    source(args.path)  # a mistyped path is told before TensorFlow is imported
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("tfproductgan").setLevel(logging.INFO)
    import_tensorflow(side_by_side=True)  # batches are
    # what TensorFlow is made of stays: looking through it again and again would hold up requests
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(args))
    return 0


async def _serve(args):
    from tfproductgan.serving.server.running import serve

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(number):
        print("Stopping: finishing what is in flight. Once more to stop at once.", flush=True)
        stop.set()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
            signal.signal(each, lambda number, frame: os._exit(128 + number))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)

    def ready(port, grpc_port, models):
        for name, numbers in models.available().items():
            listed = ", ".join(map(str, numbers)) or "none can be loaded"
            print(f"{name}: version {listed}")
        print(f"Ready: http://{args.host}:{port}, grpc://{args.host}:{grpc_port}. Ctrl-C stops.", flush=True)

    await serve(args.path, args.host, args.port, args.grpc_port, stop, ready)
