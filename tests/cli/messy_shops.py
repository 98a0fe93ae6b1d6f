"""Three sets of photos in the shape in which shops have them; `python tests/cli/messy_shops.py FOLDER` writes them.

They are drawn by the studio, and then made a mess of as people and their programs do.
"""

import csv
import functools
import io
import random
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tfproductgan import studio
from tfproductgan.errors import ConditionError


def photo(number, format_="JPEG", size=48, **labels):
    """The bytes of a photo."""
    return encoded(studio.render_image(studio.product(1, number, **labels), size), format_)


@functools.cache
def drawn(category, colour):
    try:
        return studio.render_image(studio.product(1, 0, category=category, colour=colour), 32)
    except ConditionError:  # the studio makes no such thing of this colour
        return studio.render_image(studio.product(1, 0, category=category), 32)


def encoded(pixels, format_="JPEG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_)
    return file.getvalue()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def jewellery(folder, count=40):
    """Folders by category: duplicates, GIFs named `.jpg`, mixed extensions, and what systems and people leave there.

    Of each of three classes there are `count` photos that can be used.
    """
    formats = [("jpg", "JPEG"), ("JPG", "JPEG"), ("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("jpg", "GIF")]
    for category in ("Ring", "Necklace", "Earrings"):
        place = folder / "Jewellery (new)" / {"Earrings": "earrings "}.get(category, f"{category}s")
        for number in range(count):
            extension, format_ = formats[number % len(formats)]
            name = f"IMG_{number:04d}.{extension}" if number % 7 else f"IMG_{number:04d}"  # some lost their extension
            write(place / name, photo(number, format_, category=category))
        shutil.copy(place / "IMG_0001.JPG", place / "IMG_0001 (1).JPG")
        write(place / "Thumbs.db", b"\xd0\xcf\x11\xe0 thumbnails")
        write(place / "@eaDir" / "IMG_0001.JPG" / "SYNOPHOTO_THUMB_M.jpg", photo(1, category=category))
    write(folder / "__MACOSX" / "._IMG_0001.JPG", b"\0\5\x16\7")
    write(folder / "Jewellery (new)" / "banner.jpg", photo(999))
    write(folder / "Jewellery (new)" / "Rings" / "broken.jpg", photo(1)[:400])
    write(folder / "Jewellery (new)" / "Rings" / "empty.png", b"")
    return folder


def furniture(folder, count=1500):
    """A table of 676 types and 478 colours, most of them on a few rows, with several colours in one cell.

    Semicolons between the columns, prices with commas, a `sep=` line first, photos named without their extension.
    """
    draw = random.Random(0)
    types = [f"{first} {second}" for first in FIRST for second in SECOND]
    shades = [f"{tone} {shade}".strip() for shade in SHADES for tone in TONES][:478]
    colours = list(studio.ATTRIBUTES["colour"])
    rows = []
    for number in range(count):
        # the second name is what is drawn; all names occur, few of them often
        kind = types[number] if number < len(types) else types[min(int(draw.expovariate(1 / 12)), 675)]
        colour = colours[min(int(draw.expovariate(1 / 3)), len(colours) - 1)]
        several = [colour, *([shades[number % 478]] if number < 478 or draw.random() < 0.2 else [])]
        # drawn once each, and then moved: drawing is what takes time
        pixels = np.roll(drawn(SECOND[kind.split()[-1]], colour), (number % 5, number % 7), (0, 1))
        write(folder / "images" / f"{number:05d}.jpg", encoded(pixels))
        rows.append([f"{number:05d}", kind, ", ".join(several), f"{draw.randint(9, 900)},{draw.randint(0, 99):02d} €"])
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    table.writerows([["image", "Type", "Color", "Price"], *rows])
    write(folder / "products.csv", b"\xef\xbb\xbfsep=;\r\n" + text.getvalue().encode())
    return folder


FIRST = [
    f"{where}{what}".strip()
    for where in ("", "Outdoor ", "Office ", "Kids ")
    for what in (
        "Small",
        "Large",
        "Folding",
        "Round",
        "Corner",
        "Low",
        "High",
        "Oak",
        "Steel",
        "Rattan",
        "Velvet",
        "Modular",
        "Classic",
    )
]
SECOND = {
    "Table": "Mug",
    "Chair": "Boot",
    "Sofa": "Handbag",
    "Lamp": "Bottle",
    "Shelf": "Sweater",
    "Bed": "Dress",
    "Desk": "Trousers",
    "Stool": "Cap",
    "Bench": "Sneaker",
    "Cabinet": "Backpack",
    "Rug": "T-shirt",
    "Mirror": "Watch",
    "Clock": "Glasses",
}
TONES = ("", "Light", "Dark", "Warm", "Cold", "Matt", "Glossy", "Pale", "Deep", "Dusty")
SHADES = [
    f"{base}{tail}"
    for base in ("Oak", "Pine", "Birch", "Ash", "Teak", "Walnut", "Ivory", "Sand", "Rust", "Moss", "Slate", "Navy")
    for tail in ("", " stain", " oil", " wash")
]


def groceries(folder, count=12):
    """Folders in folders, splits above: part of the shop, kind, brand; not all are equally deep."""
    shelves = {
        "Drinks": {"Juice": ("Granny's Best", "Soleil"), "Milk": ("Årla Standard", "Årla Ekologisk")},
        "Household": {"Cups": ("Kök",), "Cloths": ("Tvätt", "Rent hus")},
        "Fruit": {},
    }
    drawn = {"Juice": "Bottle", "Milk": "Bottle", "Cups": "Mug", "Cloths": "T-shirt", "Fruit": "Cap"}
    number = 0
    for split, share in (("train", 1.0), ("val", 0.4), ("test", 0.25)):
        for part, kinds in shelves.items():
            for path, category in [
                (f"{part}/{kind}/{brand}", drawn[kind]) for kind, brands in kinds.items() for brand in brands
            ] or [(part, drawn[part])]:
                for _ in range(max(2, int(count * share))):
                    number += 1
                    write(folder / split / path / f"{number}.png", photo(number, "PNG", category=category))
    write(folder / "classes.csv", b"Class Name,Class ID\nJuice,0\nMilk,1\n")
    return folder


SHOPS = {"jewellery": jewellery, "furniture": furniture, "groceries": groceries}

if __name__ == "__main__":
    for name, make in SHOPS.items():
        print(make(Path(sys.argv[1]) / name))
