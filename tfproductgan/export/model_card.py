"""What people have to know of a model before they use it: one card for programs (JSON), one to read (Markdown)."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfproductgan.conditions import NOT_GIVEN, ConditionSchema
from tfproductgan.writing import read_json

JSON_CARD, MARKDOWN_CARD = "model_card.json", "MODEL_CARD.md"

_ASKED = {"sampler": "by name", "translator": "with a picture", "upscaler": "with a picture"}
_NOT_GIVEN = {
    "sampler": "drawn as the photos have it",
    "translator": "left to the picture",
    "upscaler": "left to the picture",
}
_NOTHING = {"sampler": "Only seeds.", "translator": "Only pictures.", "upscaler": "Only pictures."}

_TEXT = (
    "`text` takes words of one's own, up to {longest} of them and of parts of rarer ones; it knows {words:,} from the "
    "photos' titles. Beside a text, names that are not given stay open."
)

_TEXT_VECTOR = (
    "`text_vector` takes what the program that made the column `{column}` of the photos makes of a text, {numbers:,} "
    "numbers; zeros are not given. Beside it, names that are not given stay open."
)

_FEW_PHOTOS = 50
_MOST_LISTED = 10


def found_facts(run: Path, judged: Path) -> dict[str, Any]:
    """What is known of a generator beyond what it knows itself: its photos and how good it is.

    Args:
        run: The run directory; of other places nothing is known.
        judged: The judgement that `evaluate` wrote.

    Returns:
        A mapping with `data` and `evaluation`, each only if there is such a file.

    Raises:
        RunError: If one of the files cannot be read.
    """
    data, judgement = (read_json(path, "Mend or remove it.") for path in (run / "data.json", judged))
    facts = {}
    if data:
        # how the photos were named may tell where somebody keeps them; the fingerprint says which they were
        facts["data"] = {field: data[field] for field in ("source", "fingerprint") if field in data}
    if judgement:
        facts["evaluation"] = {
            field: judgement.get(field) for field in ("model_id", "catalogue", "split", "figures", "limitations")
        }
    return facts


def model_card(
    description: Mapping[str, Any],
    name: str,
    version: int,
    parameters: int,
    licence: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The card of a served generator, JSON-ready.

    Args:
        description: What its signature `describe` answers.
        name: It is served under.
        version: It is served under.
        parameters: Number of weights.
        licence: Under which terms it may be used, in words or as an SPDX identifier; `None` if nobody has said.
        facts: What `found_facts` found.
    """
    schema = ConditionSchema.from_dict(description["schema"])
    provenance, facts = description["provenance"], dict(facts or {})
    evaluation = facts.get("evaluation", {})
    card = {
        "name": name,
        "version": version,
        "model_id": description["model_id"],
        "written": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tfproductgan": description["tfproductgan"],
        "licence": licence,
        "parameters": parameters,
        "image_size": schema.image_size,
        "channels": schema.channels,
        "attributes": {attribute.name: list(attribute.values) for attribute in schema.attributes},
        **_several(schema),
        **_titles(schema),
        "example": schema.decode(schema.combinations[0][0]) if schema.combinations else {},
        "asks": description["asks"],
        "inputs": description["inputs"],
        "signatures": description["signatures"],
        "data": {**facts.get("data", {}), "photos": _photos(schema), "photos_by_value": _photos_by_value(schema)},
        "training": provenance,
        "evaluation": evaluation,
    }
    return {**card, "limits": list(_limits(schema, description["model_id"], licence, evaluation))}


def told_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """What of a card a served model says of itself: all that its description does not hold anyway."""
    return {
        **{field: card[field] for field in ("written", "licence", "parameters", "evaluation", "limits")},
        "data": {field: card["data"][field] for field in ("source", "fingerprint") if field in card["data"]},
    }


def write_cards(folder: Path, card: Mapping[str, Any]) -> None:
    """Write both forms of a card into a folder."""
    (folder / JSON_CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / MARKDOWN_CARD).write_text(_markdown(card), encoding="utf-8")


# === What is in it


def _photos(schema: ConditionSchema) -> int:
    return sum(count for _, count in schema.combinations)


def _photos_by_value(schema: ConditionSchema) -> dict[str, dict[str, int]]:
    return {
        attribute.name: dict(zip(attribute.values, counts[NOT_GIVEN + 1 :].tolist(), strict=True))
        for attribute, counts in zip(schema.attributes, schema.frequencies, strict=True)
    }


def _several(schema: ConditionSchema) -> dict[str, Any]:
    """How many values a picture has at most, of attributes that take several."""
    several = {attribute.name: attribute.several for attribute in schema.attributes if attribute.several > 1}
    return {"several": several} if several else {}


def _titles(schema: ConditionSchema) -> dict[str, Any]:
    """What is known of the titles that were learnt from, if any were."""
    vocabulary = schema.vocabulary
    if vocabulary is None:
        return {}
    if schema.reads_words:
        return {"text": {"titles": schema.text, "words": len(vocabulary.words), "longest": vocabulary.length}}
    return {"text_vector": {"column": schema.text, "numbers": vocabulary.length}}


def _limits(schema, model_id, licence, evaluation) -> Iterable[str]:
    """What not to expect, whole sentences."""
    yield "The pictures are drawn, not taken: they show no product that exists and no proof of what one looks like."
    yield (
        f"It draws pictures of {schema.image_size} x {schema.image_size} pixels of what its "
        f"{_photos(schema):,} photos show, and takes over how common and how rare things are there."
    )
    if schema.attributes:
        possible = math.prod(
            sum(math.comb(len(a.values), count) for count in range(1, a.several + 1)) for a in schema.attributes
        )
        yield (
            f"{len(schema.combinations):,} combinations of values occur in the photos, {possible:,} can be asked for: "
            "the others are guesses and mostly look worse."
        )
    if schema.reads_words:
        yield (
            f"Texts are read by {len(schema.vocabulary.words):,} words of titles; of other words it knows parts, and "
            "what no title says it cannot draw."
        )
    elif schema.vocabulary is not None:
        yield "Vectors of any other program than the one that made those it learnt from mean nothing to it."
    rare = [
        f"{attribute} {value} ({count})"
        for attribute, counts in _photos_by_value(schema).items()
        for value, count in counts.items()
        if count < _FEW_PHOTOS
    ]
    if rare:
        more = f" and {len(rare) - _MOST_LISTED} more" if len(rare) > _MOST_LISTED else ""
        yield f"Fewer than {_FEW_PHOTOS} photos show: {', '.join(rare[:_MOST_LISTED])}{more}."
    if not evaluation:
        yield "Nobody has measured how good it is, or whether it repeats photos it learnt from."
    elif evaluation["model_id"] != model_id:
        yield f"The figures are those of another state of the same training, {evaluation['model_id']}."
    yield from evaluation.get("limitations") or ()
    if not licence:
        yield "Nobody has said under which terms it may be used; that depends on the photos it learnt from."
    yield "The same request gives the same picture; other processors and number formats may change it by rounding."


# === For people


def _markdown(card: Mapping[str, Any]) -> str:
    recipe = card["training"].get("recipe", {})
    seen = card["training"].get("images_seen")
    attributes = [(name, f"`{card['inputs'][name]}`", ", ".join(of)) for name, of in card["attributes"].items()]
    several = card.get("several", {}).items()
    nothing = _NOTHING[card["asks"]] if not {"text", "text_vector"} & card.keys() else "Words of your own."
    sections = [
        f"# {card['name']}, version {card['version']}",
        f"A generator of product pictures that is asked {_ASKED[card['asks']]}: `{card['model_id']}`, "
        f"{card['parameters']:,} "
        f"parameters, {card['image_size']} x {card['image_size']} pixels, {card['channels']} channels. Written on "
        f"{card['written']} by tfproductgan {card['tfproductgan']}.",
        f"Licence: {card['licence'] or 'not stated'}.",
        "## How to ask it",
        _example(card),
        "## What can be asked for",
        markdown_table(("attribute", "input", "values"), attributes) if attributes else nothing,
        *(f"Up to {most} values of {name} at once, with commas between." for name, most in several),
        *([_TEXT.format(**card["text"])] if "text" in card else []),
        *([_TEXT_VECTOR.format(**card["text_vector"])] if "text_vector" in card else []),
        "## What it learnt from",
        f"{card['data'].get('source', 'Nobody has said what the photos were')}; {card['data']['photos']:,} to train on."
        + (f" Fingerprint: `{card['data']['fingerprint']}`." if "fingerprint" in card["data"] else ""),
        "## How it was trained",
        f"Recipe `{recipe.get('name', 'unknown')}`" + (f", {seen:,} images seen." if seen is not None else "."),
        "Its settings are in `model_card.json`.",
        "## How good it is",
        _figures(card["evaluation"]),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card["limits"]),
    ]
    return "\n\n".join(sections) + "\n"


def _example(card: Mapping[str, Any]) -> str:
    names = {key: card["example"].get(name, "") for name, key in card["inputs"].items()}
    given = {"seed": 7, "truncation": 1.0} if card["asks"] == "sampler" else {"image_bytes": {"b64": "..."}}
    row = {**names, **given}
    body = json.dumps({"instances": [row]}, ensure_ascii=False).replace("'", "'\\''")
    return (
        f"Behind TensorFlow Serving, as PNG in base64:\n\n```bash\ncurl -d '{body}' \\\n"
        f"  http://localhost:8501/v1/models/{card['name']}:predict\n```\n\n"
        f"An empty name means that it is not given and {_NOT_GIVEN[card['asks']]}. All inputs are needed. Signatures: "
        f"{', '.join(f'`{name}`' for name in card['signatures'])}; `describe` answers with all names as JSON."
    )


def _figures(evaluation: Mapping[str, Any]) -> str:
    if not evaluation.get("figures"):
        return "Not measured. `tfproductgan evaluate` measures it."
    # distances first, each with the view it is of
    rows = [
        (each.get("view") or "", each["full_name"], _number(each["value"]), _number(each["floor"]), each["better"])
        for each in sorted(evaluation["figures"], key=lambda each: not each.get("view"))
    ]
    return markdown_table(("view", "figure", "value", "photos in the place of samples", "better"), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
