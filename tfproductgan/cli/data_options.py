"""Words of the command line that say which photos and labels to use, shared by the verbs that take data."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.values import parse_names, positive, positive_or_auto, share
from tfproductgan.errors import CatalogueError, require
from tfproductgan.writing import expanded

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.catalogue.preparation import Preparation
    from tfproductgan.catalogue.sources import Source
    from tfproductgan.conditions import ConditionSchema

STUDIO_COUNT = 20_000
LARGEST_IMAGE_SIZE = 1024
STUDIO_ATTRIBUTES = ("category", "colour", "material")
STUDIO_TEXT = "description"


_DATA_HELP = """a folder or zip with one folder a class, or classes in classes (and train/, validation/, test/ above if
you like); a CSV or Parquet table, JSON lines, or a folder or zip that holds one; a folder written by tfproductgan
prepare; studio or studio:COUNT for the built-in catalogue; tfds:NAME for a TensorFlow data set;
a tar, or a folder or pattern of WebDataset shards, such as a-{0000..0003}.tar"""


def add_data_options(parser: argparse.ArgumentParser, positional: bool = False, required: bool = True) -> None:
    """Declare the options that `catalogue_from` and `source_from` read.

    Args:
        parser: Gets them in a group of their own.
        positional: Whether the data is the argument `PATH`, for verbs that only look at it, and not the required
            option `--data`. The folder of a table's photos is then called `--images` too, which for training is a
            number of images; and there are no options that only say how photos become pictures to train on.
        required: Whether `--data` must be given.
    """
    group = parser.add_argument_group("photos and labels")
    if positional:
        group.add_argument("data", metavar="PATH", help=_DATA_HELP)
    else:
        group.add_argument("--data", required=required, metavar="PATH", help=_DATA_HELP)
    group.add_argument(
        "--sources",
        metavar="WHAT",
        help="the pictures that go in, for models that turn pictures into pictures: a folder or zip of pictures called "
        "as the photos in a folder; left or right, where each photo is two pictures side by side; of the studio, lines "
        "or mask",
    )
    if not positional:
        group.add_argument(
            "--unpaired",
            metavar="PATH",
            help="a second set of photos, given as --data is, for models that turn one set into the other and back: "
            "those of --data are B, these are A",
        )
    _add_table_options(group, positional)
    group.add_argument(
        "--image-size",
        type=_image_size,
        metavar="PIXELS",
        help="height and width to train on (default: 64; for TensorFlow data sets, that of their pictures)",
    )
    if not positional:
        _add_picture_options(group)
    group.add_argument(
        "--min-count",
        type=positive_or_auto,
        default="auto",
        metavar="N",
        help="labels on fewer training photos become 'not given' (default: auto, a thousandth of the photos, from 2 to "
        "100; 1 keeps them all)",
    )
    group.add_argument(
        "--max-unreadable",
        type=share,
        default=0.05,
        metavar="SHARE",
        help="stop if more than this share of the photos cannot be read (default: 0.05)",
    )


def _add_table_options(group: argparse._ArgumentGroup, positional: bool) -> None:
    group.add_argument(
        *(["--images"] if positional else []),
        "--images-in",
        dest="images_in",
        metavar="PATH",
        help="folder or zip of the photos a table names (default: where the table is)",
    )
    group.add_argument(
        "--attributes",
        type=parse_names,
        metavar="A,B",
        help="columns of the table to take as labels; for folders, what to call the levels of classes (default: class, "
        "class 2, …)",
    )
    group.add_argument(
        "--multi",
        action="append",
        type=_multi,
        metavar="A=;",
        help="an attribute of the table whose cells hold several values, and what is between them (default: what is "
        "found there); can be given several times",
    )
    group.add_argument("--image-column", metavar="NAME", help="column of the photos' files (default: image, file, …)")
    group.add_argument(
        "--columns",
        type=parse_names,
        metavar="A,B",
        help="names for the columns of a list without a header, such as file,label",
    )
    group.add_argument(
        "--text",
        metavar="NAME",
        help="column of titles, for models that can be asked in words of one's own; of the studio: description",
    )
    group.add_argument(
        "--text-vectors",
        metavar="NAME",
        help="in its place a column of vectors that another program, such as CLIP, has made of the titles: lists of "
        "numbers in a Parquet table",
    )
    group.add_argument("--split-column", metavar="NAME", help="column of the splits (default: split, if there is one)")


def _add_picture_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--styles",
        metavar="PATH",
        help="for --recipe style: a folder of style pictures, each a style of its name (or a folder of several), or "
        "one picture",
    )
    group.add_argument(
        "--masks",
        action="store_true",
        help="for --recipe cutout: photos go in, the masks of their products come out; told from backgrounds of one "
        "colour, of the studio known",
    )
    group.add_argument(
        "--channels", type=int, choices=(1, 3), help="1 for grey, 3 for colour (default: grey if every photo is)"
    )
    group.add_argument(
        "--fit",
        choices=("letterbox", "crop"),
        default="letterbox",
        help="keep whole photos on their own background, or cut their middle (default: letterbox)",
    )


def catalogue_from(
    args: argparse.Namespace, schema: ConditionSchema | None = None, before: ConditionSchema | None = None
) -> Catalogue:
    """The catalogue that the options describe, its photos prepared.

    A `schema` is that of a model, which the photos are taken for: its attributes, values and picture size are kept.
    What was made of the same data `before` says what its labels mean: see `without_gaps`.

    Raises:
        CatalogueError: If the data is missing, cannot be used, or does not have what the options name.
    """
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.catalogue.records import is_prepared

    if args.unpaired is not None:
        return _unpaired(args, schema, before)
    if args.styles is not None:
        return _styled(args, schema)
    if args.masks:
        return _masked(args, schema)
    kind, place = _kind(args, schema)
    if kind == "prepared" and is_prepared(place):
        return _prepared(args, place, schema)
    source, size = source_from(args, schema, before)
    return Catalogue.from_source(source, *preparation_from(args, size, schema, before))


def _styled(args: argparse.Namespace, schema: ConditionSchema | None) -> Catalogue:
    """The photos alone, each with every style picture."""
    from tfproductgan.catalogue.styles import style_files
    from tfproductgan.conditions import ConditionSchema

    if args.sources is not None:
        raise CatalogueError("--styles is for photos alone: give it without --sources.")
    style_files(args.styles)  # says what is missing before photos take time
    bound = schema and ConditionSchema([], schema.image_size, schema.channels, aspect=schema.aspect)
    photos = catalogue_from(argparse.Namespace(**{**vars(args), "styles": None}), bound)
    return photos.with_styles(args.styles, schema)


def _masked(args: argparse.Namespace, schema: ConditionSchema | None) -> Catalogue:
    """The photos alone, each with the mask of its product."""
    from tfproductgan.conditions import ConditionSchema

    if args.sources is not None or args.styles is not None:
        raise CatalogueError("--masks is for photos alone: give it without --sources and --styles.")
    known = {"sources": "mask", "attributes": ["category"]} if _is_studio(args) else {}
    bound = None
    if schema is not None:
        channels, sources = schema.source_channels or 3, 1 if known else None
        bound = ConditionSchema([], schema.image_size, channels, aspect=schema.aspect, source_channels=sources)
    return catalogue_from(argparse.Namespace(**{**vars(args), "masks": False, **known}), bound).with_masks()


def describe_data(args: argparse.Namespace) -> dict[str, Any]:
    """The options of the data, JSON-ready, so that another command can find the same photos from any folder."""
    from tfproductgan.catalogue.shards import shard_paths

    described = {name: getattr(args, name) for name in sorted(_defaults())}
    for name in ("data", "images_in", "styles", "unpaired", *([] if _is_studio(args) else ["sources"])):
        path = described[name] and expanded(described[name])
        if path and (path.exists() or shard_paths(path)):
            described[name] = str(path.absolute())
    return described


def data_described(described: Mapping[str, Any], args: argparse.Namespace) -> argparse.Namespace:
    """The options that `describe_data` wrote, in place of those of a command that does not name its data.

    Raises:
        CatalogueError: If the command has one of them all the same.
    """
    defaults = _defaults()
    for name in sorted(defaults):
        if getattr(args, name) != defaults[name]:
            raise CatalogueError(f"--{name.replace('_', '-')} belongs to --data: give that too.")
    known = {name: described[name] for name in defaults.keys() & described.keys()}
    return argparse.Namespace(**{**vars(args), **defaults, **known})


def without_data(args: argparse.Namespace) -> argparse.Namespace:
    """The words of a verb that has no options of the data, as if it had and none were given."""
    return argparse.Namespace(**{**_defaults(), **vars(args)})


def _defaults() -> dict[str, Any]:
    """The options of the data, as they are parsed if none is given."""
    parser = argparse.ArgumentParser()
    add_data_options(parser, required=False)
    return vars(parser.parse_args([]))


def expected_image_size(args: argparse.Namespace) -> int:
    """The height and width in pixels that `catalogue_from` will most likely give its pictures."""
    from tfproductgan.catalogue.preparation import DEFAULT_IMAGE_SIZE
    from tfproductgan.catalogue.records import dataset_folder, metadata

    folder = None if args.image_size else dataset_folder(expanded(args.data))
    if folder is not None:
        return metadata(folder).get("schema", {}).get("image_size", DEFAULT_IMAGE_SIZE)
    # most TensorFlow data sets of small pictures have 28 or 32, and every network makes 32
    unknown = args.data.startswith("tfds:")
    return args.image_size or (32 if unknown else DEFAULT_IMAGE_SIZE)


def refuse_missing(args: argparse.Namespace) -> None:
    """Refuse a path where there is nothing, which needs no TensorFlow.

    Raises:
        CatalogueError: If there is no such data.
    """
    from tfproductgan.catalogue.shards import shard_paths
    from tfproductgan.catalogue.tables import EXTENSIONS

    places = "Give a folder, a zip, a CSV or Parquet table, studio or tfds:NAME."
    if not args.data.strip():
        raise CatalogueError(f"The path of the data is empty. {places}")
    if _is_studio(args) or args.data.startswith("tfds:"):
        return
    path = expanded(args.data)
    inside = args.images_in and path.suffix.casefold() in EXTENSIONS  # the table may lie in the zip of the photos
    if not (inside or shard_paths(path) or path.exists()):
        raise CatalogueError(f"{args.data!r} does not exist. {places}")


def source_from(
    args: argparse.Namespace, schema: ConditionSchema | None = None, before: ConditionSchema | None = None
) -> tuple[Source, int]:
    """The photos that the options describe, not yet read, and the height and width to train on in pixels.

    Unlike `catalogue_from`, it takes data that training would refuse.

    Raises:
        CatalogueError: If the data is missing, or does not have what the options name.
    """
    from tfproductgan.catalogue.catalogue import refuse_both
    from tfproductgan.catalogue.folder_source import SIDES, folder_source, pair_source, side_by_side_source
    from tfproductgan.catalogue.gaps import without_gaps
    from tfproductgan.catalogue.preparation import DEFAULT_IMAGE_SIZE
    from tfproductgan.catalogue.several import taken_apart
    from tfproductgan.catalogue.shards import may_hold_tables
    from tfproductgan.catalogue.splitting import DEFAULT_SPLITS
    from tfproductgan.catalogue.table_finding import tables_not_read
    from tfproductgan.catalogue.table_source import table_source

    if getattr(args, "unpaired", None) is not None:
        raise CatalogueError("--unpaired is for training: check and prepare each of the two sets by itself.")
    kind, place = _kind(args, schema)
    for option in ("styles", "masks"):
        if getattr(args, option, None):
            raise CatalogueError(f"--{option} is for verbs that train or judge, and this one looks at photos alone.")
    if args.sources is not None and kind not in ("folder", "studio"):
        raise CatalogueError(f"--sources is for folders and zips of photos and for studio. Received: {args.data!r}")
    if args.sources is not None and not args.sources.strip():
        raise CatalogueError("--sources is empty. Give a folder or a zip; for studio, lines or mask.")
    size = args.image_size or (schema.image_size if schema else None)
    attributes = args.attributes or (schema.names if schema else None)
    if kind in ("tfds", "prepared"):
        from tfproductgan.catalogue.records import metadata
        from tfproductgan.catalogue.tfds_source import natural_size, tfds_builder, tfds_source
        from tfproductgan.cli.quiet import import_tensorflow

        import_tensorflow()
        if kind == "prepared":
            builder = require("tensorflow_datasets", "tfds").builder_from_directory(str(place))
            attributes = attributes or metadata(place).get("features")  # all, if it is one of ours
        else:
            builder = tfds_builder(place)
        size = size or natural_size(builder, args.image_column) or DEFAULT_IMAGE_SIZE
        return without_gaps(tfds_source(builder, args.image_column, attributes, args.text), schema or before), size
    size = size or DEFAULT_IMAGE_SIZE
    if kind == "studio":
        from tfproductgan.catalogue.studio_source import studio_source

        attributes = STUDIO_ATTRIBUTES if attributes is None else attributes
        return studio_source(place, size, 0, attributes, DEFAULT_SPLITS, args.sources), size
    if kind == "table":
        named = (args.image_column, attributes or (), args.text, args.split_column)
        refuse_both(args.text, args.text_vectors)
        source = table_source(place, args.images_in, *named, columns=args.columns, text_vectors=args.text_vectors)
        return without_gaps(taken_apart(source, dict(args.multi or ())), schema or before), size
    levels = {"attributes": args.attributes, "schema": schema}
    if args.sources in SIDES and not expanded(args.sources).exists():
        source = side_by_side_source(args.sources, place, **levels)
    else:
        source = pair_source(args.sources, place, **levels) if args.sources else folder_source(place, **levels)
    not_read = tables_not_read(place) if may_hold_tables(place) else []
    return dataclasses.replace(source, notes=[*source.notes, *not_read]), size


def preparation_from(
    args: argparse.Namespace,
    image_size: int,
    schema: ConditionSchema | None = None,
    before: ConditionSchema | None = None,
) -> tuple[Preparation, str | None]:
    """How the photos of `source_from`, of its size, become a catalogue, and what their titles are called.

    What was made of the same data `before` did not learn from its titles, or did.
    """
    from tfproductgan.catalogue.preparation import Preparation

    drawn = _is_studio(args)
    if drawn and args.text not in (None, STUDIO_TEXT):
        raise CatalogueError(f"The titles of the studio are called {STUDIO_TEXT!r}. Received: --text {args.text}")
    text = args.text if args.text_vectors is None else args.text_vectors
    known = not drawn and before is not None and before.text == text and before.vocabulary is None
    preparation = Preparation(
        image_size,
        args.fit,
        3 if drawn and args.channels is None and schema is None else args.channels,
        args.min_count,
        schema=schema,
        max_unreadable=args.max_unreadable,
        titles=text is not None and not known,
    )
    return preparation, STUDIO_TEXT if drawn else text


def _unpaired(args: argparse.Namespace, schema: ConditionSchema | None, before: ConditionSchema | None) -> Catalogue:
    """The photos of `--data` and, without pairs, those of `--unpaired` as the pictures that go in."""
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import ConditionSchema

    if args.sources is not None:
        raise CatalogueError("--sources are pairs and --unpaired are none: give one of them.")
    if not args.unpaired.strip():
        raise CatalogueError("--unpaired is empty. Give a folder, a zip, a table, studio or tfds:NAME.")
    alone = schema and dataclasses.replace(schema, source_channels=None)
    images = catalogue_from(argparse.Namespace(**{**vars(args), "unpaired": None}), alone, before)
    source_channels = None if schema is None else schema.source_channels
    if schema is not None and source_channels is None:
        return images  # as sources for a model that none go into
    shared = {"fit": args.fit, "channels": args.channels, "max_unreadable": args.max_unreadable}
    others = argparse.Namespace(**{**_defaults(), **shared, "data": args.unpaired, "image_size": images.image_size})
    bound = None if source_channels is None else ConditionSchema([], images.image_size, source_channels)
    return Catalogue.from_unpaired(catalogue_from(others, bound), images)


def _prepared(args: argparse.Namespace, folder: Path, schema: ConditionSchema | None) -> Catalogue:
    """The catalogue that `tfproductgan prepare` wrote."""
    from tfproductgan.catalogue.catalogue import Catalogue

    catalogue = Catalogue.from_prepared(folder, args.attributes, schema)
    made = {"image_size": catalogue.image_size, "channels": catalogue.channels, "fit": catalogue.preparation.fit}
    defaults = _defaults()
    tables_only = ("image_column", "columns", "split_column", "text", "text_vectors", "images_in", "multi")
    for option in (*tables_only, "min_count", "sources", *made):
        asked = getattr(args, option)
        if (option, asked) == ("min_count", 1):  # what runs of such data have written down
            continue
        if asked not in (defaults[option], made.get(option)):
            shown = f"--{option.replace('_', '-')}"
            given = f"; it has {shown} {made[option]}" if option in made else ""
            raise CatalogueError(f"{shown} is for tfproductgan prepare, and {args.data!r} is prepared{given}.")
    return catalogue


def _is_studio(args: argparse.Namespace) -> bool:
    return args.data == "studio" or args.data.startswith("studio:")


def _kind(args: argparse.Namespace, schema: ConditionSchema | None = None) -> tuple[str, Any]:
    """What the data is, and its place.

    Returns:
        `"studio"` and its count, `"tfds"` and a name, `"folder"` or `"prepared"` and a path, `"table"` and
        a path or the tables in it.

    Raises:
        CatalogueError: If there is no such data, or it cannot have the options that are given.
    """
    from tfproductgan.catalogue.shards import may_hold_tables

    refuse_missing(args)
    for option in ("multi", "text_vectors") if _is_studio(args) or args.data.startswith("tfds:") else ():
        if getattr(args, option):
            raise CatalogueError(f"--{option.replace('_', '-')} is for tables. Received: {args.data!r}")
    if _is_studio(args):
        return "studio", _studio_count(args.data)
    if args.data.startswith("tfds:"):
        return "tfds", args.data.removeprefix("tfds:")
    from tfproductgan.catalogue.table_finding import tables_in
    from tfproductgan.catalogue.tables import EXTENSIONS, SPREADSHEETS

    path = expanded(args.data)
    if path.suffix.casefold() in EXTENSIONS and not path.is_dir():
        return "table", path
    if path.suffix.casefold() in SPREADSHEETS:
        raise CatalogueError(f"{args.data!r} is a spreadsheet. Save it as CSV (in Excel: CSV UTF-8) and give that.")
    if path.is_dir():
        from tfproductgan.catalogue.records import dataset_folder

        dataset = dataset_folder(path)
        if dataset is not None:
            return "prepared", dataset
        if (path / ".preparing").is_dir():
            raise CatalogueError(f"{args.data!r} is not fully prepared: run its tfproductgan prepare once more.")
    attributes = args.attributes or (schema.names if schema else ())
    named = [*attributes, *filter(None, (args.image_column, args.text, args.text_vectors, args.split_column))]
    tables = tables_in(path, named, args.images_in, args.image_column, args.columns) if may_hold_tables(path) else None
    if tables is not None:
        return "table", tables
    for option in ("image_column", "columns", "split_column", "text", "text_vectors", "images_in", "multi"):
        if getattr(args, option) is not None:
            raise CatalogueError(
                f"--{option.replace('_', '-')} is for tables, and {args.data!r} neither is one nor holds a single one "
                "with the columns that are named."
            )
    return "folder", path


def _studio_count(data: str) -> int:
    if data == "studio":
        return STUDIO_COUNT
    count = data.removeprefix("studio:")
    if not re.fullmatch(r"[1-9]\d*", count):
        raise CatalogueError(f"studio:COUNT takes the number of photos, such as studio:5000. Received: {data!r}")
    return int(count)


def _multi(text: str) -> list[str | None]:
    """An attribute and what is between its values, JSON-ready."""
    name, _, separator = text.partition("=")
    if not name.strip():
        raise argparse.ArgumentTypeError(f"expected an attribute, such as colour, or colour=;. Received: {text!r}")
    return [name.strip(), separator.replace("\\n", "\n") or None]


def _image_size(text: str) -> int:
    size = positive(text)
    if size > LARGEST_IMAGE_SIZE:
        raise argparse.ArgumentTypeError(f"{text} pixels are too many: {LARGEST_IMAGE_SIZE} are the most")
    return size
