"""`tfproductgan batch`: a table of requests, or a folder of photos, made one by one, with a manifest to go on from."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tfproductgan.cli.generate import add_conditions, conditions_set
from tfproductgan.cli.photo_files import FORMATS, add_output_options, photos_in, write_as_asked
from tfproductgan.cli.values import digits
from tfproductgan.errors import CatalogueError, ConditionError, PhotoError, ProductGANError, nearest
from tfproductgan.writing import append_json_line, locked, read_json_lines, refuse_to_overwrite

HELP = """\
Make many pictures: a row of a table, or a photo of a folder, each.

  tfproductgan batch requests.csv --model runs/products --out made/    columns: attributes, seed, truncation, name
  tfproductgan batch requests.csv --model runs/shoes --out made/       with a column picture, if pictures go in
  tfproductgan batch photos/ --model runs/sharp --out large/ --format webp --shape 1:1

What is made is written into manifest.jsonl beside it. The same command goes on where it was stopped and tries again
what could not be made; a row that is wrong does not keep the others."""

MANIFEST = "manifest.jsonl"
_MOST_SHOWN = 10  # failures
_LONGEST = 150  # bytes of what a picture shows, in names


@dataclasses.dataclass(frozen=True)
class _Row:
    """One request: where it stands, what it says by column, and why it cannot be read, if so."""

    place: str
    said: Mapping[str, str]
    number: int
    problem: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "requests", type=Path, metavar="TABLE", help="a table (CSV, JSON, Parquet), or a folder of photos"
    )
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory or .keras file")
    add_conditions(parser, "what all pictures show, unless their row says otherwise; can be given several times")
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is not made yet; what cannot be is named at the end."""
    from rich.console import Console
    from rich.progress import track

    from tfproductgan.cli.main import print_error
    from tfproductgan.cli.quiet import import_tensorflow

    if args.out.suffix and not args.out.is_dir():
        raise ConditionError(f"--out is a folder, which also takes the manifest. Received: {str(args.out)!r}")
    if not args.requests.exists():
        raise CatalogueError(f"{str(args.requests)!r} does not exist. Give a table of requests, or a folder of photos.")
    console = Console()
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.models.loading import load
        from tfproductgan.sampling.files import KEY, annotate, to_image

        model = load(args.model)
    common = conditions_set(args, model.schema)
    rows = _photos(args, model) if args.requests.is_dir() else _table(args, model)
    with locked(args.out):
        manifest = args.out / MANIFEST
        made = {line["key"]: line["file"] for line in read_json_lines(manifest) if "file" in line and "key" in line}
        known, failed = 0, []
        taken: dict[Path, str] = {}
        inputs = {Path(row.said["picture"]).resolve() for row in rows if "picture" in row.said}
        for row in track(rows, "Making pictures", console=Console(stderr=True), disable=not console.is_terminal):
            try:
                job = _job(model, row, common)
                path = args.out / _file_name(row, job.stem, args.format)
                if path.resolve() in inputs:
                    raise ConditionError(f"{str(path)!r} is what is read: give another --out.")
                if taken.setdefault(path, row.place) != row.place:
                    raise ConditionError(f"it would become {path}, as {taken[path]} does.")
                key = _key(args, model.model_id, job, path.name)
                if made.get(key) == path.name and path.is_file():
                    known += 1
                    continue
                refuse_to_overwrite(path, args.overwrite)
                image = annotate(to_image(job.draw()), job.kind, model.model_id, **job.facts)
                write_as_asked(path, image, args)
            except ProductGANError as error:
                failed.append((row.place, str(error)))
                append_json_line(manifest, {"row": row.place, "error": str(error)})
                continue
            append_json_line(manifest, {"row": row.place, "file": path.name, "key": key, **image.info[KEY]})
    print(f"{len(rows) - len(failed) - known} made, {known} were there, {len(failed)} failed: {manifest}")
    for place, why in failed[:_MOST_SHOWN]:
        print_error(ConditionError(f"{place}: {why}"))
    if len(failed) > _MOST_SHOWN:
        print_error(ConditionError(f"{len(failed) - _MOST_SHOWN} more failed: see {manifest}"))
    return 1 if failed else 0


def _photos(args: argparse.Namespace, model: Any) -> list[_Row]:
    """A row for each photo of a folder."""
    if model.asks == "sampler":
        raise ConditionError(f"{args.model} is asked by name and takes no photos: give a table of requests.")
    photos = photos_in([args.requests])
    return [_Row(photo.name, {"picture": str(photo), "name": photo.stem}, n) for n, photo in enumerate(photos)]


def _table(args: argparse.Namespace, model: Any) -> list[_Row]:
    """The rows of a table.

    Raises:
        CatalogueError: If it cannot be read, or has a column that the model cannot be asked for.
    """
    from tfproductgan.catalogue.tables import read_table

    try:
        table = read_table(args.requests.read_bytes(), args.requests.name)
    except OSError as error:
        raise CatalogueError(f"{str(args.requests)!r} cannot be read: {error.strerror}") from error
    known = {
        "sampler": ["name", "seed", "truncation"],
        "translator": ["name", "picture", *(["to"] if len(getattr(model, "directions", ())) > 1 else [])],
        "upscaler": ["name", "picture"],
    }[model.asks] + list(model.schema.can_be_asked)
    names = {name.casefold(): name for name in known}
    for column in table.columns:
        if column.strip().casefold() not in names:
            raise CatalogueError(
                f"{args.requests.name} has a column {column!r}, which {args.model} cannot be asked for: "
                f"{nearest(column, known)}"
            )
    if model.asks != "sampler" and not table.has("picture"):
        raise CatalogueError(f"{args.requests.name} has no column 'picture', and {args.model} takes pictures.")
    columns = {names[column.strip().casefold()]: table.texts(column) for column in table.columns}
    places = [f"line {line}" for line in table.lines] or [f"row {n + 1}" for n in range(table.num_rows)]
    folder, rows = args.requests.parent, []
    for number, place in enumerate(places):
        said = {name: texts[number] for name, texts in columns.items() if texts[number]}
        if "picture" in said:
            said["picture"] = str(folder / said["picture"])
        fields = table.uneven.get(number)
        problem = f"it has {fields} fields, and the header {len(table.columns)}." if fields else ""
        rows.append(_Row(place, said, number, problem))
    skipped = [_Row(where, {}, table.num_rows + n, why) for n, (where, why) in enumerate(table.skipped)]
    return rows + skipped


@dataclasses.dataclass(frozen=True)
class _Job:
    """A picture that a row asks for: what its file may be called, what is known of it, and who draws it."""

    stem: str
    kind: str
    facts: dict[str, Any]
    draw: Callable[[], Any]
    photo: bytes = b""


def _job(model: Any, row: _Row, common: Mapping[str, str]) -> _Job:
    """What a row asks for.

    Raises:
        ConditionError: If it asks for what cannot be.
        PhotoError: If its picture cannot be read.
    """
    from tfproductgan.sampling.files import describe_request, request_slug
    from tfproductgan.sampling.grids import in_proportion

    if row.problem:
        raise ConditionError(row.problem)
    schema, said = model.schema, row.said
    named = {name: value for name, value in said.items() if name in schema.can_be_asked}
    conditions = schema.decode(schema.encode({**common, **named}))  # as the schema spells it
    if model.asks == "sampler":
        seed = _number("seed", digits, said.get("seed", str(row.number)))
        truncation = _number("truncation", float, said.get("truncation", "1"))
        [request] = model.plan(conditions, count=1, seed=seed, truncation=truncation)
        stem, facts = request_slug(request, _LONGEST), describe_request(request)
        return _Job(stem, "picture", facts, lambda: in_proportion(model.draw([request]), schema)[0])
    if "picture" not in said:
        raise PhotoError("it names no picture.")
    path = Path(said["picture"])
    try:
        photo = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{said['picture']!r} cannot be read: {error.strerror}") from error
    if model.asks == "upscaler":
        facts = {"source": path.name, "scale": model.scale}
        return _Job(path.stem, "upscaling", facts, lambda: model.upscale(path), photo)
    way = {"to": said["to"]} if "to" in said else {}
    facts = {"source": path.name, "conditions": conditions, **way}
    return _Job(path.stem, "translation", facts, lambda: model.translate(path, conditions, **way), photo)


def _key(args: argparse.Namespace, model_id: str, job: _Job, name: str) -> str:
    """Changes with all that a file depends on."""
    facts = [name, model_id, job.kind, job.facts, args.shape, args.longest]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode() + job.photo).hexdigest()[:16]


def _file_name(row: _Row, stem: str, form: str) -> str:
    """The name of the file: that of the row, or its number and what it shows."""
    from tfproductgan.sampling.files import LONGEST_STEM, shortened

    name = row.said.get("name")
    if name is None:
        return f"{row.number + 1:05d}-{shortened(stem, LONGEST_STEM - 6)}.{form}"
    if name != Path(name).name or name.startswith("."):
        raise ConditionError(f"name is that of a file, without folders. Received: {name!r}")
    given = Path(name).suffix.casefold()[1:]
    return name if given in FORMATS else f"{shortened(name, LONGEST_STEM)}.{form}"


def _number(what: str, convert: Any, text: str) -> Any:
    try:
        return convert(text)
    except ValueError:
        raise ConditionError(f"{what} must be a number. Received: {text!r}") from None
