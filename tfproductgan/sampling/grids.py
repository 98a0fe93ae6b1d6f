"""Many pictures on one sheet: grids over two attributes, rows of conditions with columns of seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfproductgan.catalogue.lettering import wrapped
from tfproductgan.catalogue.photos import Placement
from tfproductgan.conditions import NOT_GIVEN, TEXT, ConditionSchema
from tfproductgan.errors import ConditionError
from tfproductgan.sampling.files import annotate, describe_request, to_image, value_names

if TYPE_CHECKING:
    from tfproductgan.models.sampler import Sampler

MOST_VALUES = 20
"""A grid shows no more values of an attribute than this, unless they are named."""

_SEEDS = 8  # columns of a grid of one attribute
_CELL = 96  # pixels below which a picture is enlarged
_GAP = 4
_INK = "#303030"
_MOST_LINES = 3  # of a column's label


def contact_grid(
    pictures: np.ndarray,
    columns: int,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
) -> Image.Image:
    """Lay pictures out in rows and columns.

    Small pictures are enlarged by a whole factor, so that they can be judged on a screen.

    Args:
        pictures: uint8 `[N, H, W, 3]` or `[N, H, W, 1]`, row by row; the last row may be short.
        columns: Number of pictures in a row.
        row_labels: Texts left of the rows, or none.
        column_labels: Texts above the columns, or none.

    Returns:
        An image on white, in colour or grey as the pictures are.
    """
    cells = [enlarge(to_image(picture)) for picture in pictures]
    rows = -(-len(cells) // columns)
    width, height = cells[0].size
    font = ImageFont.load_default(min(max(height // 8, 12), 18))
    line = sum(font.getmetrics())
    side = [wrapped(label, font, width + width // 4, height // line) for label in row_labels]
    top = [wrapped(label, font, width, _MOST_LINES) for label in column_labels]
    left = round(max((font.getlength(line) for text in side for line in text.split("\n")), default=0))
    left += 3 * _GAP if left else _GAP
    above = max((text.count("\n") + 1 for text in top if text), default=0) * (line + _GAP) + _GAP
    canvas = Image.new(cells[0].mode, (left + columns * (width + _GAP), above + rows * (height + _GAP)), color="white")
    draw = ImageDraw.Draw(canvas)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        canvas.paste(cell, (left + column * (width + _GAP), above + row * (height + _GAP)))
    for column, text in enumerate(top):
        middle = left + column * (width + _GAP) + width / 2
        draw.multiline_text((middle, above - _GAP), text, _INK, font, anchor="md", align="center")
    for row, text in enumerate(side):
        middle = above + row * (height + _GAP) + height / 2
        draw.multiline_text((left - 2 * _GAP, middle), text, _INK, font, anchor="rm", align="right")
    return canvas


def enlarge(image: Image.Image) -> Image.Image:
    """A small picture enlarged by a whole factor, a large one as it is."""
    factor = -(-_CELL // min(image.size))
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)


def in_proportion(pictures: np.ndarray, schema: ConditionSchema) -> np.ndarray:
    """Cut square pictures back to the proportions that the photos of the catalogue share, if they share any.

    Args:
        pictures: uint8 `[N, S, S, C]`.
        schema: The schema of the model that drew them.

    Returns:
        uint8 `[N, H, W, C]`.
    """
    return Placement.of_aspect(schema.aspect, schema.image_size).crop(pictures)


def attribute_grid(
    model: Sampler,
    rows: str,
    columns: str | None = None,
    seed: int = 0,
    truncation: float = 1.0,
    row_values: Sequence[str] | None = None,
    column_values: Sequence[str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Image.Image:
    """Draw every value of one attribute with every value of another, all with the same seed; or with several seeds.

    Args:
        model: The model that draws.
        rows: Attribute whose values are the rows.
        columns: Attribute whose values are the columns; `None` makes columns of seeds instead, as of one attribute.
        seed: The seed of every picture, so that only the conditions change; of seeds the first.
        truncation: Of every picture; 1 leaves the noise as it is, less is more typical and less varied.
        row_values: The values to show, in that order. `None`: all, or the 20 most frequent if there are more.
        column_values: Likewise for the columns.
        given: Conditions that all pictures share.

    Returns:
        A labelled grid that carries its metadata.

    Raises:
        ConditionError: If an attribute or value is unknown, or an attribute is asked for twice.
    """
    down, row_values = _values(model.schema, rows, row_values)
    across, column_values = (None, ()) if columns is None else _values(model.schema, columns, column_values)
    shared = model.schema.decode(model.schema.encode(given))
    if down == across or shared.keys() & {down, across}:
        raise ConditionError(
            "Rows, columns and what is given must be different attributes. "
            f"Received: rows {down!r}, columns {across!r}, given {shared}"
        )
    if across is None:
        conditions = [{**shared, down: row} for row in row_values]
        return _rows_of_seeds(model, conditions, row_values, _SEEDS, seed, truncation)
    requests = []
    for row in row_values:
        for column in column_values:
            wanted = {**shared, down: row, across: column}
            requests += model.plan(wanted, count=1, seed=seed, truncation=truncation)
    return _grid(model, requests, row_values, column_values)


def condition_rows(
    model: Sampler,
    conditions: Sequence[Mapping[str, str]],
    count: int = 8,
    seed: int = 0,
    truncation: float = 1.0,
) -> Image.Image:
    """Draw each of several conditions with the same seeds: a row for each condition, a column for each seed.

    Args:
        model: The model that draws.
        conditions: The conditions of the rows.
        count: Number of columns.
        seed: Seed of the first column; the next has the next seed.
        truncation: Of every picture.

    Returns:
        A labelled grid that carries its metadata.

    Raises:
        ConditionError: If an attribute or value is unknown.
    """
    labels = ["\n".join(value_names(row)) for row in conditions]
    return _rows_of_seeds(model, conditions, labels, count, seed, truncation)


def seed_grid(model: Sampler, count: int = 32, columns: int = 8, seed: int = 0) -> Image.Image:
    """Draw consecutive seeds without asking for anything: what a model does by itself.

    Args:
        model: The model that draws.
        count: Number of pictures.
        columns: Number of pictures in a row.
        seed: The first seed.

    Returns:
        A grid without labels that carries its metadata.
    """
    return _grid(model, model.plan(count=count, seed=seed), columns=columns)


def typical_conditions(schema: ConditionSchema, count: int = 8) -> list[dict[str, str]]:
    """Conditions worth looking at: the most frequent combination of each value of the first attribute.

    Args:
        schema: The schema; it should know the frequencies of combinations.
        count: How many conditions at most.

    Returns:
        Conditions, the most frequent first. If there are fewer values, the next frequent combinations follow;
        without frequencies they are the first attribute's values alone. Of a schema without attributes texts of the
        most frequent words of titles, or none.
    """
    if not schema.attributes and schema.reads_words:
        return [{TEXT: word} for word in schema.vocabulary.words[:count]]
    if not (schema.attributes and schema.combinations):
        return [{first.name: value} for first in schema.attributes[:1] for value in first.values[:count]]
    # those that say everything come first
    frequent = [ids for ids, _ in sorted(schema.combinations, key=lambda p: (not schema.gives_all(p[0]), -p[1]))]
    best: dict[int, tuple[int, ...]] = {}
    for ids in frequent:
        first = ids[schema.slices[0]]
        for value in filter(None, first) if any(first) else [NOT_GIVEN]:
            best.setdefault(value, ids)
    return [schema.decode(ids) for ids in list(dict.fromkeys([*best.values(), *frequent]))[:count]]


def frequent_values(schema: ConditionSchema, name: str, count: int) -> tuple[str, ...]:
    """The values of an attribute that most photos have, in the schema's order if it knows no frequencies."""
    attribute = schema.attribute(name)
    photos = schema.frequencies[schema.names.index(attribute.name)]
    order = np.argsort(-photos[1:], kind="stable")[:count]
    return tuple(attribute.values[i] for i in order)


def _values(schema: ConditionSchema, name: str, values: Sequence[str] | None) -> tuple[str, tuple[str, ...]]:
    """An attribute and the values of it to show, as the schema spells them."""
    attribute = schema.attribute(name)
    if values is not None:
        ids = [attribute.id_of(value) for value in values]
        if not ids or NOT_GIVEN in ids:
            raise ConditionError(f"A grid needs values of {attribute.name!r} to show. Received: {list(values)}")
        return attribute.name, tuple(attribute.values[i - 1] for i in ids)
    if len(attribute.values) <= MOST_VALUES:
        return attribute.name, attribute.values
    return attribute.name, frequent_values(schema, name, MOST_VALUES)


def _rows_of_seeds(model, conditions, labels, count, seed, truncation):
    """Each of several conditions with the same seeds."""
    requests = []
    for row in conditions:
        requests += model.plan(row, count=count, seed=seed, truncation=truncation)
    return _grid(model, requests, labels, [f"seed {seed + column}" for column in range(count)])


def _grid(model, requests, row_labels=(), column_labels=(), columns=None):
    """What a model draws when asked so, as a grid that carries its metadata."""
    pictures = in_proportion(model.draw(requests), model.schema)
    grid = contact_grid(pictures, columns or len(column_labels), row_labels, column_labels)
    labels = {"rows": [label.replace("\n", ", ") for label in row_labels], "columns": list(column_labels)}
    labels = labels if column_labels else {}
    return annotate(grid, "grid", model.model_id, **labels, pictures=[describe_request(each) for each in requests])
