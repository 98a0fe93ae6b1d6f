"""Two views of how far samples are from photos, side by side: what they are called, their mean, where they disagree.

What is shown is seen by a network that knows things, such as the classifier of the catalogue's own labels; how it looks
by one that knows texture. Either is blind for what the other sees, see docs/judging.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

VIEWS = {"what is shown": ("fid", "kid"), "how it looks": ("look", "look_kid")}
"""Name of a view to its figures: a Fréchet distance, which ranks, and a kernel distance, which few pictures allow."""

SIDE_BY_SIDE = tuple(name for names in zip(*VIEWS.values(), strict=True) for name in names)
"""The same figures in the order in which people compare them."""

Interval = tuple[float, float]


def view_of(figure: str) -> str | None:
    """The view that a figure of this name is a distance of, if it is of one."""
    return next((view for view, figures in VIEWS.items() if figure in figures), None)


def both_views(fid: float, look: float) -> float:
    """One distance of two, their geometric mean: halving either counts the same, whatever the scale of the other."""
    return math.sqrt(fid * look)


def contradiction(shown: Sequence[Interval], look: Sequence[Interval]) -> int | None:
    """Which of two models is better in what is shown and worse in how it looks, beyond doubt.

    Args:
        shown: Where the distance of each model lies, in the first view.
        look: The same in the second view.

    Returns:
        0 or 1; `None` if the views do not disagree, or intervals overlap.
    """
    for better, worse in ((0, 1), (1, 0)):
        if shown[better][1] < shown[worse][0] and look[worse][1] < look[better][0]:
            return better
    return None
