"""From one request to another in small steps: a strip to look at and a GIF that loops."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tfproductgan.sampling.files import KEY, annotate, describe_request, to_image, value_names, write_whole
from tfproductgan.sampling.grids import contact_grid, enlarge

if TYPE_CHECKING:
    from tfproductgan.conditions import PictureRequest

_STEP_TIME = 80  # milliseconds
_END_TIME = 640


def interpolation_strip(
    frames: np.ndarray, first: PictureRequest, second: PictureRequest, model_id: str
) -> Image.Image:
    """Lay an interpolation out as one row, both ends labelled.

    Args:
        frames: uint8 `[steps, H, W, C]` from `model.interpolate(first, second, steps)`.
        first: The request of the first picture.
        second: The request of the last picture.
        model_id: Id of the model that drew them.

    Returns:
        An image that carries its metadata.
    """
    labels = [_label(first), *[""] * (len(frames) - 2), _label(second)]
    strip = contact_grid(frames, columns=len(frames), column_labels=labels)
    return _annotate(strip, frames, first, second, model_id)


def write_interpolation_gif(
    path: str | os.PathLike,
    frames: np.ndarray,
    first: PictureRequest,
    second: PictureRequest,
    model_id: str,
    overwrite: bool = False,
) -> Path:
    """Write what `interpolation_strip` shows as a GIF that goes there and back for ever, resting at both ends.

    The path, and whether a file of that name may be replaced, are those of `write_png`.

    Raises:
        RunError: If the file exists and may not be replaced, or cannot be written.
    """
    images = _one_palette([enlarge(to_image(frame)) for frame in frames])
    between = [_STEP_TIME] * (len(images) - 2)
    metadata = _annotate(images[0], frames, first, second, model_id).info.pop(KEY)
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=images[1:] + images[-2:0:-1],
        duration=[_END_TIME, *between, _END_TIME, *between],
        loop=0,
        comment=json.dumps(metadata).encode("ascii"),
    )
    return write_whole(path, buffer.getvalue(), overwrite)


def _one_palette(images: list[Image.Image]) -> list[Image.Image]:
    """Frames with a palette in common: with one of their own each, a white background flickers."""
    if images[0].mode == "L":
        return images
    # quantised in one piece: fitting frames to a finished palette, Pillow turns white into light grey
    sheet = Image.fromarray(np.concatenate([np.asarray(image) for image in images]))
    sheet = sheet.quantize(256, kmeans=1, dither=Image.Dither.NONE)
    width, height = images[0].size
    return [sheet.crop((0, top, width, top + height)) for top in range(0, sheet.height, height)]


def _annotate(image, frames, first, second, model_id):
    ends = {"first": describe_request(first), "second": describe_request(second)}
    return annotate(image, "interpolation", model_id, **ends, steps=len(frames))


def _label(request: PictureRequest) -> str:
    return " ".join([*value_names(request.conditions), f"seed {request.seed}"])
