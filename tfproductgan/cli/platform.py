"""`tfproductgan platform`: a page and an API around served models."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.serve import port_number
from tfproductgan.errors import PlatformError, require
from tfproductgan.shipped import shipped
from tfproductgan.writing import replace_file

if TYPE_CHECKING:
    from tfproductgan.platform.engine_process import EngineProcess
    from tfproductgan.platform.settings import Settings

HELP = """\
Start the platform: an API for programs on one port, an engine in a second process, and a store that remembers.

  tfproductgan platform                              the generator that comes with the package
  tfproductgan platform saved_models                 every exported model of a folder: NAME/1 and so on
  tfproductgan platform --engine http://tf:8501 --models shop,sketches      TensorFlow Serving elsewhere

The first start prints the key of the first administrator, once. What is drawn, jobs and keys lie in --folder; another
database and place for pictures come by TFPRODUCTGAN_PLATFORM_DATABASE and TFPRODUCTGAN_PLATFORM_PICTURES, as all
settings do that docs/platform.md lists. Ctrl-C finishes what is in flight; jobs go on at the next start."""

_SHIPPED = "studio"

# the newest draws, and the one before it is there to go back to, or to let the newest draw a share at first
_SERVED = """\
  config {{
    name: {name}
    base_path: {path}
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 2 }} }}
  }}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "path", nargs="?", type=Path, metavar="PATH", help="a folder of exported models (default: the shipped one)"
    )
    parser.add_argument("--engine", metavar="URL", help="ask this TensorFlow Serving in the place of an own engine")
    parser.add_argument("--models", metavar="NAMES", help="with --engine: its models, with commas between them")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where all is kept (default: platform)")
    parser.add_argument("--port", type=port_number, default=8080, metavar="N", help="port to listen on (default: 8080)")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--new-administrator",
        metavar="TENANT",
        help="print another administrator's key, for a new tenant or where the first is lost, and end",
    )


def run(args: argparse.Namespace) -> int:
    """Run the platform until a signal ends it."""
    for module in ("alembic", "argon2", "fastapi", "fsspec", "limits", "sqlalchemy", "structlog", "uvicorn"):
        require(module, "platform")
    if args.engine and (args.path or not args.models):
        raise PlatformError("--engine asks an engine elsewhere: give --models with it, and no folder.")
    settings = _settings(args)
    if args.new_administrator:
        return _new_administrator(settings, args.new_administrator)
    with contextlib.ExitStack() as stack:
        process = None
        if not args.engine:
            process = stack.enter_context(_own_engine(args.path, settings.folder))
            settings = _settings(args, engine=process.url, models=process.names)
        # while the engine starts, for that takes longer than all of this
        from tfproductgan.platform.app import create_app, open_platform
        from tfproductgan.platform.logs import configure
        from tfproductgan.platform.running import first_key, serve

        configure()
        platform = open_platform(settings)
        if process is not None:
            process.wait_until_ready()
        secret = first_key(platform, "shop")

        def ready(port: int) -> None:
            if secret:
                print(f"The first administrator's key, shown this once: {secret}")
            print(f"Ready: http://{args.host}:{port} with {', '.join(settings.models)}. Ctrl-C stops.", flush=True)

        serve(create_app(platform), args.host, args.port, ready)
    return 0


def _new_administrator(settings: Settings, tenant: str) -> int:
    from tfproductgan.platform.access.keys import first_administrator
    from tfproductgan.platform.app import open_platform

    platform = open_platform(settings)
    with platform.database.writing() as session:
        print(first_administrator(session, tenant))
    return 0


def _settings(args: argparse.Namespace, **more: Any) -> Any:
    from pydantic import ValidationError

    from tfproductgan.platform.settings import Settings

    if args.folder:
        more["folder"] = args.folder
    if args.engine:
        more |= {"engine": args.engine, "models": tuple(filter(None, map(str.strip, args.models.split(","))))}
    try:
        return Settings(**more)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise PlatformError(f"A setting cannot be: {told}") from error


@contextlib.contextmanager
def _own_engine(path: Path | None, folder: Path) -> Iterator[EngineProcess]:
    """An engine of our own while it is open, which has only begun to start."""
    require("aiohttp", "serving")
    from tfproductgan.platform.engine_process import EngineProcess

    models = _shipped() if path is None else path
    found = sorted(p.name for p in models.glob("*") if any(p.glob("[0-9]*/saved_model.pb")))
    names = (_SHIPPED,) if path is None else tuple(found)
    if not names:
        raise PlatformError(f"{str(models)!r} holds no model: expected NAME/1/saved_model.pb, as 'export' writes it.")
    process = EngineProcess(_configuration(models, names, folder), names)
    try:
        yield process
    finally:
        process.stop()


def _configuration(models: Path, names: Sequence[str], folder: Path) -> Path:
    """What the engine serves, in the words of TensorFlow Serving: two versions of each model."""
    quoted = [(json.dumps(text, ensure_ascii=False) for text in (n, str((models / n).resolve()))) for n in names]
    parts = [_SERVED.format(name=name, path=path) for name, path in quoted]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(["model_config_list {\n", *parts, "}\n"])
    return replace_file(folder / "models.config", lambda part: part.write_text(text, encoding="utf-8"))


def _shipped() -> Path:
    """The folder with the exported generator that comes with the package."""
    found = shipped(_SHIPPED)
    if found is None:
        raise PlatformError("This installation holds no generator: give a folder of exported models.")
    return found.parent
