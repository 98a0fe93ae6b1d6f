"""Templates, and what all of them know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData

_templates = Environment(
    loader=PackageLoader("tfproductgan.platform.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def rendered(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, or a part of one, for whoever asks."""
    who = getattr(request.state, "who", None)
    text = _templates.get_template(f"{template}.html.jinja").render(who=who, path=request.url.path, **context)
    return HTMLResponse(text, status)


async def _fields(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as fields:  # closes the files in it
        yield fields


Fields = Annotated[FormData, Depends(_fields)]
"""What a form holds whose fields depend on the model."""


def text_of(fields: FormData, name: str) -> str:
    """What was typed into a field, without the spaces around it."""
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""
