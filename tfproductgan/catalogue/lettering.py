"""Texts that Pillow's own font can draw, in as much room as there is."""

from __future__ import annotations

import unicodedata

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def drawable(text: str) -> str:
    """A text in ASCII, all that Pillow's own font has: letters without their accents, `?` for other scripts."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def wrapped(text: str, font: Font, width: float, most_lines: int) -> str:
    """A drawable text broken into lines that fit a width in pixels; what does not fit the lines is cut."""
    lines: list[str] = []
    for paragraph in drawable(text).split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if font.getlength(longer) <= width:
                line = longer
                continue
            lines += [line] if line else []
            line = word
        lines.append(line)
    shown = [cut(line, font, width) for line in lines[:most_lines]]
    if len(lines) > most_lines:
        shown[-1] = cut(f"{lines[most_lines - 1]} ...", font, width)
    return "\n".join(shown)


def cut(line: str, font: Font, width: float, keep_end: bool = False) -> str:
    """A line that fits a width in pixels: its start, or its end, as of the name of a file."""
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(f"{line}...") > width:
        line = line[1:] if keep_end else line[:-1].rstrip(" .")
    return f"...{line}" if keep_end else f"{line}..."
