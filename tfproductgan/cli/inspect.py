"""`tfproductgan inspect`: what a picture shows and which model drew it, or what a model knows."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.errors import RunError

if TYPE_CHECKING:
    from rich.table import Table

    from tfproductgan.conditions import ConditionSchema

HELP = """\
Tell where a file comes from.

  tfproductgan inspect pictures/ring-gold-seed7.png    what was asked, with which seed, of which model
  tfproductgan inspect runs/products                   the model of a run directory or .keras file: its size,
                                                       how long it trained, what it can be asked for"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="PNG or GIF that this package wrote, .keras file or run directory",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a file and line, for programs")


def run(args: argparse.Namespace) -> int:
    """Print what the files say; one that says nothing does not keep the others from it."""
    from rich.console import Console

    from tfproductgan.cli.main import print_error

    console = Console()
    code = 0
    for file in args.files:
        is_model = Path(file).is_dir() or Path(file).suffix == ".keras"
        try:
            facts = _model_facts(file) if is_model else _picture_facts(file)
        except RunError as error:
            print_error(error)
            code = 1
            continue
        if args.json:
            print(json.dumps({"file": str(file), **facts}, ensure_ascii=False))
        else:
            console.print(_table(str(file), facts))
    return code


def schema_table(schema: ConditionSchema) -> Table:
    """The attributes of a schema with their values, as a table for people."""
    from rich.table import Table
    from rich.text import Text

    table = Table("attribute", "count", "values", show_lines=True)
    for attribute in schema.attributes:
        count = str(len(attribute.values)) + (f"\nup to {attribute.several}" if attribute.several > 1 else "")
        table.add_row(Text(attribute.name), count, Text(", ".join(attribute.values)))
    return table


def _picture_facts(file: str) -> dict[str, Any]:
    """What a picture says of itself, to us and to others, JSON-ready."""
    from tfproductgan.sampling.files import read_metadata, read_source_type

    facts, source = read_metadata(file), read_source_type(file)
    facts = facts if source is None else {**facts, "digital_source_type": source}
    return {**facts, **_signature(file)}


def _signature(file: str) -> dict[str, Any]:
    """Who has signed a picture by C2PA; nothing where nobody has, or c2pa-python is not installed."""
    try:
        import c2pa
    except ImportError:
        return {}
    try:
        reader = c2pa.Reader("image/png", io.BytesIO(Path(file).read_bytes()))
        manifest = json.loads(reader.json())
        signature = manifest["manifests"][manifest["active_manifest"]]["signature_info"]
    except (c2pa.C2paError, OSError, KeyError, ValueError):
        return {}
    return {"c2pa": f"{reader.get_validation_state()}, signed by {signature.get('issuer', 'nobody who has a name')}"}


def _model_facts(file: str) -> dict[str, Any]:
    """What a model is and knows, JSON-ready."""
    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    from tfproductgan.models.loading import load

    model = load(file)
    provenance, schema = model.provenance, model.schema
    several = {attribute.name: attribute.several for attribute in schema.attributes if attribute.several > 1}
    asked_with = {
        "sampler": lambda: {"latent_dim": model.latent_dim},
        "translator": lambda: {"source": schema.source_channels},
        "upscaler": lambda: {"scale": model.scale},
    }[model.asks]()
    return {
        "kind": "model",
        "model_id": model.model_id,
        "recipe": provenance.get("recipe", {}).get("name"),
        "images_seen": provenance.get("images_seen"),
        "image_size": schema.image_size,
        "channels": schema.channels,
        **asked_with,
        "parameters": model.parameters(),
        "attributes": {attribute.name: list(attribute.values) for attribute in schema.attributes},
        **({"several": several} if several else {}),
        **_texts(schema),
    }


def _texts(schema: Any) -> dict[str, str]:
    """What texts can be asked for, if any can."""
    if schema.vocabulary is None:
        return {}
    if schema.reads_words:
        return {schema.text_name: f"{len(schema.vocabulary.words):,} words of titles"}
    return {schema.text_name: f"vectors of {schema.vocabulary.length} numbers"}


def _table(title: str, facts: Mapping[str, Any]) -> Table:
    """Facts as a table for people."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", show_header=False)
    for name, value in facts.items():
        if name == "pictures":  # of a grid; its rows and columns say it shorter
            name, value = "seeds", sorted({picture["seed"] for picture in value})
        elif name in ("images_seen", "parameters"):
            value = _thousands(value)
        elif name == "found":  # of a photo: numbers for the model, not for people
            value = "latents of its own, in the file"
        table.add_row(name.replace("_", " "), Text(_words(value)))
    return table


def _words(value: Any, separator: str = "\n") -> str:
    """A value as words; the parts of a mapping stand on lines of their own, those within them do not."""
    if isinstance(value, Mapping):
        return separator.join(f"{name}: {_words(part, ', ')}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _thousands(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _thousands(part) for name, part in value.items()}
    return f"{value:,}" if isinstance(value, int) else value
