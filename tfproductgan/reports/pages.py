"""HTML pages by Jinja2, each one file that stands alone: nothing is loaded, and it reads in light and dark."""

from __future__ import annotations

import base64
import functools
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from tfproductgan.metrics.tables import mean_and_spread
from tfproductgan.sampling.files import to_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(template: str, **values: Any) -> str:
    """The page of a template of `templates/`; what is put into it is shown and does nothing else."""
    return templates().get_template(f"{template}.html.jinja").render(**values) + "\n"


@functools.cache
def templates() -> jinja2.Environment:
    """The templates, with what they use to show values."""
    environment = jinja2.Environment(
        autoescape=True,
        extensions=["jinja2.ext.do"],
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"shown": shown, "percent": percent, "spread": mean_and_spread}
    environment.filters |= {"picture": picture_uri, "figure": figure_uri}
    environment.globals["share"] = share
    environment.tests["share"] = lambda value: isinstance(value, Share)
    return environment


class Share(float):
    """A number from 0 to 1 that tables show as a percentage on a bar."""


def share(value: float | None) -> Share | None:
    """A number from 0 to 1, or `None`, as tables show it."""
    return None if value is None else Share(value)


def shown(value: Any) -> str:
    """A number as people read it, text as it is, `None` and what is not finite as a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"


def percent(value: float) -> str:
    """A share; number and sign stay on one line."""
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def picture_uri(picture: np.ndarray) -> str:
    """A picture, uint8 `[H, W, 3]` or `[H, W, 1]`, as the address of an image that holds it: PNG, so without loss."""
    buffer = io.BytesIO()
    to_image(picture).save(buffer, format="PNG", optimize=True)
    return png_uri(buffer.getvalue())


def figure_uri(figure: Figure) -> str:
    """A chart as the address of an image that holds it."""
    from tfproductgan.reports.charts import write  # matplotlib takes long to import, and most pages have no chart

    buffer = io.BytesIO()
    write(figure, buffer, format="png")
    return png_uri(buffer.getvalue())


def png_uri(data: bytes) -> str:
    """The bytes of a PNG file as the address of an image."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")
