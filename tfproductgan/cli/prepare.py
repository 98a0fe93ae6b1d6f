"""`tfproductgan prepare`: write photos as a data set that training streams from disk."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from tfproductgan.cli.data_options import add_data_options, preparation_from, source_from
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.writing import expanded

HELP = """\
Write photos, labels and splits as a TensorFlow data set, on all cores. Training streams it from disk, so its size
does not matter; other programs read it with TensorFlow Datasets. The same command again goes on if it was stopped.

  tfproductgan prepare --data products.csv --images-in photos/ --attributes category,colour --out data/shop
  tfproductgan train --data data/shop --out runs/shop"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    add_data_options(parser)
    group = parser.add_argument_group("data set")
    group.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for the data set")
    group.add_argument(
        "--beam",
        metavar="OPTIONS",
        help="prepare on Apache Beam, with these options of its pipeline, separated by commas, such as "
        "runner=FlinkRunner,flink_master=host:8081; all workers must see --out and the photos",
    )


def run(args: argparse.Namespace) -> int:
    """Prepare."""
    import_tensorflow()
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.catalogue.label_notes import label_notes, resolve_min_count
    from tfproductgan.catalogue.records import schema_of
    from tfproductgan.catalogue.tfds_writing import as_before, write_dataset

    before = schema_of(expanded(args.out))
    source, size = source_from(args, before=before)
    preparation, text = preparation_from(args, size, before=before)
    preparation = as_before(source, preparation, args.out, text)
    for line in label_notes(source, resolve_min_count(source, preparation.min_count)):
        print(line)
    beam = None if args.beam is None else [option.strip() for option in args.beam.split(",") if option.strip()]
    try:
        folder = write_dataset(source, preparation, args.out, text, beam)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(f"The same command goes on in {args.out}") from interrupt
    print("\n".join([Catalogue.from_prepared(folder).summary(), *(f"note        {note}" for note in source.notes)]))
    size_on_disk = sum(path.stat().st_size for path in folder.iterdir())
    print(
        f"Prepared in {folder}: {size_on_disk / 1e6:,.1f} MB. Train on it:\n"
        f"  tfproductgan train --data {shlex.quote(str(args.out))} --out runs/{shlex.quote(args.out.name)}"
    )
    return 0
