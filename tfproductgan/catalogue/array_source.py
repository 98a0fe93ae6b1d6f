"""Photos and labels that are in memory: what users of NumPy, pandas and Pillow have in their hands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tfproductgan.catalogue.cells import cell_texts
from tfproductgan.catalogue.gaps import is_gap
from tfproductgan.catalogue.photos import photo_of_pillow
from tfproductgan.catalogue.sources import Item, Raw, Source, sorted_by_split
from tfproductgan.catalogue.splitting import SPLITS, split_name
from tfproductgan.errors import CatalogueError

DEFAULT_NAME = "class"
"""What labels without a name are called, as the classes of folders are."""

Photos = Sequence[Any] | np.ndarray
"""An array of pixels, or a list of arrays, Pillow images and bytes of files."""


def array_source(
    images: Any, labels: Any = None, splits: Any = None, sources: Any = None, titles: Any = None
) -> Source:
    """Photos in arrays or lists: see `Catalogue.from_arrays`."""
    photos = photos_of("images", images)
    entering = None if sources is None else photos_of("sources", sources)
    columns = {name: _texts(name, column) for name, column in _columns(labels).items()}
    names = None if splits is None else ["" if is_gap(name) else name for name in map(str, _texts("splits", splits))]
    texts = None if titles is None else _texts("text", titles)
    given: list[tuple[str, Photos | None]] = [
        *columns.items(),
        ("sources", entering),
        ("splits", names),
        ("text", texts),
    ]
    for name, column in given:
        if column is not None and len(column) != len(photos):
            raise CatalogueError(f"{name!r} has {len(column)} values for {len(photos)} images: one each is needed.")
    for split in set(names or ()):
        if split and split_name(split) is None:
            raise CatalogueError(f"A split is called {', '.join(SPLITS)}. Received: {split!r}")
    items = [
        Item(
            f"image {i}",
            {name: column[i] for name, column in columns.items()},
            (split_name(names[i]) or "train") if names else None,
            str(texts[i]) if texts else "",
        )
        for i in range(len(photos))
    ]
    items, order = sorted_by_split(items, range(len(photos)))

    def load(photos: Photos) -> Iterator[Callable[[], Raw]]:
        # each holds its own photo only: a process that is sent one is not sent all
        return (functools.partial(raw_photo, photos[i], f"image {i}") for i in order)

    return Source(
        items=items,
        attributes=list(columns),
        load=functools.partial(load, photos),
        load_sources=None if entering is None else functools.partial(load, entering),
    )


def common_side(photos: Photos) -> int | None:
    """The longer side in pixels that all photos have; `None` if they differ or are files."""
    if isinstance(photos, np.ndarray):
        return max(photos.shape[1:3])
    sides = {
        max(photo.size)
        if isinstance(photo, Image.Image)
        else None
        if isinstance(photo, bytes)
        else max(photo.shape[:2])
        for photo in photos
    }
    return sides.pop() if len(sides) == 1 else None


def raw_photo(photo: Any, name: str) -> Raw:
    """A photo of `photos_of` as sources load it."""
    return np.asarray(photo_of_pillow(photo, name)) if isinstance(photo, Image.Image) else photo


# === Pixels ===


def photos_of(name: str, given: Any) -> Photos:
    """Photos as an array of pixels or a list, checked but not copied.

    Args:
        name: What messages call them.
        given: uint8 `[N, H, W]` or `[N, H, W, C]`; or a list of arrays, Pillow images or bytes of files.

    Raises:
        CatalogueError: If they are anything else; the message says how to make photos of it.
    """
    if hasattr(given, "column_names") or (
        isinstance(given, Mapping) and given and all(map(_is_data_set, given.values()))
    ):
        raise CatalogueError(f"{name} is a data set: use Catalogue.from_hugging_face(dataset).")
    given = _plain(given)
    if isinstance(given, np.ndarray) and given.dtype != object:
        _check_pixels(name, given, batched=True)
        return given
    if isinstance(given, str | bytes | Mapping | Image.Image) or not hasattr(given, "__iter__"):
        raise CatalogueError(
            f"{name} must be uint8 [N, H, W, C], or a list of arrays or Pillow images. Received: {_shown(given)}"
        )
    photos = [_photo(f"{name}[{i}]", photo) for i, photo in enumerate(given)]
    if not photos:
        raise CatalogueError(f"{name} is empty: at least one photo is needed.")
    return photos


def _is_data_set(given: Any) -> bool:
    return hasattr(given, "column_names")


def _photo(name: str, given: Any) -> Any:
    if isinstance(given, Mapping) and isinstance(given.get("bytes"), bytes):  # Hugging Face's undecoded image
        given = given["bytes"]
    if isinstance(given, Image.Image | bytes):
        return given
    if not isinstance(given, Sequence) or isinstance(given, str):
        given = _plain(given)
    pixels = np.asarray(given)
    _check_pixels(name, pixels, batched=False)
    return pixels


def _check_pixels(name: str, pixels: np.ndarray, batched: bool) -> None:
    shape = pixels.shape[1:] if batched else pixels.shape
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    # grey photos of one, three or four columns are none: these are channels
    alone = batched and len(shape) == 2 and shape[1] in (1, 3, 4) and pixels.shape[0] > 4
    if pixels.dtype == np.uint8 and fits and not alone and 0 not in pixels.shape:
        return
    right = "[N, H, W] or [N, H, W, 1, 3 or 4]" if batched else "[H, W] or [H, W, 1, 3 or 4]"
    remedies = [_remedy_of_values(pixels)] if pixels.dtype != np.uint8 else []
    if len(shape) == 3 and not fits and shape[0] in (1, 3, 4):
        axes = "0, 2, 3, 1" if batched else "1, 2, 0"
        remedies.append(f"channels come last: images.transpose({axes})")
    elif alone:
        remedies.append("a single photo is images[None]")
    elif batched and len(shape) == 1:
        remedies.append("give rows of pixels their height and width: images.reshape(-1, H, W, C)")
    advice = "; ".join(filter(None, remedies))
    raise CatalogueError(
        f"{name} must be uint8 {right}. Received: {pixels.dtype} {list(pixels.shape)}"
        + (f": {advice}." if advice else "")
    )


def _remedy_of_values(pixels: np.ndarray) -> str:
    """How pixels of another type become uint8."""
    if pixels.dtype.kind in "OSU":
        return "names of files and web addresses are for Catalogue.from_table"
    if pixels.dtype.kind not in "biuf" or not pixels.size:
        return ""
    lowest, highest = float(np.min(pixels)), float(np.max(pixels))
    if not lowest <= highest:
        return "some values are not numbers"
    if lowest < -1 or highest > 255:
        given = f"values go from {lowest:g} to {highest:g}, and pixels from 0 to 255"
        return "(images // 257).astype('uint8')" if pixels.dtype == np.uint16 else given
    if lowest < 0:
        return "of values from -1 to 1 make ((images + 1) * 127.5).round().astype('uint8')"
    if highest <= 1:
        return "of values from 0 to 1 make (images * 255).round().astype('uint8')"
    return f"make images{'.round()' if pixels.dtype.kind == 'f' else ''}.astype('uint8')"


# === Labels ===


def _columns(labels: Any) -> dict[str, Any]:
    """Labels by attribute, whatever holds them."""
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        return {str(name): column for name, column in labels.items()}
    names = getattr(labels, "column_names", None)  # Arrow, Hugging Face
    if names is None:
        names = getattr(labels, "columns", None)  # pandas, Polars
    if names is None:
        names = getattr(getattr(labels, "dtype", None), "names", None)  # structured arrays
    if names is not None:
        names = list(names)
        twin = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twin is not None:
            raise CatalogueError(f"The labels have several columns called {twin!r}: rename all but one.")
        return {str(name): labels[name] for name in names}
    rows = list(labels) if isinstance(labels, list | tuple) else []
    if rows and all(isinstance(row, Mapping) for row in rows):
        found = dict.fromkeys(name for row in rows for name in row)
        return {str(name): [row.get(name) for row in rows] for name in found}
    named = getattr(labels, "name", None) if hasattr(labels, "to_numpy") else None  # a Series
    return {DEFAULT_NAME if named in (None, "") else str(named): labels}


def _texts(name: str, given: Any) -> list[str | tuple[str, ...]]:
    """A column as text, by the rules of tables; a cell that holds several values is a tuple of them."""
    if isinstance(given, str | bytes | Mapping) or not hasattr(given, "__iter__"):
        raise CatalogueError(f"{name!r} must be a list or an array, one value a photo. Received: {_shown(given)}")
    column = _plain(given)
    if getattr(given, "ndim", 1) == 2 and hasattr(given, "to_numpy"):  # a DataFrame
        column = given.to_numpy()
    elif not isinstance(column, np.ndarray):
        column = list(column)
        if column and all(isinstance(cell, list | tuple | np.ndarray) and np.shape(cell)[:1] for cell in column):
            column = _of_rows(column)
    if isinstance(column, np.ndarray) and column.ndim != 1:
        column = _one_a_photo(name, column)
    if thing := next((cell for cell in column if isinstance(cell, Mapping)), None):
        raise CatalogueError(f"{name!r} must have texts or numbers, and not mappings. Received: {_shown(thing)}")
    return [cell_texts(cell) for cell in column]


def _of_rows(rows: list) -> Any:
    """Rows of one value or of numbers as an array, others as they are."""
    cells = [cell for row in rows for cell in row]
    numbers = all(isinstance(cell, bool | int | float | np.number | np.bool_) for cell in cells)
    lengths = {len(row) for row in rows}
    if lengths == {1}:
        return cells
    return np.array(rows) if numbers and len(lengths) == 1 else rows


def _one_a_photo(name: str, array: np.ndarray) -> np.ndarray:
    """`[N, 1]` and one-hot `[N, K]` as `[N]`; a one-hot row without a one is not given."""
    while array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 1:
        return array
    if array.ndim == 2 and array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all():
        ones = array.sum(axis=1)
        if ones.max(initial=0) == 1:
            numbers = array.argmax(axis=1).astype(object)
            numbers[ones == 0] = None
            return numbers
    raise CatalogueError(
        f"{name!r} must have one value a photo, or a one-hot row with a single 1. Received: {array.dtype} "
        f"{list(array.shape)}. Columns of several attributes need names, {{'colour': labels[:, 0]}}; several values of "
        "one attribute are a list of their names."
    )


# === Whatever it is ===


def _plain(given: Any) -> Any:
    """Tensors, sparse matrices and Arrow's columns as what NumPy and Python have."""
    for method in ("numpy", "toarray", "to_pylist"):
        if hasattr(given, method):
            return getattr(given, method)()
    return given


def _shown(given: Any) -> str:
    text = repr(given) if isinstance(given, str | bytes | list | tuple | set | dict) else type(given).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."
