"""Which photos are the same: exactly, or except for a resize, another compression or a shade.

Near duplicates are found in two steps. A difference hash of 64 bits proposes pairs; a comparison of small
thumbnails decides. The hash alone would not do: on white backgrounds, different black wallets, ties and faint
earrings share their hash.

The thresholds come from 37,852 catalogue photos of 60 x 80 pixels on white. A copy at JPEG quality 90, at
quality 70, at three quarters of the size and at double size is found for 98, 84, 99 and 99 % of them. Of the
1,700 photos grouped, nearly all are one photo or one packshot in several shades (a lipstick, a shoe), which
should stay on one side of a split too; the exceptions seen are some 30 plain wallets that differ in their
stitching and a pair of ties.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

THUMBNAIL_SIZE = 16
"""Height and width of the thumbnails that decide."""

HASH_STEP = 2.0
"""Grey levels by which a cell must be brighter than its left neighbour to set its bit: above the noise of
JPEG on a white background, which else decides many of the bits."""

MAX_DISTANCE = 3
"""Bits in which the hashes of two such photos may differ: the search would miss pairs farther apart."""

MAX_CELL_DIFFERENCE = 20
"""Largest difference of any cell of two thumbnails of one photo, in levels of 255."""

MAX_RELATIVE_DIFFERENCE = 0.075
"""Largest root mean square difference of two thumbnails of one photo, as a share of the photo's own contrast:
two different silver earrings on white differ by less than a black shoe does from its own JPEG."""

_CHUNK = 64  # small pictures as floats stay in the cache of a core
_NUM_BANDS = MAX_DISTANCE + 1


def content_hash(image: np.ndarray) -> str:
    """SHA-256 of a picture, uint8 `[H, W, C]` or `[H, W]`: 64 hexadecimal digits, whatever file it came from."""
    image = np.ascontiguousarray(image, np.uint8)
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(image.data)
    return digest.hexdigest()


def source_hash(raw: bytes | np.ndarray) -> str:
    """SHA-256 of a photo as it came, 64 hexadecimal digits: of the bytes of its file, or of its pixels."""
    return content_hash(raw) if isinstance(raw, np.ndarray) else hashlib.sha256(raw).hexdigest()


def difference_hashes(images: np.ndarray) -> np.ndarray:
    """Hashes of which few bits change when a picture is resized or compressed again.

    Each bit says whether a cell of an 8 x 9 grid is brighter than the cell to its left.

    Args:
        images: uint8 `[N, H, W, C]`, C = 3 or 1; may be a memory map.

    Returns:
        uint64 `[N]`; the number of bits in which two differ is their distance.
    """
    hashes = np.empty(len(images), np.uint64)
    for part in _chunks(len(images)):
        cells = _cell_means(images[part], 8, 9)
        grey = cells @ np.array([0.299, 0.587, 0.114], np.float32) if cells.shape[-1] == 3 else cells[..., 0]
        bits = grey[:, :, 1:] - grey[:, :, :-1] > HASH_STEP
        hashes[part] = np.packbits(bits.reshape(len(bits), 64), axis=1).view(">u8")[:, 0]
    return hashes


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Mean colours of a 16 x 16 grid of cells, uint8 `[N, 16, 16, C]`, of pictures, uint8 `[N, H, W, C]`."""
    small = np.empty((len(images), THUMBNAIL_SIZE, THUMBNAIL_SIZE, images.shape[-1]), np.uint8)
    for part in _chunks(len(images)):
        small[part] = np.rint(_cell_means(images[part], THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    return small


def near_duplicate_groups(images: np.ndarray) -> np.ndarray:
    """Groups of photos that are the same except for a resize, another compression or a shade.

    Args:
        images: uint8 `[N, H, W, C]`; may be a memory map.

    Returns:
        int64 `[N]`: photos with equal numbers are one group; numbers count up from 0 in order of appearance.
    """
    return group_duplicates(difference_hashes(images), thumbnails(images))


def group_duplicates(hashes: np.ndarray, small: np.ndarray) -> np.ndarray:
    """`near_duplicate_groups` for callers that do not hold all photos at once.

    Args:
        hashes: uint64 `[N]` from `difference_hashes`.
        small: uint8 `[N, 16, 16, C]` from `thumbnails`.

    Returns:
        int64 `[N]`, as `near_duplicate_groups`.
    """
    from scipy.sparse import coo_array  # takes a moment to import
    from scipy.sparse.csgraph import connected_components

    if not len(hashes):
        return np.empty(0, np.int64)
    # identical photos first, however many: what follows compares pairs
    flat = np.ascontiguousarray(small.reshape(len(small), -1))
    _, firsts, inverse = np.unique(flat.view(f"V{flat.shape[1]}")[:, 0], return_index=True, return_inverse=True)
    cells = flat[firsts].reshape(-1, *small.shape[1:])
    # every fourth cell each way rejects nearly all pairs at a sixteenth of the cost
    sparse = np.ascontiguousarray(cells[:, 1::4, 1::4]).reshape(len(cells), -1).astype(np.int16)
    same = [np.stack([np.arange(len(flat)), firsts[inverse.reshape(-1)]])]
    for first, second in _candidates(hashes[firsts]):
        kept = np.abs(sparse[first] - sparse[second]).max(axis=1) <= MAX_CELL_DIFFERENCE
        same.append(firsts[_verified(cells, first[kept], second[kept])])
    pairs = np.concatenate(same, axis=1)
    graph = coo_array((np.ones(pairs.shape[1], bool), tuple(pairs)), (len(flat), len(flat)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, count, _CHUNK))


def _cell_means(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Exact area means: float32 `[N, rows, columns, C]`, also where cells cut through pixels."""
    count, height, width, channels = images.shape
    across = _overlaps(height, rows) @ images.reshape(count, height, width * channels).astype(np.float32)
    return _overlaps(width, columns) @ across.reshape(count, rows, width, channels)


def _overlaps(size: int, cells: int) -> np.ndarray:
    """The share of each pixel in each cell's mean: float32 `[cells, size]`, rows sum to 1."""
    edges = np.arange(cells + 1) * (size / cells)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(overlap, 0, None) * (cells / size)).astype(np.float32)


def _candidates(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of positions whose hashes are near.

    Hashes that differ in three bits agree in one of four bands of 16. The bands interleave: two whole rows of
    the grid would put every photo with a white top into one bucket.
    """
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    for band in range(_NUM_BANDS):
        keys = np.packbits(bits[:, band::_NUM_BANDS], axis=1).view(np.uint16)[:, 0]
        order = np.argsort(keys, kind="stable")
        keys, sorted_hashes = keys[order], hashes[order]
        left = np.arange(len(keys))
        offset = 1
        while len(left):
            left = left[left + offset < len(keys)]
            left = left[keys[left] == keys[left + offset]]
            differing = (sorted_hashes[left] ^ sorted_hashes[left + offset]).view(np.uint8).reshape(-1, 8)
            near = left[np.unpackbits(differing, axis=1).sum(axis=1, dtype=np.uint8) <= MAX_DISTANCE]
            if len(near):
                yield order[near], order[near + offset]
            offset += 1


def _verified(cells: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of candidate pairs, those whose thumbnails agree: int64 `[2, M]`."""
    one, other = cells[first].astype(np.float32), cells[second].astype(np.float32)
    difference = one - other
    error = np.sqrt((difference**2).mean(axis=(1, 2, 3)))
    contrast = np.minimum(_contrast(one), _contrast(other))
    kept = (np.abs(difference).max(axis=(1, 2, 3)) <= MAX_CELL_DIFFERENCE) & (
        error <= MAX_RELATIVE_DIFFERENCE * contrast
    )
    return np.stack([first[kept], second[kept]])


def _contrast(cells: np.ndarray) -> np.ndarray:
    """Root mean square deviation of each photo from its own mean colour."""
    return np.sqrt(((cells - cells.mean(axis=(1, 2), keepdims=True)) ** 2).mean(axis=(1, 2, 3)))
