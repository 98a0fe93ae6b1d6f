"""The languages of the page: gettext catalogues, chosen by what the browser asks for."""

from __future__ import annotations

import gettext
from pathlib import Path

CATALOGUES = Path(__file__).parent / "locale"

LANGUAGES = {"en": gettext.NullTranslations()} | {
    folder.name: gettext.translation("page", CATALOGUES, [folder.name])
    for folder in sorted(CATALOGUES.iterdir())
    if folder.is_dir()
}
"""Translations by language; English is what the templates are written in."""


def language_of(accepted: str) -> str:
    """The language that fits a header `Accept-Language` best; English if none does."""
    wanted = []
    for number, part in enumerate(accepted.split(",")):
        name, _, weight = part.partition(";q=")
        try:
            wanted.append((-float(weight or 1), number, name.strip().lower().split("-")[0]))
        except ValueError:
            continue
    return next((name for weight, _, name in sorted(wanted) if weight < 0 and name in LANGUAGES), "en")
