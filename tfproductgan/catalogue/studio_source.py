"""Photos of the built-in studio, rendered on all cores."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from tfproductgan import studio
from tfproductgan.catalogue.preparation import check_whole
from tfproductgan.catalogue.sources import Item, Source, sorted_by_split
from tfproductgan.catalogue.splitting import drawn_splits
from tfproductgan.errors import CatalogueError, nearest

_MOST = 1_000_000  # products are kept in memory

SOURCES = {"lines": studio.render_lines, "mask": studio.render_mask}
"""What the studio draws of a product besides its photo, to go into models."""


def studio_source(
    count: int,
    image_size: int,
    seed: int,
    attributes: Iterable[str],
    shares: Mapping[str, float],
    source: str | None = None,
) -> Source:
    """Products 0 to `count - 1` of the studio: see `Catalogue.studio`.

    The `shares` for validation and test are drawn by seed and number: they are the same products at every size.
    """
    attributes = list(attributes)
    for name in attributes:
        if name not in studio.ATTRIBUTES:
            raise CatalogueError(f"The studio has no attribute {name!r}: {nearest(name, studio.ATTRIBUTES)}")
    if source is not None and source not in SOURCES:
        raise CatalogueError(f"The studio draws no source {source!r}: {nearest(source, SOURCES)}")
    check_whole("count", count, 1)
    check_whole("seed", seed, 0)
    if count > _MOST:
        raise CatalogueError(f"The studio draws up to {_MOST:,} photos. Received: {count:,}")
    products = [studio.product(seed, index) for index in range(count)]
    hashes = [hashlib.sha256(f"{seed} {index}".encode()).hexdigest() for index in range(count)]
    splits = {i: split for split, drawn in drawn_splits(hashes, np.arange(count), shares).items() for i in drawn}
    items = [
        Item(
            f"studio {product.seed} {product.index}",
            {name: getattr(product, name) for name in attributes},
            splits[product.index],
            product.description,
        )
        for product in products
    ]
    items, products = sorted_by_split(items, products)

    def drawn_by(render: Callable[[studio.Product, int], np.ndarray]) -> Iterator[Callable[[], np.ndarray]]:
        return (functools.partial(render, product, image_size) for product in products)

    pair = f" {source}" if source else ""
    return Source(
        items=items,
        attributes=attributes,
        load=functools.partial(drawn_by, studio.render_image),
        stamp=hashlib.sha256(f"studio {_drawing_code()} {seed} {count} {image_size}{pair}".encode()).hexdigest(),
        values={name: studio.ATTRIBUTES[name] for name in attributes},
        load_sources=functools.partial(drawn_by, SOURCES[source]) if source else None,
    )


def _drawing_code() -> str:
    """What changes when the studio draws anything differently: its code."""
    digest = hashlib.sha256()
    for file in sorted(Path(studio.__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
