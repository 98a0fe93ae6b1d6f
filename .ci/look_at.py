"""Look at what a command left: `python look_at.py FOLDER...` fails if a picture is blank or a file is missing."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

RUN_FILES = ("recipe.json", "schema.json", "data.json", "environment.json", "metrics.jsonl", "generator.keras")
# a grid whose cells are blank still has its labels: text on white, antialiased, has at most so many grey levels
LABELS_ONLY = 256
BLANK = 32


def look_at(folder: Path) -> list[str]:
    """What is wrong with the files of a folder."""
    wrong = []
    if (folder / "recipe.json").exists():
        wrong += [f"{folder / name} is missing or empty" for name in RUN_FILES if not _size(folder / name)]
    pictures = sorted(folder.rglob("*.png"))
    if not pictures:
        wrong.append(f"{folder} holds no PNG file")
    for path in pictures:
        with Image.open(path) as image:
            labelled = image.width > 256
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        colours = len(np.unique(pixels, axis=0))
        print(f"{path}: {colours} colours, standard deviation {pixels.std():.0f}")
        if colours <= (LABELS_ONLY if labelled else BLANK) or pixels.std() < 4:
            wrong.append(f"{path} is blank")
    return wrong


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


if __name__ == "__main__":
    problems = [problem for folder in sys.argv[1:] for problem in look_at(Path(folder))]
    sys.exit("\n".join(problems) or 0)
