"""`tfproductgan edit`: pictures changed along directions, mixed, and found of photos."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import add_data_options
from tfproductgan.cli.evaluate import photos_of, run_of
from tfproductgan.cli.generate import Written, add_conditions, asked_for
from tfproductgan.cli.values import number, positive, whole
from tfproductgan.errors import CatalogueError, ConditionError, PhotoError, RunError
from tfproductgan.writing import expanded, refuse_to_overwrite, refuse_unwritable

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from tfproductgan.models.editing import Along, Drawing, Editor, Towards

HELP = """\
Change pictures that a model draws.

  tfproductgan edit runs/shop ring gold --seed 7                           what its directions do: a sheet
  tfproductgan edit runs/shop ring gold --seed 7 --direction 2             along one of them: a strip
  tfproductgan edit runs/shop ring gold --seed 7 --direction 2 --strength 1.5
  tfproductgan edit runs/shop ring gold --direction colour=Silver          towards a value, all else held
  tfproductgan edit runs/shop ring --photo my-ring.jpg                     the picture nearest to a photo
  tfproductgan edit runs/shop --photo pictures/my-ring-found-ring-seed0.png --direction 2   and on from there
  tfproductgan edit runs/faces man --mix "woman, seed 3" --layer 4         the fine traits of another (stylegan2)

Directions are found from the weights; 1 changes pictures most. A picture's file says what it was drawn from, so it can
be edited again: the same model, words, seed and edits give the same picture."""

_ROWS = 6  # directions on the sheet
_STRENGTHS = {True: (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0), False: (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("model", metavar="MODEL", help="run directory or .keras file")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="REQUEST",
        help="what to start from, as for generate: values of any attributes, and 'seed N'",
    )
    add_conditions(parser, "one condition by the name of its attribute; can be given several times")
    parser.add_argument("--seed", type=whole, metavar="N", help="seed of the picture (default: 0)")
    parser.add_argument("--truncation", type=number, default=1.0, metavar="T", help="as for generate (default: 1)")
    parser.add_argument("--out", default="pictures", metavar="FOLDER", help="where the files go (default: pictures)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same name")
    group = parser.add_argument_group("edits")
    what = group.add_mutually_exclusive_group()
    what.add_argument(
        "--direction",
        type=_direction,
        metavar="N|ATTRIBUTE=VALUE",
        help="the number of a direction, or a value to go towards",
    )
    what.add_argument("--mix", metavar="WORDS", help="another picture, whose fine traits are taken")
    group.add_argument(
        "--strength",
        type=number,
        nargs="+",
        metavar="S",
        help="how far: in standard deviations along a direction, 1 for the whole way to a value; one makes a picture, "
        "several make a strip (default: a strip of -3 to 3, or of 0 to 1.25)",
    )
    group.add_argument(
        "--layers", type=_layers, metavar="A-B", help="the layers that are changed, 0-3 for coarse ones (stylegan2)"
    )
    group.add_argument(
        "--layer", type=whole, metavar="N", help="of --mix, the first layer that is the other's (default: all, a strip)"
    )
    group = parser.add_argument_group("photos")
    group.add_argument(
        "--photo",
        metavar="PATH",
        help="start from the picture nearest to a photo, which REQUEST describes; of a picture that this model drew, "
        "from what it was drawn from",
    )
    group.add_argument("--steps", type=positive, default=300, metavar="N", help="of the search (default: 300)")
    group.add_argument(
        "--extractor",
        metavar="NAME",
        help="whose feature maps photo and picture are compared by, beside pixels: catalogue, efficientnet-lite0, "
        "keras:APPLICATION, file or none (default: catalogue, of a run that says where its photos are; else none)",
    )
    group.add_argument("--extractor-file", metavar="PATH", help="its weights, such as those of SqueezeNet")
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Start, edit, write and say what is where."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    if args.strength and args.direction is None:
        raise ConditionError("--strength is how far to go along a --direction: give that too.")
    if args.layer is not None and args.mix is None:
        raise ConditionError("--layer is where another picture begins: give --mix too, or choose by --layers.")
    if args.layers is not None and args.mix is not None:
        raise ConditionError("--mix takes all layers from one on: give --layer in the place of --layers.")
    if args.photo and args.truncation != 1:
        raise ConditionError("--truncation belongs to a seed, in whose place --photo comes: leave one of them out.")
    console = Console(highlight=False, soft_wrap=True)
    refuse_unwritable(args.out)
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.models.editing import Drawing, Editor
        from tfproductgan.models.loading import load

        model = load(args.model)
    if model.asks != "sampler":
        raise ConditionError(f"{args.model} makes pictures of pictures and has nothing to edit: use translate.")
    editor = Editor(model)
    if args.photo:
        start, written = _photo(args, editor, console)
        edited = args.direction is not None or args.mix is not None
    else:
        conditions, seed = asked_for(args, model.schema)
        [request] = model.plan(conditions, count=1, seed=seed, truncation=args.truncation)
        start, written, edited = Drawing(request), [], True
    if edited:
        with console.status("Drawing"):
            written += _edited(args, editor, start)
    for path, shown in written:
        print(f"{path}  {shown}")
    print(f"Drawn by {model.model_id}.")
    return 0


# === Edits ===


def _edited(args: argparse.Namespace, editor: Editor, start: Drawing) -> Written:
    if args.mix is not None:
        return _mixture(args, editor, start)
    if args.direction is None:
        return _directions(args, editor, start)
    by_number = isinstance(args.direction, int)
    strengths = args.strength or _STRENGTHS[by_number]
    steps = [start.after(_edit(args, strength)) for strength in strengths]
    if len(steps) == 1:
        return _one(args, editor, steps[0])
    what = f"direction {args.direction}" if by_number else f"towards {args.direction[1]}"
    labels = [f"{strength:g}" for strength in strengths]
    return _sheet(args, editor, [steps], [], labels, start, what)


def _directions(args: argparse.Namespace, editor: Editor, start: Drawing) -> Written:
    from tfproductgan.models.editing import Along

    count = min(_ROWS, len(editor.axes(args.layers)[0]))
    numbers = range(1, count + 1)
    rows = [[start.after(Along(n, s, args.layers)) for s in _STRENGTHS[True]] for n in numbers]
    labels = [f"{s:g}" for s in _STRENGTHS[True]]
    return _sheet(args, editor, rows, [f"direction {n}" for n in numbers], labels, start, f"directions 1 to {count}")


def _mixture(args: argparse.Namespace, editor: Editor, start: Drawing) -> Written:
    from tfproductgan.models.editing import Mixed
    from tfproductgan.sampling.requests import parse_request

    schema, first = editor.model.schema, start.request
    changed, seed = parse_request(args.mix, schema)
    seed = first.seed if seed is None else seed
    [other] = editor.model.plan({**first.conditions, **changed}, count=1, seed=seed, truncation=first.truncation)
    if args.layer is not None:
        return _one(args, editor, start.after(Mixed(other, args.layer)))
    layers = range(editor.num_styles(), -1, -1)
    labels = ["the first", *(f"from layer {layer}" for layer in layers[1:-1]), "the other"]
    what = f"mixed with {' '.join([*changed.values(), f'seed {seed}'])}"
    return _sheet(args, editor, [[start.after(Mixed(other, n)) for n in layers]], [], labels, start, what)


def _edit(args: argparse.Namespace, strength: float) -> Along | Towards:
    from tfproductgan.models.editing import Along, Towards

    if isinstance(args.direction, int):
        return Along(args.direction, strength, args.layers)
    attribute, value = args.direction
    return Towards(attribute, value, strength, args.layers)


def _one(args: argparse.Namespace, editor: Editor, drawing: Drawing) -> Written:
    from tfproductgan.sampling import edits

    path = Path(args.out, f"{edits.drawing_stem(drawing, photo=args.photo)}.png")
    refuse_to_overwrite(path, args.overwrite)
    [picture] = editor.draw([drawing])
    return [_write(args, path, edits.annotated_picture(drawing, picture, editor.model), edits.drawing_words(drawing))]


def _sheet(
    args: argparse.Namespace,
    editor: Editor,
    rows: Sequence[Sequence[Drawing]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    start: Drawing,
    what: str,
) -> Written:
    from tfproductgan.sampling import edits

    within = "" if args.layers is None else f" in layers {args.layers[0]} to {args.layers[1]}"
    done = [edits.edit_words(edit) for edit in start.edits]
    path = Path(args.out, f"{edits.drawing_stem(start, [*done, what + within], args.photo)}.png")
    refuse_to_overwrite(path, args.overwrite)
    sheet = edits.edit_sheet(editor, rows, row_labels, column_labels)
    return [_write(args, path, sheet, f"{edits.drawing_words(start)}, {what}{within}: {', '.join(column_labels)}")]


def _write(args: argparse.Namespace, path: Path, image: Image.Image, shown: str) -> tuple[Path, str]:
    from tfproductgan.sampling.files import write_png

    return write_png(path, image, overwrite=args.overwrite), shown


# === Photos ===


def _photo(args: argparse.Namespace, editor: Editor, console: Any) -> tuple[Drawing, Written]:
    """What a photo is drawn from: known, of a picture that this model drew, or sought and written."""
    drawing = drawing_of_file(args, args.photo, editor.model.model_id)
    if drawing is not None and args.words:
        raise ConditionError(f"{args.photo} says itself what it shows: leave {' '.join(args.words)!r} out.")
    return _found(args, editor, console) if drawing is None else (drawing, [])


def drawing_of_file(args: argparse.Namespace, path: str, model_id: str) -> Drawing | None:
    """What a picture was drawn from, if the model drew it; `None` of all others.

    Raises:
        ConditionError: If the command says what the file says itself.
        RunError: If the model drew it, but not as a single picture.
    """
    from tfproductgan.sampling.edits import read_drawing
    from tfproductgan.sampling.files import read_metadata

    try:
        facts = read_metadata(path)
    except RunError:  # any photo
        return None
    if facts.get("model_id") != model_id:
        print(f"Note: {path} was drawn by {facts.get('model_id')}, so it is taken for a photo.")
        return None
    if args.set or args.seed is not None:
        raise ConditionError(f"{path} says itself what it shows and with which seed: leave that out.")
    return read_drawing(facts)


def _found(args: argparse.Namespace, editor: Editor, console: Any) -> tuple[Drawing, Written]:
    """The picture nearest to a photo, sought and written."""
    from tfproductgan.models.editing import Drawing
    from tfproductgan.models.projection import project
    from tfproductgan.sampling import edits

    model, name = editor.model, Path(args.photo).name
    conditions, seed = asked_for(args, model.schema)
    photo, resized = fitted_photo(args.photo, model.schema)
    # what cannot be is said before the search, which takes long
    [request] = model.plan(conditions, count=1, seed=seed, complete=False)
    if args.direction is not None:
        editor.styles_of(Drawing(request).after(_edit(args, 0.0)))
    if args.mix is not None:
        editor.num_styles()
    stem = edits.drawing_stem(Drawing(request), photo=args.photo)
    paths = Path(args.out, f"{stem}.png"), Path(args.out, f"{stem}-beside-photo.png")
    for path in paths:
        refuse_to_overwrite(path, args.overwrite)
    if resized:
        print(f"Note: {resized}")
    maps = _maps(args, model, console)
    with console.status("Looking for the nearest picture"):
        projection = project(model, photo, conditions, seed, args.steps, maps)
    facts = {"photo": name, "error": round(projection.error, 2)}
    picture = edits.annotated_picture(projection.drawing, projection.picture, model, **facts)
    begun = f"{projection.start_error:.1f} of the nearest of those drawn before"
    shown = f"nearest to {name}: error {projection.error:.1f} of 255 levels ({begun})"
    return projection.drawing, [
        _write(args, paths[0], picture, shown),
        _write(args, paths[1], edits.beside_photo(projection, photo, model, name), "both side by side"),
    ]


def fitted_photo(path: str, schema: Any) -> tuple[np.ndarray, str]:
    """A photo as the catalogue of a schema would hold it, uint8 `[S, S, C]`, and a sentence if it had another size.

    Raises:
        PhotoError: If it cannot be read.
    """
    from tfproductgan.catalogue.photos import open_photo, place

    try:
        image = open_photo(expanded(path).read_bytes(), path)
    except OSError as error:
        raise PhotoError(f"{path!r} cannot be read: {error.strerror}") from error
    size = schema.image_size
    said = f"{Path(path).name} has {image.width} x {image.height} pixels and is fitted into the {size} x {size}"
    photo, _ = place(image, size, channels=schema.channels)
    return photo, "" if image.size == (size, size) else f"{said} of the model."


def _maps(args: argparse.Namespace, model: Any, console: Any) -> Any:
    """What compares a photo and a picture beside pixels; `None` if nothing does, which is said."""
    from tfproductgan.metrics.extractors import get_extractor
    from tfproductgan.training.evaluation import announced_extractor

    named = args.extractor or ("file" if args.extractor_file else None)
    if named == "none":
        return None
    with console.status("Preparing the extractor"):
        if named in (None, "catalogue"):
            try:
                catalogue = photos_of(args, run_of(Path(args.model)), model.schema)
            except CatalogueError as error:
                if named:
                    raise
                print(f"Note: photo and picture are compared by pixels alone ({str(error).rstrip('.')}).")
                return None
            if not catalogue.schema.attributes:
                print("Note: photo and picture are compared by pixels alone (the photos have no labels to learn from).")
                return None
            extractor = announced_extractor("catalogue", catalogue, console)
        else:
            extractor = get_extractor(named, path=args.extractor_file)
    print(f"Photo and picture are compared by pixels and by {extractor.id}.")
    return extractor.maps_of


# === Words of options ===


def _direction(text: str) -> int | tuple[str, str]:
    attribute, equals, value = text.partition("=")
    if equals:
        return attribute.strip(), value.strip()
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise argparse.ArgumentTypeError(
            f"expected a number or ATTRIBUTE=VALUE, such as colour=Gold. Received: {text!r}"
        )
    return int(text)


def _layers(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"expected layers such as 0-3, or one. Received: {text!r}")
    return int(found[1]), int(found[2] or found[1])
