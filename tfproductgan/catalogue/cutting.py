"""Products cut out of photos by a mask, and put before another background."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from tfproductgan.catalogue.photos import background_colour

# of the shadow, as shares of the photo's longer side
_BLUR, _FALL = 0.02, 0.015


def cut(photo: Image.Image, mask: np.ndarray, plain: bool) -> Image.Image:
    """The product alone.

    Args:
        photo: The photo.
        mask: Where the product is, float `[H, W]`, 0 to 1.
        plain: Whether the background has one colour: along the edge there is then less of it.

    Returns:
        RGBA, of the photo's size.
    """
    pixels = np.asarray(photo.convert("RGB"), np.float32)
    colour = background_colour(pixels.astype(np.uint8)).astype(np.float32)
    opacity = mask[..., None]
    # what shone through is taken away, where there is enough left to tell
    clean = np.where((opacity > 0.25) & plain, (pixels - (1 - opacity) * colour) / np.maximum(opacity, 0.25), pixels)
    made = Image.fromarray(np.clip(np.rint(clean), 0, 255).astype(np.uint8))
    made.putalpha(Image.fromarray(np.rint(255 * mask).astype(np.uint8)))
    return made


def placed(cut: Image.Image, ground: Image.Image, shadow: float) -> Image.Image:
    """A product before a background, with a blurred copy of its mask below as shadow.

    Args:
        cut: The product, RGBA.
        ground: The background, whose middle is taken.
        shadow: How dark the shadow is, 0 to 1.

    Returns:
        RGB, of the size of `cut`.
    """
    before, longest = ImageOps.fit(ground, cut.size, Image.Resampling.LANCZOS), max(cut.size)
    below = Image.new("L", cut.size)
    below.paste(cut.getchannel("A"), (0, round(_FALL * longest)))
    dark = below.filter(ImageFilter.GaussianBlur(_BLUR * longest)).point(lambda value: round(shadow * value))
    before.paste((0, 0, 0), mask=dark)
    before.paste(cut, mask=cut.getchannel("A"))
    return before
