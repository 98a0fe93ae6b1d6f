"""`tfproductgan export`: a trained generator as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import add_data_options
from tfproductgan.cli.evaluate import JUDGEMENT, photos_of, run_of
from tfproductgan.errors import RunError

if TYPE_CHECKING:
    from rich.console import Console

    from tfproductgan.models.trained import TrainedModel

HELP = """\
Write a trained generator as a SavedModel, which TensorFlow Serving, or any TensorFlow, can ask by name.

  tfproductgan export runs/shop saved_models/shop        the next free version: saved_models/shop/1
  tfproductgan export runs/shop saved_models/shop/3      this version
  tfproductgan export studio saved_models/studio         the generator that comes with the package

The folder holds requests that warm a server up and a model card: what the model knows, learnt from, what `evaluate`
found out, what not to expect. It appears whole or not at all, so a server may watch it meanwhile."""

_SHIPPED, _SHIPPED_LICENCE = "studio", "Apache-2.0"
_JUDGED = ".judgement.json"  # beside it
_SHIPPED_DATA = {"source": "The built-in studio: pictures drawn by a program, no photos of anybody's products"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("model", metavar="RUN", help="a run directory, a .keras file, or 'studio'")
    parser.add_argument("path", metavar="PATH", help="saved_models/NAME, or saved_models/NAME/VERSION")
    parser.add_argument(
        "--licence",
        metavar="TEXT",
        help="under which terms the model may be used, for its card, such as CC-BY-4.0 (default: not stated)",
    )
    parser.add_argument(
        "--evaluation",
        type=Path,
        metavar="FOLDER",
        help="what evaluate wrote, for the card (default: RUN/evaluation, if it is there)",
    )
    parser.add_argument(
        "--recognise",
        action="store_true",
        help="with the classifier of the photos' labels that evaluate judges by, so that a platform watches whether "
        "pictures show what was asked for; the photos are those of the run, or of --data",
    )
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Export and say how to ask."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.export.model_card import found_facts
        from tfproductgan.export.saved_model import export_saved_model, version_path
        from tfproductgan.models.loading import load, shipped_model_path

        version_path(args.path)  # what cannot be written is said before anything is loaded
        shipped = args.model == _SHIPPED and not Path(_SHIPPED).exists()
        model = load(shipped_model_path() if shipped else args.model)
    judged = Path(args.evaluation or Path(args.model, "evaluation"), JUDGEMENT)
    if args.evaluation and not judged.is_file():
        raise RunError(f"{str(args.evaluation)!r} holds no {JUDGEMENT}: give a folder into which evaluate wrote.")
    if shipped and not args.evaluation:
        judged = Path(shipped_model_path()).with_suffix(_JUDGED)
    facts = found_facts(Path(args.model), judged)
    if shipped:
        facts["data"] = _SHIPPED_DATA
    licence = args.licence or (_SHIPPED_LICENCE if shipped else None)
    classifier = _classifier(args, console, model) if args.recognise else None
    with console.status("Writing"):
        written = export_saved_model(model, args.path, licence, facts, classifier)
    print(
        f"{written}  {model.model_id}\n"
        f"What it is and is not good for: {written / 'MODEL_CARD.md'}\n"
        f"Serve it: tfproductgan serve {shlex.quote(str(written.parent.parent))}"
    )
    return 0


def _classifier(args: argparse.Namespace, console: Console, model: TrainedModel) -> Any:
    """The Keras model that knows what photos show, from the cache or trained now."""
    from tfproductgan.training.evaluation import announced_extractor

    catalogue = photos_of(args, run_of(Path(args.model)), model.schema)
    with console.status("Preparing the classifier"):
        classifier: Any = announced_extractor("catalogue", catalogue, console)
    return classifier.model
