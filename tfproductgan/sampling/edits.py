"""Edited pictures in words and in files: what was done to which, so that it can be done again, and sheets of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tfproductgan.conditions import PictureRequest
from tfproductgan.errors import RunError
from tfproductgan.models.editing import Along, Drawing, Edit, Editor, Mixed, Towards
from tfproductgan.sampling.files import annotate, describe_request, file_stem, to_image, value_names
from tfproductgan.sampling.grids import contact_grid, in_proportion

if TYPE_CHECKING:
    from tfproductgan.models.projection import Projection

KIND, SHEET_KIND = "edit", "edits"
"""Of the metadata of one edited picture, and of a sheet of several."""


def describe_drawing(drawing: Drawing) -> dict[str, Any]:
    """The JSON form of a drawing."""
    found = {}
    if drawing.found is not None:
        found = {"found": base64.b64encode(np.asarray(drawing.found, "<f4").tobytes()).decode("ascii")}
    return {**describe_request(drawing.request), "edits": [_described(edit) for edit in drawing.edits], **found}


def read_drawing(facts: Mapping[str, Any]) -> Drawing:
    """What a picture was drawn from, of the metadata in its file: one that `generate` or `edit` wrote.

    Raises:
        RunError: If the metadata is of something else.
    """
    if facts.get("kind") not in ("picture", KIND):
        raise RunError(f"Single pictures can be edited. Received: a file of the kind {facts.get('kind')!r}")
    try:
        found = facts.get("found")
        return Drawing(
            _request(facts),
            tuple(map(_edit, facts.get("edits", ()))),
            None if found is None else np.frombuffer(base64.b64decode(found), "<f4").astype(np.float32),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"The file's metadata does not say what the picture was drawn from: {error!r}") from error


def edit_words(edit: Edit) -> str:
    """An edit as people would say it, such as `"direction 1 by 2"`."""
    match edit:
        case Along():
            words = f"direction {edit.direction} by {edit.strength:g}"
        case Towards():
            words = f"towards {edit.value} by {edit.strength:g}"
        case Mixed():
            other = [*value_names(edit.request.conditions), f"seed {edit.request.seed}"]
            return f"from layer {edit.layer} on {', '.join(other)}"
    return words if edit.layers is None else f"{words} in layers {edit.layers[0]} to {edit.layers[1]}"


def drawing_words(drawing: Drawing) -> str:
    """A drawing as people would say it."""
    values, found = value_names(drawing.request.conditions), drawing.found is not None
    begun = "found of a photo" if found else f"seed {drawing.request.seed}"
    return ", ".join([*values, begun, *map(edit_words, drawing.edits)])


def drawing_stem(drawing: Drawing, words: Iterable[str] = (), photo: str | None = None) -> str:
    """A drawing as a file name without its extension.

    Args:
        drawing: What is drawn.
        words: What is done to it; by default all its edits.
        photo: The name of the photo that it was found of.
    """
    done = list(words) or [edit_words(edit).replace("by -", "by minus ") for edit in drawing.edits]
    shown = value_names(drawing.request.conditions)
    named = [*([Path(photo).stem, "found"] if photo else []), *shown, *done]
    return file_stem(named, drawing.request.seed, drawing.request.truncation)


def annotated_picture(drawing: Drawing, picture: np.ndarray, model: Any, **facts: Any) -> Image.Image:
    """One edited picture that carries what it was drawn from.

    Args:
        drawing: What it was drawn from.
        picture: uint8 `[S, S, C]`, cut to the proportions of the photos here.
        model: What drew it.
        **facts: What else its file is to say, JSON-ready.
    """
    [shown] = in_proportion(picture[None], model.schema)
    return annotate(to_image(shown), KIND, model.model_id, **describe_drawing(drawing), **facts)


def edit_sheet(
    editor: Editor, rows: Sequence[Sequence[Drawing]], row_labels: Sequence[str], column_labels: Sequence[str]
) -> Image.Image:
    """Draw rows of drawings, equally many each, on one sheet that carries what all were drawn from."""
    drawings = [drawing for row in rows for drawing in row]
    pictures = in_proportion(editor.draw(drawings), editor.model.schema)
    sheet = contact_grid(pictures, len(rows[0]), row_labels, column_labels)
    labels = {"rows": list(row_labels), "columns": list(column_labels)}
    described = [describe_drawing(drawing) for drawing in drawings]
    return annotate(sheet, SHEET_KIND, editor.model.model_id, **labels, pictures=described)


def beside_photo(projection: Projection, photo: np.ndarray, model: Any, name: str) -> Image.Image:
    """A photo and the picture nearest to it, side by side, with how far they differ."""
    pictures = in_proportion(np.stack([photo, projection.picture]), model.schema)
    sheet = contact_grid(pictures, 2, (), ["photo", f"drawn, error {projection.error:.0f}"])
    facts = {"photo": name, "error": round(projection.error, 2), "pictures": [describe_drawing(projection.drawing)]}
    return annotate(sheet, SHEET_KIND, model.model_id, **facts)


def _described(edit: Edit) -> dict[str, Any]:
    if isinstance(edit, Mixed):
        return {"mixed_with": describe_request(edit.request), "layer": edit.layer}
    what: dict[str, Any] = {"direction": edit.direction} if isinstance(edit, Along) else {}
    if isinstance(edit, Towards):
        what = {"towards": {edit.attribute: edit.value}}
    return {**what, "strength": edit.strength, **({"layers": list(edit.layers)} if edit.layers else {})}


def _edit(facts: Mapping[str, Any]) -> Edit:
    if "mixed_with" in facts:
        return Mixed(_request(facts["mixed_with"]), facts["layer"])
    layers = tuple(facts["layers"]) if "layers" in facts else None
    if "direction" in facts:
        return Along(facts["direction"], facts["strength"], layers)
    [(attribute, value)] = facts["towards"].items()
    return Towards(attribute, value, facts["strength"], layers)


def _request(facts: Mapping[str, Any]) -> PictureRequest:
    return PictureRequest(facts["conditions"], facts["seed"], facts["truncation"])
