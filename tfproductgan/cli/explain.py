"""`tfproductgan explain`: why a picture is what it is, as a figure and a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tfproductgan.cli.at_hand import with_discriminator
from tfproductgan.cli.data_options import add_data_options
from tfproductgan.cli.edit import drawing_of_file, fitted_photo
from tfproductgan.cli.evaluate import photos_of, run_of
from tfproductgan.cli.generate import add_conditions, asked_for, conditions_set
from tfproductgan.cli.values import number, whole
from tfproductgan.errors import CatalogueError, ConditionError
from tfproductgan.writing import expanded, refuse_to_overwrite, refuse_unwritable, write_text

if TYPE_CHECKING:
    import numpy as np

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.metrics.feature_extractor import FeatureExtractor
    from tfproductgan.metrics.memorisation import NearPhotos
    from tfproductgan.models.editing import Drawing
    from tfproductgan.reports.explanation import Explanation

HELP = """\
Say why a picture is what it is.

  tfproductgan explain ring gold --seed 7 --model runs/shop               a picture asked for by name
  tfproductgan explain pictures/ring-gold-seed7.png --model runs/shop     one that was drawn
  tfproductgan explain my-ring.jpg --set colour=Gold --model runs/shop    any photo

Shows which pixels the discriminator and the classifier of the photos' labels look at, how far each thing that was asked
for moved the picture, and the training photos nearest to it. Writes one PNG and one HTML page. The classifier and the
photos are those of a run, or of --data; the discriminator is in the checkpoints of a run. What is missing is said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "words", nargs="+", metavar="PICTURE_OR_REQUEST", help="a file, or what to draw: values, and 'seed N'"
    )
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory, checkpoint or .keras file")
    add_conditions(parser, "one condition by the name of its attribute; of a photo, what it shows")
    parser.add_argument("--seed", type=whole, metavar="N", help="seed of a picture asked for by name (default: 0)")
    parser.add_argument("--truncation", type=number, default=1.0, metavar="T", help="as for generate (default: 1)")
    parser.add_argument(
        "--out", default="explanations", metavar="FOLDER", help="where the files go (default: explanations)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same name")
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Find out, write and say."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console(highlight=False, soft_wrap=True)
    refuse_unwritable(args.out)
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.reports import charts
        from tfproductgan.reports.explanation import explanation_figure, explanation_page

        model, discriminator = with_discriminator(args.model)
    if model.asks != "sampler":
        raise ConditionError(f"{args.model} makes pictures of pictures: those of models asked by name are explained.")
    shown = _picture(args, model)
    paths = Path(args.out, f"{shown.stem}.png"), Path(args.out, f"{shown.stem}.html")
    for path in paths:
        refuse_to_overwrite(path, args.overwrite)
    explanation = _explain(args, console, model, discriminator, shown)
    figure = explanation_figure(explanation)
    charts.save(figure, paths[0])
    write_text(paths[1], explanation_page(explanation, figure))
    for note in [*explanation.notes, *explanation.incomplete()]:
        print(f"Note: {note}")
    for left in explanation.left_out:
        print(f"{left.attribute} {left.value}: moved the picture by {left.moved:.1f} of 255 levels")
    for path, what in zip(paths, ("the figure", "the page"), strict=True):
        print(f"{path}  {what}")
    return 0


class _Shown(NamedTuple):
    """A picture: what files and people call it, what it was drawn from and asked to show, if known, and a sentence if
    it had another size.
    """

    stem: str
    title: str
    picture: np.ndarray
    drawing: Drawing | None
    conditions: dict[str, str]
    resized: str = ""


def _picture(args: argparse.Namespace, model: Any) -> _Shown:
    from tfproductgan.models.editing import Drawing, Editor
    from tfproductgan.sampling.edits import drawing_stem, drawing_words
    from tfproductgan.sampling.files import LONGEST_STEM, shortened

    file = args.words[0] if len(args.words) == 1 and _is_path(args.words[0]) else None
    drawing = None if file is None else drawing_of_file(args, file, model.model_id)
    if file is not None and drawing is None:
        if args.seed is not None:
            raise ConditionError(f"{file} is taken for a photo, which has no seed: leave --seed out.")
        photo, resized = fitted_photo(file, model.schema)
        stem = shortened(Path(file).stem, LONGEST_STEM)
        return _Shown(stem, Path(file).name, photo, None, conditions_set(args, model.schema), resized)
    if drawing is None:
        conditions, seed = asked_for(args, model.schema)
        [request] = model.plan(conditions, count=1, seed=seed, truncation=args.truncation)
        drawing = Drawing(request)
    [picture] = Editor(model).draw([drawing])
    stem = drawing_stem(drawing) if file is None else shortened(Path(file).stem, LONGEST_STEM)
    return _Shown(stem, drawing_words(drawing), picture, drawing, dict(drawing.request.conditions))


def _is_path(word: str) -> bool:
    """Whether a word names a file, there or not."""
    from tfproductgan.catalogue.photos import EXTENSIONS  # not for help, which has to come at once

    return expanded(word).is_file() or Path(word).suffix.lower() in EXTENSIONS


def _explain(args: argparse.Namespace, console: Any, model: Any, discriminator: Any, shown: _Shown) -> Explanation:
    from tfproductgan.metrics.attribution import attribute, leave_one_out, scores_of
    from tfproductgan.metrics.classifier import CatalogueClassifier
    from tfproductgan.models.editing import Editor
    from tfproductgan.reports.explanation import Explanation
    from tfproductgan.text_vectors import named
    from tfproductgan.training.evaluation import announced_extractor

    schema, notes = model.schema, [shown.resized] if shown.resized else []
    catalogue = extractor = None
    try:
        catalogue = photos_of(args, run_of(Path(args.model)), schema)
        with console.status("Preparing the classifier"):
            extractor = announced_extractor(None, catalogue, console)
    except CatalogueError as error:
        notes.append(f"Neither a classifier nor training photos are at hand: {error}")
    classifier = extractor if isinstance(extractor, CatalogueClassifier) else None
    conditions = shown.conditions
    if not conditions and classifier is not None:
        conditions = schema.decode(classifier.recognise(shown.picture[None])[0])
        notes.append(
            f"Nobody said what it shows: it is taken for {', '.join(conditions.values())}, as the classifier does."
        )
    if discriminator is None:
        notes.append(f"There is no discriminator in {args.model}: give a run directory or a checkpoint of a GAN.")
    with console.status("Looking"):
        names, scores = scores_of(schema, conditions, discriminator, classifier)
        attributions = list(zip(names, attribute(scores, shown.picture), strict=True)) if names else []
        left_out = [] if shown.drawing is None else leave_one_out(Editor(model), shown.drawing, classifier)
        near, captions = _near(shown.picture, extractor, catalogue) if catalogue and extractor else (None, [])
    facts = {
        "model": model.model_id,
        "asked for": ", ".join(f"{name} {named(value)}" for name, value in conditions.items()) or "nothing",
        "classifier": classifier.id if classifier else None,
        "photos": repr(catalogue) if catalogue is not None else None,
        "command": args.command,
    }
    return Explanation(shown.title, shown.picture, schema, attributions, left_out, near, captions, facts, notes)


def _near(picture: np.ndarray, extractor: FeatureExtractor, catalogue: Catalogue) -> tuple[NearPhotos, list[str]]:
    """The nearest training photos, and what they show."""
    from tfproductgan.metrics.features import FeatureCache
    from tfproductgan.metrics.memorisation import near_photos
    from tfproductgan.sampling.files import value_names

    cache = FeatureCache()
    heldout = next((split for split in ("validation", "test") if catalogue.size(split)), None)
    train = cache.of_split(extractor, catalogue, "train").features
    others = cache.of_split(extractor, catalogue, heldout).features if heldout else None
    near = near_photos(picture, train, others, extractor, catalogue)
    conditions = catalogue.conditions("train")
    shown = [value_names(catalogue.schema.decode(conditions[position])) for position in near.positions]
    distances = [f"{distance:.3g}" for distance in near.distances]
    return near, [", ".join([*words, distance]) for words, distance in zip(shown, distances, strict=True)]
