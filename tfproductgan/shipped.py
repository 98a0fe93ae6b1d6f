"""Where the models lie that come with the package."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path | None:
    """A file or folder of `saved_models/`; `None` if this installation lacks it."""
    package = Path(__file__).parent
    # inside an installed wheel, or beside the package in a checkout
    places = (folder / "saved_models" / name for folder in (package, package.parent))
    return next((place for place in places if place.exists()), None)
