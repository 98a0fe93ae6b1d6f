"""What of a photo is the product, and its lines: told from a plain background, without a network."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tfproductgan.catalogue.photos import background_colour

_TOLERANCE = 12  # levels of 255 by which a plain background strays from its colour
_PLAIN_BORDER = 0.7  # share of the border that must have that colour: products touch it at times
_SHADOW = 0.45  # how bright a shadow is at least, as a share of the background
_TINT = 10  # levels by which its channels may then differ from the background's, darkened
_STEEPEST = 9  # levels a pixel: where a shadow changes faster, something begins
_LEAST_HOLE = 0.012  # of the photo: smaller spots of the background's colour are glints
_SPECK = 0.001
_SOFTNESS = 0.6  # pixels, of the edge
_LEAST_BLUR, _BLUR = 0.7, 0.004  # of lines: in pixels, and as a share of the longer side
_FAINTEST, _DARKEST = 4.0, 25.0  # levels by which brightness changes along a line that is seen at all, and a black one
_RIDGE = 0.8  # of the steepest place beside it
_MOST = 0.98  # share of the photo that a product takes at most


def product_mask(pixels: np.ndarray) -> np.ndarray | None:
    """Where the product is on a photo whose background has one colour.

    Background is what has the colour of the border and hangs together with it, soft shadows upon it, and large spots of
    that very colour inside the product, which are taken for holes.

    Args:
        pixels: uint8 `[H, W, C]`.

    Returns:
        float32 `[H, W]`, 1 for the product, 0 for the background, in between along its edge; `None` if the background
        has no one colour or there is nothing before it.
    """
    colour = background_colour(pixels).astype(np.float32)
    photo = pixels.astype(np.float32)
    alike = np.abs(photo - colour).max(axis=2) <= _TOLERANCE
    border = np.ones(alike.shape, bool)
    border[1:-1, 1:-1] = False
    if alike[border].mean() < _PLAIN_BORDER:
        return None
    ground = alike | _shadows(photo, colour)
    regions, count = ndimage.label(ground)
    sizes = np.bincount(regions[alike], minlength=count + 1)
    kept = sizes >= _LEAST_HOLE * alike.size
    kept[np.unique(regions[border & alike])] = True
    kept[0] = False
    found, count = ndimage.label(~kept[regions])
    large = np.bincount(found.ravel(), minlength=count + 1) >= _SPECK * alike.size
    large[0] = False
    product = large[found]
    if not 0 < product.mean() < _MOST:
        return None
    return np.clip(ndimage.gaussian_filter(product.astype(np.float32), _SOFTNESS), 0, 1)


def line_drawing(pixels: np.ndarray) -> np.ndarray:
    """The edges of a photo as dark lines on white: uint8 `[H, W, C]` to `[H, W]`, like the studio's line drawings.

    Edges are where the brightness changes most, looked at somewhat blurred (Marr and Hildreth 1980, Canny 1986).
    """
    photo = pixels.astype(np.float32).mean(axis=2)
    sigma = max(_LEAST_BLUR, _BLUR * max(photo.shape))
    steps = [ndimage.gaussian_filter(photo, sigma, order=order) for order in ((0, 1), (1, 0))]
    steep = np.hypot(*steps) * sigma  # so that the size of a photo makes no difference
    # ridges of it are lines: what lies beside them is left out
    ridge = steep >= _RIDGE * ndimage.maximum_filter(steep, size=2 * round(sigma) + 1)
    dark = np.clip((steep - _FAINTEST) / (_DARKEST - _FAINTEST), 0, 1) * ridge
    return np.rint(255 * (1 - dark)).astype(np.uint8)


def _shadows(photo, colour):
    """Where a photo has the background's colour, darkened evenly."""
    brightness = photo.mean(axis=2) / max(colour.mean(), 1.0)
    tint = np.abs(photo - brightness[..., None] * colour).max(axis=2)
    steep = ndimage.gaussian_gradient_magnitude(photo.mean(axis=2), 0.7)
    return (brightness >= _SHADOW) & (brightness <= 1.05) & (tint <= _TINT) & (steep <= _STEEPEST)
