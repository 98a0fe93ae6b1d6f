"""`tfproductgan evaluate`: how good a model is, as tables, as lines for programs and as a report to send around."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import add_data_options, catalogue_from, data_described
from tfproductgan.cli.values import number, positive, whole
from tfproductgan.errors import CatalogueError, JudgementError
from tfproductgan.recipes import Recipe
from tfproductgan.writing import append_json_line, read_json, refuse_unwritable, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import ConditionSchema
    from tfproductgan.metrics.judgement import Judgement
    from tfproductgan.metrics.rating import RatingResult
    from tfproductgan.models.trained import TrainedModel

HELP = """\
Judge a model against photos it has not seen.

  tfproductgan evaluate runs/shop                          the newest generator of a run
  tfproductgan evaluate shop.keras --data photos/          any model, with its photos
  tfproductgan evaluate runs/shop --rate 100               also make a page on which people tell photos from samples
  tfproductgan evaluate runs/shop --ratings answers.json   what they said

Writes report.html, one file that can be sent around, and adds a line to metrics.jsonl. Both are in RUN/evaluation. The
first time a classifier of the photos' labels is trained, which takes a minute or more and is then kept. It sees what is
shown; beside it stands how it looks, which needs no labels."""

REPORT, METRICS, JUDGEMENT = "report.html", "metrics.jsonl", "judgement.json"
"""What `evaluate` writes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("model", metavar="RUN", help="a run directory or a .keras file")
    group = parser.add_argument_group("judging")
    group.add_argument(
        "--split",
        choices=("validation", "test", "train"),
        default="validation",
        help="the photos to compare with (default: validation)",
    )
    group.add_argument("--samples", type=positive, metavar="N", help="number of samples (default: that of the photos)")
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of the first sample (default: 0)")
    group.add_argument(
        "--truncation",
        type=number,
        default=1.0,
        metavar="T",
        help="of the samples: less than 1 for more typical ones; figures to compare with others' have 1 (default: 1)",
    )
    group.add_argument(
        "--extractor",
        metavar="NAME",
        help="whose features are compared beside texture's: catalogue (the default: a classifier of these photos), "
        "inception, efficientnet-lite0, keras-inception, keras:APPLICATION or file; photos without labels have texture "
        "alone",
    )
    group.add_argument("--extractor-file", metavar="PATH", help="the weights of the extractor")
    group.add_argument("--extractor-sha256", metavar="HASH", help="what that file must have; any other file is refused")
    group.add_argument(
        "--classification",
        action="store_true",
        help="also train classifiers on samples alone and on photos alone, and compare them: takes long",
    )
    group.add_argument("--force", action="store_true", help="give figures that so few samples do not support")
    group.add_argument("--out", type=Path, metavar="DIR", help="where the files go (default: RUN/evaluation)")
    group = parser.add_argument_group("people's judgement")
    group.add_argument(
        "--rate", type=positive, metavar="N", help="make a page of N pictures, photos and samples, for people to rate"
    )
    group.add_argument("--ratings", nargs="+", metavar="FILE", help="read the answers that such pages have saved")
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Judge, write and say."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow
    from tfproductgan.conditions import check_truncation

    console = Console(highlight=False, soft_wrap=True)
    run_folder = run_of(Path(args.model))
    out = args.out or _default_out(args, run_folder)
    if args.ratings:
        return _ratings(args, console, out)
    check_truncation(args.truncation)
    refuse_unwritable(out)
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.models.loading import load

        model = load(args.model)
    catalogue = photos_of(args, run_folder, model.schema)
    warnings = list(_warnings(args, run_folder, model, catalogue))
    judgement = _judge(args, console, model, catalogue)
    for warning in warnings:
        print(f"Note: {warning}")
    console.print(judgement.table())
    _write(args, out, run_folder, model, catalogue, judgement, warnings)
    print(f"Report: {out / REPORT}")
    if args.rate:
        _write_rating_page(args, out, model, catalogue)
    return 0


# === The model and its photos ===


def run_of(path: Path) -> Path | None:
    """The run directory that a path is, or that the file is in."""
    places = [path] if path.is_dir() else [path.parent, path.parent.parent]
    return next((place for place in places if (place / "recipe.json").is_file()), None)


def _default_out(args: argparse.Namespace, run_folder: Path | None) -> Path:
    path = Path(args.model)
    if run_folder is None:
        return Path("evaluation") / path.stem
    newest = path.is_dir() or path.parent == run_folder
    return run_folder / "evaluation" / ("" if newest else path.stem)


def photos_of(args: argparse.Namespace, run_folder: Path | None, schema: ConditionSchema) -> Catalogue:
    """The photos that `--data` names, or that the run was trained on.

    Raises:
        CatalogueError: If there are none.
    """
    if args.data is not None:
        return catalogue_from(args, schema)
    options = facts_of(run_folder).get("options")
    if not options:
        raise CatalogueError(f"{args.model} does not say where its photos are. Give --data as for its training.")
    try:
        return catalogue_from(data_described(options, args), schema)
    except CatalogueError as error:
        raise CatalogueError(f"{error} (The photos of {args.model}; --data names others.)") from error


def _warnings(
    args: argparse.Namespace, run_folder: Path | None, model: TrainedModel, catalogue: Catalogue
) -> Iterator[str]:
    """What a reader of the figures must know, whole sentences."""
    if run_folder is None:
        return
    fingerprint = facts_of(run_folder).get("fingerprint")
    if fingerprint not in (None, catalogue.fingerprint):
        yield (
            "These are not the photos that the run was trained on: figures compare with other photos, and what is "
            "said of copies is about photos the model has never seen."
        )
    seen = model.provenance.get("images_seen")
    if Path(args.model).is_dir() and seen is not None:
        recipe = Recipe.from_dict(read_json(run_folder / "recipe.json"))
        # a run ends with its last whole step
        if recipe.images - seen >= recipe.step_images:
            yield (
                f"The run is not finished: this is its newest generator, after {seen:,} of {recipe.images:,} images. "
                "It gets better or worse from here."
            )
    if not (run_folder / "metrics.jsonl").is_file():
        yield f"There is no metrics.jsonl in {run_folder}, so the report has no curves."


def facts_of(run_folder: Path | None) -> dict[str, Any]:
    """What a run knows of its photos; empty if there is no run, or it knows nothing."""
    return (run_folder and read_json(run_folder / "data.json")) or {}


# === Judging ===


def _judge(args: argparse.Namespace, console: Console, model: TrainedModel, catalogue: Catalogue) -> Judgement:
    from tfproductgan.metrics.judge import ALL_PARTS, PARTS, judge
    from tfproductgan.training.evaluation import announced_extractor

    with console.status("Preparing the extractor") as status:
        file = args.extractor_file, args.extractor_sha256
        extractor = announced_extractor(args.extractor, catalogue, console, *file)

        def progress(what: str, done: int, total: int) -> None:
            status.update(f"{what} ({done:,} of {total:,})" if total else what)

        return judge(
            model,
            catalogue,
            extractor,
            args.split,
            args.samples,
            args.seed,
            ALL_PARTS if args.classification else PARTS,
            args.truncation,
            force=args.force,
            progress=progress,
        )


def _write(
    args: argparse.Namespace,
    out: Path,
    run_folder: Path | None,
    model: TrainedModel,
    catalogue: Catalogue,
    judgement: Judgement,
    warnings: list[str],
) -> None:
    """The report, the judgement as a whole, and its figures as a line."""
    import tfproductgan
    from tfproductgan.metrics.counterparts import Counterparts
    from tfproductgan.reports.report import Report, closest_pairs, grid_rows, report_page

    seen = model.provenance.get("images_seen")
    facts = {
        "judged": f"{datetime.date.today().isoformat()} by tfproductgan {tfproductgan.__version__}",
        "command": args.command,
        "images learnt from": seen,
        "photos": repr(catalogue),
    }
    report = Report(
        str(args.model),
        judgement,
        facts,
        warnings,
        grid_rows(model, catalogue, args.split, args.seed, args.truncation),
        closest_pairs(
            judgement.memorisation, Counterparts(model, catalogue, args.split), catalogue, judgement.truncation
        ),
        run_folder,
        _collected(out, judgement.model_id),
    )
    write_text(out / REPORT, report_page(report))
    write_text(out / JUDGEMENT, judgement.to_json())
    whole_judgement = judgement.to_dict()
    about = ("model_id", "catalogue", "extractor", "extractor_sha256", "split", "n", "real", "seed", "truncation")
    told = {name: whole_judgement[name] for name in (*about, "figures")}
    _append(out, {"kind": "judgement", "images_seen": seen, **told})


def _append(out: Path, facts: Mapping[str, Any]) -> None:
    append_json_line(out / METRICS, {"time": round(time.time(), 3), **facts})


# === What people say ===


def _write_rating_page(args: argparse.Namespace, out: Path, model: TrainedModel, catalogue: Catalogue) -> None:
    from tfproductgan.reports.rating_page import make_rating_page

    html, key = make_rating_page(model, catalogue, args.split, args.rate, args.seed, args.truncation)
    path = write_text(out / f"rating-{key.page}.html", html)
    key_path = key.write(out / "ratings" / f"key-{key.page}.json")
    if len(key.pictures) < args.rate - 1:
        print(f"Note: the split has photos for only {len(key.pictures)} pictures.")
    where = ["--out", str(args.out)] if args.out else []
    print(
        f"Rating page: {path}. Give it to people; they send a file back. Keep {key_path}, which knows the answers. "
        f"Then:\n  {shlex.join(['tfproductgan', 'evaluate', args.model, *where, '--ratings'])} FILE ..."
    )


def _ratings(args: argparse.Namespace, console: Console, out: Path) -> int:
    """Take in answers, and say what all that were ever taken in for the same pages say."""
    from tfproductgan.metrics.rating import page_of, read_ratings
    from tfproductgan.reports.report import with_ratings
    from tfproductgan.sampling.files import write_whole

    keys = _keys(out)
    pages = []
    for file in args.ratings:
        page = page_of(file)
        if page not in keys:
            made = ", ".join(sorted(keys)) or "none"
            raise JudgementError(
                f"{file!r} has answers to page {page}, and in {out / 'ratings'} are the keys of: {made}. "
                "Give the run, or the --out, with which the page was made."
            )
        read_ratings([file], keys[page])  # refused before anything is kept
        pages.append(page)
    for file, page in zip(args.ratings, pages, strict=True):
        content = Path(file).read_bytes()
        kept = out / "ratings" / f"answers-{page}-{hashlib.sha256(content).hexdigest()[:12]}.json"
        write_whole(kept, content, overwrite=True)
    for page in dict.fromkeys(pages):
        result = read_ratings(_answers(out, page), keys[page])
        console.print(_rating_table(result))
        print(result.verdict)
        _append(out, {"kind": "ratings", **result.to_dict()})
    report = out / REPORT
    if report.is_file():
        judged = (read_json(out / JUDGEMENT) or {}).get("model_id")
        write_text(report, with_ratings(report.read_text(encoding="utf-8"), _collected(out, judged)))
        print(f"Report: {report}")
    return 0


def _keys(out: Path) -> dict[str, Any]:
    from tfproductgan.metrics.rating import RatingKey

    keys = [RatingKey.read(path) for path in sorted((out / "ratings").glob("key-*.json"))]
    return {key.page: key for key in keys}


def _answers(out: Path, page: str) -> list[Path]:
    return sorted((out / "ratings").glob(f"answers-{page}-*.json"))


def _collected(out: Path, model_id: str | None) -> list[RatingResult]:
    """What people have said about a model so far, one result a page."""
    from tfproductgan.metrics.rating import read_ratings

    return [
        read_ratings(_answers(out, page), key)
        for page, key in _keys(out).items()
        if key.model_id == model_id and _answers(out, page)
    ]


def _rating_table(result: RatingResult) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "answers", "share", "95 % interval", title=f"{result.people} about {result.model_id}")
    for rate in (*result.rates, *(rate for _, _, rate in result.by_value)):
        low, high = rate.interval
        share = f"{100 * rate.share:.1f} %" if rate.of else "–"
        interval = f"{100 * low:.1f} to {100 * high:.1f} %"
        table.add_row(Text(rate.what), f"{rate.count:,} of {rate.of:,}", share, interval)
    return table
