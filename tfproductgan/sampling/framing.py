"""Pictures in the sizes and shapes that a shop shows."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfproductgan.catalogue.photos import background_colour


def framed(image: Image.Image, shape: tuple[int, int]) -> Image.Image:
    """A picture on a canvas of another shape, in its middle: nothing is cut off or stretched.

    Args:
        image: In mode `"L"`, `"RGB"` or `"RGBA"`.
        shape: Width and height in relation to each other, such as `(3, 4)`.

    Returns:
        An image of that shape, to the pixel, with the same metadata. What is new has the colour of the picture's
        border, or is transparent if the picture is.
    """
    across, down = shape
    parts = max(-(-image.width // across), -(-image.height // down))
    size = (parts * across, parts * down)
    if size == image.size:
        return image
    pixels = np.asarray(image)
    ground = (255, 255, 255, 0)
    if image.mode != "RGBA":
        colour = background_colour(pixels[..., None] if pixels.ndim == 2 else pixels)
        ground = tuple(map(int, colour)) if len(colour) > 1 else int(colour[0])
    made = Image.new(image.mode, size, ground)
    made.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    made.info = dict(image.info)
    return made


def scaled(image: Image.Image, longest: int) -> Image.Image:
    """A picture whose longer side has so many pixels, with the same metadata."""
    factor = longest / max(image.size)
    size = tuple(max(1, round(factor * side)) for side in image.size)
    made = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
    made.info = dict(image.info)
    return made
