"""Templates, and what all of them know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform.api.bodies import PictureShown
from tfproductgan.platform.engine import Model
from tfproductgan.platform.page.languages import LANGUAGES, language_of
from tfproductgan.platform.problems import told_of
from tfproductgan.platform.state import platform_of
from tfproductgan.platform.store.tables import Picture

Kind = TypeVar("Kind", bound=BaseModel)

PREFIX = "of "
"""Before the names of attributes in forms, so that none is taken for a field of ours."""

TO_PREFIX = "to "
"""The same for the other end of a way."""


def _templates(language: str) -> Environment:
    templates = Environment(
        loader=PackageLoader("tfproductgan.platform.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_translations(LANGUAGES[language], newstyle=True)  # type: ignore[attr-defined]
    templates.globals["settings_of"] = _settings_of
    templates.globals["urlencode"] = urlencode
    return templates


def _settings_of(picture: PictureShown) -> str:
    """The address of the form that asks for a picture, filled in as it was asked for."""
    given = {PREFIX + attribute: value for attribute, value in picture.conditions.items()}
    return "/?" + urlencode({"model": picture.model, **given, "seed": picture.seed, "truncation": picture.truncation})


_NOTHING_WRONG = '<div id="said" role="alert" hx-swap-oob="true"></div>'
"""Takes away what was said of an earlier request."""

_VARIES = {"Vary": "Accept-Language, Cookie"}

_BY_LANGUAGE = {language: _templates(language) for language in LANGUAGES}


def rendered(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, or a part of one, for whoever asks."""
    text = _text(request, template, context)
    if request.headers.get("HX-Request") and request.method != "GET":
        text += _NOTHING_WRONG
    return HTMLResponse(text, status, _VARIES)


def problem_page(
    request: Request, status: int, said: str, headers: Mapping[str, str] | None = None, of_engine: bool = False
) -> HTMLResponse:
    """What went wrong, in the language of who asks; see `problems.answer`."""
    # what is no message of ours is English, whatever the page is in
    words, language = said, "en"
    if isinstance(said, Message):
        language = _language(request)
        words = said.by(LANGUAGES[language].gettext)
    template = "problem" if request.headers.get("HX-Request") else "wrong"
    told = {"words": words, "words_language": language, "of_engine": of_engine}
    return HTMLResponse(_text(request, template, told), status, {**_VARIES, **(headers or {})})


def _text(request: Request, template: str, context: Mapping[str, Any]) -> str:
    who, language = getattr(request.state, "who", None), _language(request)
    shared = {"who": who, "path": request.url.path, "language": language, "terms": platform_of(request).settings.terms}
    return (
        _BY_LANGUAGE[language].get_template(f"{template}.html.jinja").render({"choosable": False, **shared, **context})
    )


def _language(request: Request) -> str:
    return language_of(request.headers.get("Accept-Language", ""))


def cards(request: Request, pictures: Iterable[Picture]) -> HTMLResponse:
    """Pictures that were just drawn, for a grid."""
    return rendered(request, "cards", items=[PictureShown.of(picture) for picture in pictures], next=None)


async def _fields(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as fields:  # closes the files in it
        yield fields


Fields = Annotated[FormData, Depends(_fields)]
"""What a form holds whose fields depend on the model."""


def text_of(fields: FormData, name: str) -> str:
    """What was typed into a field, without the spaces around it."""
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def whole_number_of(fields: FormData, name: str) -> int | None:
    """The number that was typed into a field, `None` for nothing.

    Raises:
        ConditionError: If it is no whole number.
    """
    text = text_of(fields, name)
    try:
        return int(text) if text else None
    except ValueError:
        raise ConditionError(Message("%(name)s is a whole number. Received: %(text)r", name=name, text=text)) from None


def checked(kind: type[Kind], **values: Any) -> Kind:
    """What programs would send as `kind`, from fields.

    Raises:
        ConditionError: If one of them cannot be.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise ConditionError(told_of(error.errors())) from None


def file_of(fields: FormData, missing: Message) -> tuple[str, bytes]:
    """Name and bytes of the file that was chosen.

    Raises:
        ConditionError: With the words of `missing`, if none was.
    """
    file = fields.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise ConditionError(missing)
    return file.filename, file.file.read()


def conditions_of(model: Model, fields: FormData, prefix: str = PREFIX) -> dict[str, str]:
    """What was typed into the fields of a model's attributes, and of its text."""
    given = {name: text_of(fields, prefix + name) for name in model.schema.can_be_asked}
    return {name: value for name, value in given.items() if value}
