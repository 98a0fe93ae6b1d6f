"""`tfproductgan generate`: pictures by name, as PNG files that know what they show."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.at_hand import with_discriminator
from tfproductgan.cli.data_options import without_data
from tfproductgan.cli.values import digits, fitting, number, whole
from tfproductgan.errors import CatalogueError, ConditionError, JudgementError
from tfproductgan.writing import refuse_to_overwrite, refuse_unwritable

if TYPE_CHECKING:
    from tfproductgan.metrics.best_of import BestOf
    from tfproductgan.metrics.rejection import RejectionSampling

HELP = """\
Draw pictures by name.

  tfproductgan generate ring gold                        one picture
  tfproductgan generate "ring, gold, seed 7" --count 4   seeds 7 to 10
  tfproductgan generate --set category=Ring              name the attribute as well
  tfproductgan generate --set "material=Pine, white"     several values, of an attribute that has several
  tfproductgan generate --model runs/shop --text "red leather handbag"   in words of your own, of a model with titles
  tfproductgan generate --grid category,colour           every category in every colour
  tfproductgan generate --grid category                  every category, with several seeds
  tfproductgan generate ring --interpolate "mug, blue"   from one to the other: a strip and a GIF
  tfproductgan generate ring --model runs/shop --best-of 8   of each picture the best of eight
  tfproductgan generate ring --model runs/shop --reject 80   of many each as often as photos look so
  tfproductgan generate --list                           what can be asked for

What is not asked for is drawn from the data the model learnt from. The same words, seed and model give the same
picture again."""

Written = list[tuple[Path, str]]
"""Files, and what each shows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORDS",
        help="what to draw: values of any attributes, and 'seed N', separated by spaces or commas",
    )
    add_conditions(parser, "one condition by the name of its attribute; can be given several times")
    parser.add_argument(
        "--text",
        dest="wanted_text",
        metavar="TEXT",
        help="what to draw in words of your own, beside values or without any, by a model that has learnt from titles",
    )
    parser.add_argument(
        "--text-vectors",
        dest="wanted_vectors",
        metavar="FILE.npy",
        help="in its place vectors of texts, numbers [N, parts], by a model that has learnt from such: a picture each",
    )
    parser.add_argument(
        "--model",
        metavar="PATH",
        help="run directory or .keras file; without it, the studio generator that comes with the package draws",
    )
    parser.add_argument("--seed", type=whole, metavar="N", help="seed of the first picture (default: 0)")
    parser.add_argument(
        "--truncation",
        type=number,
        default=1.0,
        metavar="T",
        help="1 for the full variety, less for more typical pictures (default: 1)",
    )
    parser.add_argument("--out", default="pictures", metavar="FOLDER", help="where the files go (default: pictures)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same name")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--count", type=whole, metavar="N", help="number of pictures, each with the next seed (default: 1)"
    )
    what.add_argument(
        "--grid",
        type=_grid_names,
        metavar="ROWS,COLUMNS",
        help="all values of two attributes with one seed; of one attribute, with several seeds",
    )
    what.add_argument(
        "--interpolate",
        metavar="WORDS",
        help="go from the picture asked for to another; what these words leave out stays as it was asked for",
    )
    what.add_argument("--list", action="store_true", help="show what the model can be asked for, and stop")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--best-of",
        type=fitting(digits, lambda n: 1 <= n <= 64, "{!r} is no number of candidates, 1 to 64"),
        metavar="N",
        help="draw N candidates of each picture, up to 64, and keep the one that shows what was asked for and looks "
        "most real, as the classifier of the run's photos, which is trained the first time, and its discriminator say",
    )
    chosen.add_argument(
        "--reject",
        type=fitting(float, lambda x: 0 <= x <= 99, "{!r} is no number of per cent, 0 to 99"),
        metavar="PERCENT",
        help="draw candidates of each picture until one is accepted, the likelier the more photos are like it, as the "
        "run's discriminator says; so many per cent, such as 80, are accepted more seldom than every second time",
    )
    parser.add_argument(
        "--steps", type=whole, default=12, metavar="N", help="pictures of an interpolation (default: 12)"
    )


def add_conditions(parser: argparse.ArgumentParser, help: str) -> None:
    """Declare `--set ATTRIBUTE=VALUE`."""
    parser.add_argument("--set", action="append", default=[], type=assignment, metavar="ATTRIBUTE=VALUE", help=help)


def conditions_set(args: argparse.Namespace, schema: Any) -> dict[str, str]:
    """What `--set` says, as the schema spells it.

    Raises:
        ConditionError: If an attribute or a value is unknown, or an attribute gets more values than a picture has.
    """
    given: dict[str, list[str]] = {}
    for name, value in args.set:
        for attribute, known in schema.values_of(schema.encode({name: value})).items():
            given[attribute] = list(dict.fromkeys([*given.get(attribute, []), *known]))
    return schema.decode(schema.encode(given))


def run(args: argparse.Namespace) -> int:
    """Draw, write and say what is where."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    option = "--best-of" if args.best_of is not None else "--reject" if args.reject is not None else None
    if option and (args.grid or args.interpolate is not None or args.list):
        raise ConditionError(f"{option} is for single pictures: leave out --grid, --interpolate and --list.")
    if option and args.model is None:
        raise ConditionError(f"{option} asks the discriminator of a run: give --model.")
    if not args.list:
        refuse_unwritable(args.out)
    discriminator = None
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.models.loading import load, shipped_model_path

        if option:
            model, discriminator = with_discriminator(args.model)
        else:
            model = load(shipped_model_path() if args.model is None else args.model)
    if model.asks != "sampler":
        verb = {"translator": "translate", "upscaler": "upscale"}[model.asks]
        raise ConditionError(f"{args.model} makes pictures of pictures: use tfproductgan {verb}.")
    if args.list:
        return _list(model, console, args.model)
    conditions, seed = asked_for(args, model.schema)
    if args.wanted_text is not None:
        conditions = {**conditions, "text": args.wanted_text}
        model.schema.encode(conditions)  # says what cannot be before anything is drawn
    rows = [conditions] if args.wanted_vectors is None else _with_vectors(args, model.schema, conditions)
    for note in unknown_words(model.schema, conditions):
        print(f"Note: {note}")
    chooser: BestOf | RejectionSampling | None = None
    if args.best_of is not None:
        chooser = _best_of(args, model, discriminator, console)
    elif args.reject is not None:
        chooser = _rejection(args, model, discriminator, console)
    with console.status("Drawing"):
        if chooser is not None:
            written = _chosen(args, chooser, rows, seed)
        elif args.grid:
            written = _grid(args, model, rows[0], seed)
        elif args.interpolate is not None:
            written = _interpolation(args, model, rows[0], seed)
        else:
            written = _pictures(args, model, rows, seed)
    for path, shown in written:
        print(f"{path}  {shown}")
    print(f"Drawn by {model.model_id}.")
    return 0


def asked_for(args: argparse.Namespace, schema: Any) -> tuple[dict[str, str], int]:
    """Conditions and seed from the words and the options together.

    Raises:
        ConditionError: If a word or condition is unknown, or there are two seeds.
    """
    from tfproductgan.sampling.requests import parse_request

    conditions, seed = parse_request(" ".join(args.words), schema, conditions_set(args, schema))
    if None not in (seed, args.seed) and seed != args.seed:
        raise ConditionError(f"One request has one seed. Received: 'seed {seed}' and --seed {args.seed}")
    return conditions, next((given for given in (seed, args.seed) if given is not None), 0)


def unknown_words(schema: Any, conditions: Mapping[str, str]) -> list[str]:
    """Lines about words of a text that the titles do not have, or hardly: what becomes of them is a guess."""
    text = conditions.get("text")
    unknown = schema.vocabulary.unknown(text) if text and schema.vocabulary is not None else []
    if not unknown:
        return []
    listed = " or ".join(map(repr, unknown))
    return [f"no title that it has learnt from, or hardly any, has {listed}: read by parts of words that are known."]


def _with_vectors(args: argparse.Namespace, schema: Any, conditions: Mapping[str, str]) -> list[dict[str, str]]:
    """Conditions with each vector of a file.

    Raises:
        ConditionError: If there are none, of the model's length, or more than can be drawn so.
    """
    import numpy as np

    from tfproductgan.conditions import with_text

    try:
        vectors = np.load(args.wanted_vectors, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConditionError(f"{args.wanted_vectors} is no file that numpy.save wrote: {error}") from error
    if not isinstance(vectors, np.ndarray):
        raise ConditionError(f"{args.wanted_vectors} holds several arrays, and one is needed: save it as .npy.")
    rows: Any = with_text(conditions, args.wanted_text, np.atleast_2d(vectors))
    rows = rows if isinstance(rows, list) else [rows]
    for row in rows:
        schema.encode(row)
    if len(rows) > 1 and (args.grid or args.interpolate is not None):
        raise ConditionError(f"--grid and --interpolate take one vector. {args.wanted_vectors} holds {len(rows)}")
    return rows


def _pictures(args: argparse.Namespace, model: Any, rows: list[dict[str, str]], seed: int) -> Written:
    from tfproductgan.sampling import files, grids

    requests = model.plan(rows, count=args.count, seed=seed, truncation=args.truncation)
    paths = [Path(args.out, files.picture_name(request)) for request in requests]
    for path in paths:
        refuse_to_overwrite(path, args.overwrite)
    pictures = grids.in_proportion(model.draw(requests), model.schema)
    for path, picture, request in zip(paths, pictures, requests, strict=True):
        files.write_png(path, picture, request, model.model_id, args.overwrite)
    return [(path, _words(request)) for path, request in zip(paths, requests, strict=True)]


def _best_of(args: argparse.Namespace, model: Any, discriminator: Any, console: Any) -> BestOf:
    """What draws candidates and keeps the best, by whoever is at hand to say which that is."""
    from tfproductgan.metrics.best_of import BestOf
    from tfproductgan.metrics.classifier import CatalogueClassifier
    from tfproductgan.training.evaluation import announced_extractor

    classifier, catalogue = None, _photos(args, model)
    if catalogue is None:
        print(f"Note: no classifier says what pictures show: the photos of {args.model} are not at hand.")
    else:
        with console.status("Preparing the classifier"):
            judge = announced_extractor(None, catalogue, console)
        classifier = judge if isinstance(judge, CatalogueClassifier) else None
    chooser = BestOf(model, args.best_of, discriminator, classifier)
    if discriminator is None:
        print(f"Note: no discriminator says how real pictures look: {args.model} holds none.")
    return chooser


def _rejection(args: argparse.Namespace, model: Any, discriminator: Any, console: Any) -> RejectionSampling:
    """What draws candidates until one is accepted, by how far the discriminator can be believed on photos."""
    from tfproductgan.metrics.rejection import RejectionSampling, scale_on_photos

    if discriminator is None:
        raise JudgementError(
            f"--reject asks the discriminator that the model learnt from, and {args.model} holds none: give the run "
            "directory of a GAN, or one of its checkpoints."
        )
    catalogue, scale = _photos(args, model), 1.0
    split = next((split for split in ("validation", "test") if catalogue is not None and catalogue.size(split)), None)
    if split is None:
        print("Note: the discriminator is taken at its word: no held-out photos are at hand to say how right it is.")
    else:
        with console.status("Asking the discriminator about photos"):
            scale = scale_on_photos(model, discriminator, catalogue, split)
        if not scale:
            print(
                "Note: nothing is rejected: to the discriminator held-out photos look no more real than what is drawn."
            )
    return RejectionSampling(model, discriminator, args.reject, scale)


def _photos(args: argparse.Namespace, model: Any) -> Any:
    """The catalogue that a run was trained on, or `None` if it is not at hand."""
    from tfproductgan.cli.evaluate import photos_of, run_of

    try:
        return photos_of(without_data(args), run_of(Path(args.model)), model.schema)
    except CatalogueError:
        return None


def _chosen(
    args: argparse.Namespace, chooser: BestOf | RejectionSampling, rows: list[dict[str, str]], seed: int
) -> Written:
    from tfproductgan.sampling import files, grids

    asked = chooser.plan(rows, count=args.count, seed=seed, truncation=args.truncation)
    ending = f"-{chooser.method}"
    slugs = [files.request_slug(request, files.LONGEST_STEM - len(ending)) for request in asked]
    paths = [Path(args.out, f"{slug}{ending}.png") for slug in slugs]
    for path in paths:
        refuse_to_overwrite(path, args.overwrite)
    shown = []
    for path, kept in zip(paths, chooser.choose(asked), strict=True):
        [picture] = grids.in_proportion(kept.picture[None], chooser.schema)
        facts = {"best_of": args.best_of} if args.reject is None else {"rejection": args.reject, "how": kept.how}
        described = {**files.describe_request(kept.request), **facts, "asked_seed": kept.asked.seed}
        image = files.annotate(files.to_image(picture), "picture", chooser.model.model_id, **described)
        files.write_png(path, image, overwrite=args.overwrite)
        shown.append((path, f"{_words(kept.asked)}: {kept.how}, itself seed {kept.request.seed}"))
    return shown


def _grid(args: argparse.Namespace, model: Any, conditions: Mapping[str, str], seed: int) -> Written:
    from tfproductgan.sampling import files, grids

    what, (rows, columns) = " by ".join(args.grid), [*args.grid, None][:2]
    names = files.value_names(conditions)
    stem = files.file_stem(["grid", what, *names], seed, args.truncation)
    path = Path(args.out, f"{stem}.png")
    refuse_to_overwrite(path, args.overwrite)
    grid = grids.attribute_grid(model, rows, columns, seed, args.truncation, given=conditions)
    files.write_png(path, grid, overwrite=args.overwrite)
    shown = [f"seed {seed}" if len(args.grid) == 2 else f"seeds from {seed}", *names]
    for attribute in map(model.schema.attribute, args.grid):
        if len(attribute.values) > grids.MOST_VALUES:
            shown.append(f"the {grids.MOST_VALUES} most frequent of {len(attribute.values)} {attribute.name} values")
    return [(path, f"{what}: {', '.join(shown)}")]


def _interpolation(args: argparse.Namespace, model: Any, conditions: Mapping[str, str], seed: int) -> Written:
    from tfproductgan.sampling import files, grids, requests, strips

    changed, other_seed = requests.parse_request(args.interpolate, model.schema)
    other_seed = seed if other_seed is None else other_seed
    [first] = model.plan(conditions, count=1, seed=seed, truncation=args.truncation)
    [second] = model.plan({**conditions, **changed}, count=1, seed=other_seed, truncation=args.truncation)
    half = files.LONGEST_STEM // 2 - 2  # of the name
    stem = f"{files.request_slug(first, half)}-to-{files.request_slug(second, half)}"
    strip_path, gif_path = Path(args.out, f"{stem}.png"), Path(args.out, f"{stem}.gif")
    for path in (strip_path, gif_path):
        refuse_to_overwrite(path, args.overwrite)
    frames = grids.in_proportion(model.interpolate(first, second, args.steps), model.schema)
    strip = strips.interpolation_strip(frames, first, second, model.model_id)
    files.write_png(strip_path, strip, overwrite=args.overwrite)
    strips.write_interpolation_gif(gif_path, frames, first, second, model.model_id, args.overwrite)
    shown = f"{_words(first)} to {_words(second)} in {args.steps} steps"
    return [(strip_path, shown), (gif_path, "the same, there and back")]


def _list(model: Any, console: Any, path: str | None) -> int:
    """Print what the model, from `--model` if a path is given, can be asked for, with an example made of it."""
    from tfproductgan.cli.inspect import schema_table

    schema = model.schema
    source = f"--model {shlex.quote(path)} " if path else ""
    if schema.attributes:
        console.print(schema_table(schema))
        example = model.plan(seed=0)[0].conditions
        asked = " ".join(f"--set {shlex.quote(f'{name}={value}')}" for name, value in example.items())
        print(f"Such as: tfproductgan generate {source}{asked}")
    if schema.reads_words:
        words = schema.vocabulary.words
        print(f"Or in words of your own, of which titles have {len(words):,}, most often {', '.join(words[:12])}:")
        print(f"  tfproductgan generate {source}--text {shlex.quote(' '.join(words[:3]))}")
    elif schema.vocabulary is not None:
        print(f"Or by vectors of texts, {schema.vocabulary.length} numbers each, as of {schema.text}:")
        print(f"  tfproductgan generate {source}--text-vectors vectors.npy")
    elif not schema.attributes:
        print(f"{model.model_id} has no attributes to ask for, only seeds.")
    return 0


def _words(request: Any) -> str:
    from tfproductgan.sampling.files import value_names

    return ", ".join([*value_names(request.conditions), f"seed {request.seed}"])


def assignment(text: str) -> tuple[str, str]:
    """An attribute and a value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected ATTRIBUTE=VALUE, such as colour=Gold. Received: {text!r}")
    return name, value


def _grid_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if len(names) > 2 or not all(names):
        raise argparse.ArgumentTypeError(f"expected one attribute or two, such as category,colour. Received: {text!r}")
    return names
