"""Products without their background, or before another one: by a model that makes masks, or of plain backgrounds."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

from tfproductgan.errors import ConditionError, Message, PhotoError
from tfproductgan.platform import drawing, rollouts
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.engine import Model
from tfproductgan.platform.masking import clean_photo
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Picture

PLAIN = Model("plain background", {"model_id": "plain background"})
"""In the place of a model, where none is needed to tell a product from its background."""

# looking for the background takes some hundred bytes of each
_MOST_PIXELS = 4_000_000


def cut_out(
    platform: Platform,
    who: Principal,
    name: str | None,
    data: bytes,
    file: str,
    background: str = "",
    behind: bytes = b"",
    shadow: float = 0.3,
    finish: drawing.Finish = drawing.nothing_more,
) -> list[Picture]:
    """A product, cut out of a photo, which loses its metadata before and is not kept.

    Args:
        platform: The parts of the gateway.
        who: Who asks.
        name: A model that makes masks; `None` for photos whose background has one colour, which takes no engine.
        data: The photo's file; what is transparent already is its background.
        file: Its name, for errors.
        background: A colour such as `#f4f0e8` to put it before.
        behind: A photo's file to put it before.
        shadow: How dark its soft shadow is there, 0 to 1.
        finish: See `drawing.Finish`.

    Raises:
        ConditionError: If the model makes no masks, or the colour is none.
        PhotoError: If a file is no photo, or the background cannot be told.
        RefusedError, ServingError: As `drawing.generate`.
    """
    from tfproductgan.catalogue.cutting import cut, placed
    from tfproductgan.catalogue.photos import open_with_alpha

    model = PLAIN if name is None else rollouts.able(platform, who.tenant, name, "cutout")
    if background and not re.fullmatch(r"#[0-9a-fA-F]{6}", background):
        raise ConditionError(
            Message("A background is a colour such as #f4f0e8. Received: %(given)r", given=background[:50])
        )
    ground = Image.new("RGB", (1, 1), background) if background else None
    if behind:
        ground = open_with_alpha(clean_photo(behind, "background", _MOST_PIXELS), "background")[0].convert("RGB")
    clean = clean_photo(data, file, _MOST_PIXELS)
    photo, alpha = open_with_alpha(clean, file)
    platform.rates.pictures(who, 1)
    mask = _mask(platform, model, clean, photo, alpha)
    made = cut(photo, mask, plain=model is PLAIN)
    if ground is not None:
        made = placed(made, ground, shadow)
    written = io.BytesIO()
    made.save(written, "PNG", compress_level=1)
    told = {"product": round(float(mask.mean()), 4), "background": background or ("photo" if behind else None)}
    return drawing.without_seed(platform, who, model, "cutout", [written.getvalue()], [{}], [told], finish)


def _mask(platform: Platform, model: Model, clean: bytes, photo: Image.Image, alpha: Image.Image | None) -> np.ndarray:
    """Where the product is, float32 `[H, W]`."""
    from tfproductgan.catalogue.masks import product_mask

    if alpha is not None:
        return np.asarray(alpha, np.float32) / 255
    if model is not PLAIN:
        [file] = platform.engine.translate(model, [clean], {}, "B")
        return np.asarray(Image.open(io.BytesIO(file)).convert("L"), np.float32) / 255
    mask = product_mask(np.asarray(photo.convert("RGB")))
    if mask is None:
        raise PhotoError(
            Message("The background has no one colour to tell the product from: ask a model that makes masks.")
        )
    return mask
