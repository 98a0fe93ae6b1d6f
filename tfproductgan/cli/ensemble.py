"""`tfproductgan ensemble`: several trained models as one."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import add_data_options
from tfproductgan.cli.values import positive, whole
from tfproductgan.errors import RunError, WriteError
from tfproductgan.writing import refuse_to_overwrite, refuse_unwritable, replace_file

if TYPE_CHECKING:
    from rich.console import Console

HELP = """\
Put several trained models together: each picture is drawn by one of them, which one its seed decides.

  tfproductgan ensemble runs/first runs/second runs/third --out together.keras
  tfproductgan ensemble runs/first runs/second --out together.keras --shares 0.7,0.3

How often each draws is chosen so that all together are most like the photos of the validation split, in both views of
`evaluate`. A model that adds nothing is left out. The file is asked, judged, exported and served as any other model;
judge it on photos that chose nothing: `evaluate together.keras --split test`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("models", nargs="+", metavar="RUN", help="run directories or .keras files, two or more")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .keras file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name")
    parser.add_argument(
        "--shares", type=_numbers, metavar="N,N", help="how often each draws, in any unit, in place of what photos say"
    )
    group = parser.add_argument_group("the photos that choose")
    group.add_argument("--samples", type=positive, metavar="N", help="number of samples (default: that of the photos)")
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of the first sample (default: 0)")
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Put together, write, say what each is good for."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    if args.out.suffix != ".keras":
        raise WriteError(f"{str(args.out)!r} must end with .keras.")
    refuse_unwritable(args.out.parent)
    refuse_to_overwrite(args.out, args.overwrite)
    console = Console(highlight=False, soft_wrap=True)
    with console.status("Loading the models"):
        import_tensorflow()
        from tfproductgan.models.ensemble import ensemble_of
        from tfproductgan.models.loading import load

        models = [load(path) for path in args.models]
        # what cannot be put together is said before anything takes time
        ensemble = ensemble_of(models, args.shares)
    if args.shares is None:
        shares = _chosen(args, console, models)
        if sum(share > 0 for share in shares) < 2:
            best = args.models[max(range(len(shares)), key=shares.__getitem__)]
            raise RunError(f"{best} alone is more like the photos than with any of the others: nothing was written.")
        ensemble = ensemble_of(models, shares)
    replace_file(args.out, ensemble.save)
    print(f"{args.out}  {ensemble.model_id}, {len(ensemble.provenance['members'])} models")
    print(f"Ask it: tfproductgan generate --model {shlex.quote(str(args.out))} --list")
    return 0


def _chosen(args: argparse.Namespace, console: Console, models: Sequence[Any]) -> list[float]:
    """The shares that the validation photos ask for; a table says what they were chosen by."""
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from tfproductgan.cli.evaluate import photos_of, run_of
    from tfproductgan.metrics.counterparts import Counterparts
    from tfproductgan.metrics.extractors import get_extractor
    from tfproductgan.metrics.features import FeatureCache
    from tfproductgan.metrics.mixture import best_shares, kernel_terms, mixture_distance
    from tfproductgan.training.evaluation import announced_extractor

    args.model = args.models[0]  # whose photos they are, if nothing else is said
    catalogue = photos_of(args, run_of(Path(args.model)), models[0].schema)
    with console.status("Preparing the extractors"):
        found = [announced_extractor(None, catalogue, console), get_extractor("texture", catalogue)]
        extractors = list({each.id: each for each in found}.values())  # of photos without labels there is one view
    count = args.samples or catalogue.size("validation")
    rows = [number % catalogue.size("validation") for number in range(count)]
    samples: list[list[np.ndarray]] = [[] for _ in extractors]
    for path, model in zip(args.models, models, strict=True):
        with console.status(f"Drawing by {path}"):
            asked = Counterparts(model, catalogue, "validation")
            pictures = asked.draw(asked.requests(rows, args.seed))
            for features, extractor in zip(samples, extractors, strict=True):
                features.append(extractor.features(pictures))
    with console.status("Choosing the shares"):
        photos = [FeatureCache().of_split(extractor, catalogue, "validation").features for extractor in extractors]
        terms = [kernel_terms(*pair) for pair in zip(photos, samples, strict=True)]
        shares = best_shares(terms)
    table = Table("model", "share", *(f"KID@{extractor.id}" for extractor in extractors))
    for path, share, alone in zip(args.models, shares, np.eye(len(shares)), strict=True):
        table.add_row(Text(path), f"{share:.2f}", *(f"{mixture_distance(term, alone):.4g}" for term in terms))
    table.add_row("together", "", *(f"{mixture_distance(term, shares):.4g}" for term in terms))
    console.print(table)
    return shares.tolist()


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 0.7,0.3. Received: {text!r}") from None
