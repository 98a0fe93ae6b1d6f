"""Whatever people give the command line: one line says what is wrong and what would be right, and nothing is lost.

A table of cases: what lies in the folder, the command, and what its line on stderr has to say.
"""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import io
import itertools
import json
import os
import shlex
import socket
import struct
import subprocess
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models.loading import shipped_model_path
from tfproductgan.recipes import RECIPES, get_recipe
from tfproductgan.writing import locked

tf.config.list_physical_devices()  # says on stderr that there is no GPU: now, not while a test reads what is said

TRAIN = (
    "train --out run --recipe mlp --image-size 16 --images 8 --batch-size 2 --precision float32"
    " --set generator.widths=[8] --set discriminator.widths=[8]"
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One command on one kind of input.

    Args:
        name: Of the test.
        make: Puts the input into the current folder.
        words: The command.
        said: What its line on stderr holds, if it is refused; what it prints, if it is accepted.
        code: The exit code.
    """

    name: str
    make: Callable[[], object]
    words: str
    said: tuple[str, ...] = ()
    code: int = 1


# === Inputs


@functools.cache
def picture(seed=0, size=(20, 20), mode="RGB", kind="PNG", **options):
    """The bytes of a picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, kind, **options)
    return file.getvalue()


def put(path, data=b""):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def photos(count=4, folder="photos"):
    """Two classes of photos."""
    for number in range(count):
        put(f"{folder}/{'rings' if number % 2 else 'mugs'}/{number}.png", picture(number))


def photo(name, data):
    """Good photos and one more."""
    photos()
    put(f"photos/mugs/{name}", data)


def table(text, name="products.csv"):
    """Four photos and a table of them."""
    for number in range(4):
        put(f"{number}.png", picture(number))
    put(name, text)


def archive(members, name="photos.zip"):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as file:
        for member, data in members.items():
            file.writestr(member, data)


@functools.cache
def bomb(side=20_000):
    """A PNG of 20,000 x 20,000 white pixels in 50 kB."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * (side // 8)) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def overgrown(name="photos.zip", size=600 << 20):
    """A zip of one photo and a member of 1 kB that says it unpacks to 600 MiB."""
    archive({"mugs/0.png": picture(), "mugs/bomb.png": bytes(10**6)}, name)
    data = bytearray(Path(name).read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # in the directory at the end, where sizes are read
    data[entry + 24 : entry + 28] = struct.pack("<I", size)
    put(name, bytes(data))


def link(name):
    """A member of a zip that is a symbolic link."""
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16
    return member


ROWS = "file,colour\n" + "".join(f"{number}.png,{'Red' if number % 2 else 'Blue'}\n" for number in range(4))


def header_only(name, kind="PNG"):
    """A picture whose header is there and nothing else."""
    photo(name, picture(9, kind=kind)[:60])


def model(name="model.keras", cut=None, **edits):
    """The generator that comes along, cut off, or with parts of its configuration changed; no weights then."""
    data = shipped_model_path().read_bytes()
    if cut is not None:
        put(name, data[:cut])
    if edits:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            parts = {part: file.read(part).decode() for part in ("config.json", "metadata.json")}
        for old, new in edits.values():
            parts = {part: text.replace(old, new) for part, text in parts.items()}
        archive(parts, name)


def run_of(**changes):
    """A run directory of the command `TRAIN` in all but some fields of its recipe."""
    widths = {"widths": [8]}
    recipe = get_recipe(
        "mlp",
        images=8,
        batch_size=2,
        precision="float32",
        generator=widths,
        discriminator={**RECIPES["mlp"].networks["discriminator"].options, **widths},
    )
    photos()
    schema = ConditionSchema([Attribute("class", ("mugs", "rings"))], image_size=16)
    put("run/schema.json", json.dumps(schema.to_dict()))
    put("run/recipe.json", recipe.replace(**changes).to_json())


HELD = contextlib.ExitStack()


def held(folder):
    """A folder that a process has locked, until the test ends."""
    HELD.enter_context(locked(folder))


def many_labels():
    """A table of 10,000 photos, each with a number of its own as label."""
    rows = "".join(f"{number}.png,No {number}\n" for number in range(10_000))
    archive({"products.csv": "file,number\n" + rows, **{f"{number}.png": b"" for number in range(10_000)}})


# === What is refused

PHOTOS = [
    Case("missing folder", lambda: None, f"{TRAIN} --data nowhere", ("'nowhere' does not exist", "Give a folder")),
    Case("missing folder to check", lambda: None, "check nowhere", ("'nowhere' does not exist", "Give a folder")),
    Case("unknown home", lambda: None, "check ~nobody_here/photos", ("'~nobody_here/photos' is in a home folder",)),
    Case("empty path", photos, f"{TRAIN} --data ''", ("path of the data is empty", "Give a folder")),
    Case("empty folder", lambda: os.mkdir("photos"), f"{TRAIN} --data photos", ("'photos' has no photos", "<class>")),
    Case("folder without photos", lambda: put("photos/a.txt"), f"{TRAIN} --data photos", ("'photos' has no photos",)),
    Case(
        "truncated JPEG",
        lambda: photo("cut.jpg", picture(9, kind="JPEG")[:300]),
        f"{TRAIN} --data photos",
        ("1 of 5 photos", "mugs/cut.jpg: damaged", "repair or remove", "--max-unreadable"),
    ),
    Case("header only", lambda: header_only("cut.png"), f"{TRAIN} --data photos", ("mugs/cut.png: damaged",)),
    Case(
        "text as JPEG",
        lambda: photo("text.jpg", "hello"),
        f"{TRAIN} --data photos",
        ("mugs/text.jpg: not a JPEG, PNG", "--max-unreadable"),
    ),
    Case(
        "PostScript as JPEG",
        lambda: photo("draw.jpg", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
        f"{TRAIN} --data photos",
        ("mugs/draw.jpg: not a JPEG, PNG",),
    ),
    Case(
        "web page as JPEG",
        lambda: photo("gone.jpg", "<!DOCTYPE html><title>404"),
        f"{TRAIN} --data photos",
        ("mugs/gone.jpg: not a JPEG, PNG", "(web page: most likely a failed download: fetch anew)"),
    ),
    Case(
        "format that is not read",
        lambda: photo("a.jxl", b"\xff\x0a" + bytes(99)),
        f"{TRAIN} --data photos",
        ("1 of 5 photos", "mugs/a.jxl: JPEG XL photo: convert to JPEG", "--max-unreadable"),
    ),
    Case(
        "more names than levels of folders",
        photos,
        f"{TRAIN} --data photos --attributes kind,colour",
        (
            "'photos' has 1 level of class folders (2 values: mugs, rings)",
            "2 attributes are named for them: kind, colour",
        ),
    ),
    Case("empty file", lambda: photo("no.jpg", b""), f"{TRAIN} --data photos", ("mugs/no.jpg: the file is empty",)),
    Case(
        "one pixel",
        lambda: photo("dot.png", picture(9, size=(1, 1))),
        f"{TRAIN} --data photos",
        ("mugs/dot.png: a single pixel is no photo",),
    ),
    Case(
        "20,000 x 20,000 pixels",
        lambda: photo("bomb.png", bomb()),
        f"{TRAIN} --data photos",
        ("mugs/bomb.png: more than 178 million pixels, scale it down",),
    ),
    Case("pipe", lambda: (photos(), os.mkfifo("photos/mugs/pipe.png")), f"{TRAIN} --data photos", ("mugs/pipe.png",)),
    Case(
        "endless device",
        lambda: (photos(), os.symlink("/dev/zero", "photos/mugs/zero.png")),
        f"{TRAIN} --data photos",
        ("mugs/zero.png: not a file",),
    ),
    Case(
        "link to nothing",
        lambda: (photos(), os.symlink("gone.png", "photos/mugs/link.png")),
        f"{TRAIN} --data photos",
        ("mugs/link.png: No such file",),
    ),
    Case(
        "splits beside classes",
        lambda: (photos(), put("photos/train/mugs/1.png", picture())),
        f"{TRAIN} --data photos",
        ("'photos' has split folders (train) beside 'mugs', 'rings'",),
    ),
    Case(
        "all in test",
        lambda: photos(folder="photos/test"),
        f"{TRAIN} --data photos",
        ("No photos to train on: all are in test",),
    ),
    Case(
        "fewer than a batch",
        photos,
        f"{TRAIN} --data photos --batch-size 5",
        ("batch_size=5 is more than the 4 photos of 'train'", "add photos or lower it"),
    ),
    Case("document", lambda: put("notes.doc", "x"), f"{TRAIN} --data notes.doc", ("'notes.doc'", "Give a folder")),
    Case(
        "text file", lambda: put("notes.txt", "x"), f"{TRAIN} --data notes.txt", ("notes.txt has no rows", "expected")
    ),
    Case("spreadsheet", lambda: archive({}, "p.xlsx"), f"{TRAIN} --data p.xlsx", ("'p.xlsx'", "Save it as CSV")),
    Case("studio of none", lambda: None, "check studio:0", ("studio:COUNT", "'studio:0'")),
    Case("studio too large", lambda: None, "check studio:10000000", ("up to 1,000,000 photos", "10,000,000")),
]

TABLES = [
    Case("missing table", photos, f"{TRAIN} --data products.csv", ("'products.csv' does not exist",)),
    Case("empty table", lambda: table(""), f"{TRAIN} --data products.csv", ("products.csv has no rows", "expected")),
    Case("header alone", lambda: table("file,colour\n"), f"{TRAIN} --data products.csv", ("has no rows", "expected")),
    Case(
        "several values of no attribute",
        lambda: table(ROWS),
        f"{TRAIN} --data products.csv --attributes colour --multi color",
        ("multi (--multi) names 'color', which is no attribute: did you mean 'colour'?",),
    ),
    Case("several values of folders", photos, f"{TRAIN} --data photos --multi class", ("--multi is for tables",)),
    Case(
        "missing column",
        lambda: table(ROWS),
        f"{TRAIN} --data products.csv --attributes color",
        ("products.csv has no column 'color': did you mean 'colour'?",),
    ),
    Case(
        "no column of photos",
        lambda: table(ROWS.replace("file", "product").replace(".png", " pieces")),
        f"{TRAIN} --data products.csv",
        ("products.csv has no column of photos", "--image-column", "'product', 'colour'"),
    ),
    Case(
        "two columns of one name",
        lambda: table(ROWS.replace("\n", ",x\n").replace("colour,x", "colour,Colour")),
        f"{TRAIN} --data products.csv --attributes colour",
        ("products.csv has 2 columns called 'colour': rename all but one",),
    ),
    Case(
        "duplicate id",
        lambda: table(f"{ROWS}0.png,Red\n"),
        f"{TRAIN} --data products.csv --attributes colour",
        ("row 5 of products.csv: 0.png is in row 1 already", "remove them"),
    ),
    Case(
        "path outside",
        lambda: table(f"{ROWS}../secret.png,Red\n"),
        f"{TRAIN} --data products.csv",
        ("'../secret.png' leads out of", "without '..'"),
    ),
    Case(
        "absolute path outside",
        lambda: table(f"{ROWS}/etc/secret.png,Red\n"),
        f"{TRAIN} --data products.csv",
        ("'/etc/secret.png' is not inside the photos' folder",),
    ),
    Case(
        "web addresses",
        lambda: table("image\nhttps://example.com/a.png\n"),
        f"{TRAIN} --data products.csv",
        ("'https://example.com/a.png'", "download the photos"),
    ),
    Case(
        "wrong encoding",
        lambda: table(f"{ROWS}4.png,Rosé\n".encode("latin-1")),
        f"{TRAIN} --data products.csv",
        ("products.csv is not UTF-8: line 6 has the byte 0xe9", "Save it as UTF-8"),
    ),
    Case(
        "half a character of UTF-16",
        lambda: table(ROWS.encode("utf-16") + b"x"),
        f"{TRAIN} --data products.csv",
        ("products.csv is not UTF-16", "Save it as UTF-8"),
    ),
    Case(
        "a photo called table",
        lambda: table(picture()),
        f"{TRAIN} --data products.csv",
        ("products.csv is not UTF-8: line 1", "Save it as UTF-8"),
    ),
    Case(
        "null characters",
        lambda: table(f"{ROWS}4.png,\0\n"),
        f"{TRAIN} --data products.csv",
        ("products.csv is no text", "Save it as UTF-8"),
    ),
    Case(
        "open quotation mark",
        lambda: table(ROWS.replace("Red", '"Red', 1)),
        f"{TRAIN} --data products.csv",
        ("products.csv line 3: a quotation mark is opened and never closed",),
    ),
    Case(
        "quotation mark that swallows rows",
        lambda: table('file,title\n0.png,"Retro mug\n1.png,Mug\n2.png,"Old" mug\n'),
        f"{TRAIN} --data products.csv",
        ("products.csv line 2: a quotation mark is opened and closed in the middle of a field of line 4", "double it"),
    ),
    Case(
        "header in the middle",
        lambda: table(f"{ROWS}colour,file\n"),
        f"{TRAIN} --data products.csv",
        ("products.csv line 6 is another header", "make a table of its own"),
    ),
    Case(
        "list without a header",
        lambda: table("0.png Red\n1.png Blue\n", "list.txt"),
        f"{TRAIN} --data list.txt",
        ("list.txt has no header", "'0.png'", "--columns file,label"),
    ),
    Case(
        "two tables with the column",
        lambda: (table(ROWS, "shop/a.csv"), put("shop/b.csv", ROWS)),
        f"{TRAIN} --data . --attributes colour",
        ("must hold one table with the columns colour; it has 2: shop/a.csv, shop/b.csv", "--images-in"),
    ),
    Case(
        "names that may be several photos",
        lambda: (table("file\n0\n1\n"), put("0.jpg", picture()), put("1.jpg", picture())),
        f"{TRAIN} --data products.csv",
        ("None of the 2 photos", "'0', may be 0.jpg or 0.png"),
    ),
    Case(
        "half a line of JSON",
        lambda: table('{"file": "0.png"}\n{"file"', "products.jsonl"),
        f"{TRAIN} --data products.jsonl",
        ("products.jsonl line 2 cannot be read as JSON",),
    ),
    Case(
        "photos elsewhere",
        lambda: put("products.csv", ROWS),
        f"{TRAIN} --data products.csv",
        ("None of the 4 photos", "'0.png'", "--images-in"),
    ),
    Case(
        "photos nowhere",
        lambda: table(ROWS),
        f"{TRAIN} --data products.csv --images-in nowhere",
        ("'nowhere' does not exist: give a folder or a zip",),
    ),
    Case(
        "unknown split",
        lambda: table(ROWS),
        f"{TRAIN} --data products.csv --split-column colour",
        ("Column 'colour' of products.csv has 'Blue'", "train, validation, test"),
    ),
    Case(
        "10,000 labels",
        many_labels,
        f"{TRAIN} --data photos.zip --attributes number",
        ("'number' has 10,000 values on 10,000 photos", "leave it out", "--min-count"),
    ),
    Case(
        "labels too rare",
        lambda: table(ROWS),
        f"{TRAIN} --data products.csv --attributes colour --min-count 3",
        ("'colour' has no value on 3 photos", "Lower min_count"),
    ),
    Case("no Parquet", lambda: put("p.parquet", "x"), f"{TRAIN} --data p.parquet", ("p.parquet",)),
]

ZIPS = [
    Case(
        "zip that leads out",
        lambda: archive({"mugs/0.png": picture(), "../evil.png": picture()}),
        f"{TRAIN} --data photos.zip",
        ("'../evil.png' leads out of the zip 'photos.zip'", "without '..'"),
    ),
    Case(
        "zip in a zip",
        lambda: archive({"inner.zip": b"PK", "0.txt": b"0" * 10**7}),
        f"{TRAIN} --data photos.zip",
        ("'photos.zip' has no photos", "Archives inside it are not opened"),
    ),
    Case(
        "photo that unpacks to 600 MiB",
        overgrown,
        f"{TRAIN} --data photos.zip",
        ("mugs/bomb.png: the file is larger than 512 MiB",),
    ),
    Case(
        "link in a zip",
        lambda: archive({"mugs/0.png": picture(), link("mugs/link.png"): "/etc/passwd"}),
        f"{TRAIN} --data photos.zip",
        ("mugs/link.png: not a JPEG, PNG",),
    ),
    Case(
        "truncated zip",
        lambda: (archive({"mugs/0.png": picture()}), os.truncate("photos.zip", 100)),
        f"{TRAIN} --data photos.zip",
        ("'photos.zip' cannot be read as a zip", "damaged"),
    ),
    Case(
        "tar of another compression",
        lambda: put("photos.tar.zst", "x"),
        f"{TRAIN} --data photos.tar.zst",
        ("'photos.tar.zst' cannot be read as a zip", "Unpack it"),
    ),
    Case(
        "compressed nothing",
        lambda: Path("photos.tar.gz").write_bytes(gzip.compress(b"")),
        f"{TRAIN} --data photos.tar.gz",
        ("'photos.tar.gz' cannot be read as a tar (empty file)", "damaged"),
    ),
    Case(
        "two tables",
        lambda: archive({"mugs/0.png": picture(), "a.csv": ROWS, "b.csv": ROWS}),
        f"{TRAIN} --data photos.zip --text title",
        ("--text is for tables", "'photos.zip' neither is one nor holds a single one"),
    ),
]

REQUESTS = [
    Case("unknown condition", lambda: None, "generate wach", ("'wach' is no value of", "did you mean 'Watch'")),
    Case("unknown value", lambda: None, "generate --set colour=gren", ("Unknown colour 'gren': did you mean 'Green'",)),
    Case("unknown attribute", lambda: None, "generate --set color=Red", ("Unknown attribute 'color': did you mean",)),
    Case("two values", lambda: None, "generate red blue", ("One picture has one colour", "'Red' and 'Blue'")),
    Case("count 0", lambda: None, "generate ring --count 0", ("count must be", "from 1", "Received: 0")),
    Case("count -1", lambda: None, "generate ring --count -1", ("count must be", "from 1", "Received: -1")),
    Case("10 million", lambda: None, "generate ring --count 10000000", ("count must be", "to 349525", "10000000")),
    Case("count in words", lambda: None, "generate ring --count many", ("--count", "'many' is not a whole"), 2),
    Case("negative seed", lambda: None, "generate ring --seed -1", ("seed must be", "from 0", "Received: -1")),
    Case("huge seed", lambda: None, f"generate ring --seed {10**20}", ("seed must be", "Received: 10000000")),
    Case("seed in words", lambda: None, "generate 'ring, seed x'", ("such as 'seed 7'", "Received: 'x'")),
    Case("half a seed", lambda: None, "generate ring --seed 1.5", ("--seed", "'1.5' is not a whole number"), 2),
    Case("truncation NaN", lambda: None, "generate ring --truncation nan", ("truncation must be", "Received: nan")),
    Case("truncation 3", lambda: None, "generate ring --truncation 3", ("truncation must be", "from 0 to 2")),
    Case("truncation in words", lambda: None, "generate ring --truncation x", ("--truncation", "not a number"), 2),
    Case("one step", lambda: None, "generate ring --interpolate mug --steps 1", ("steps must be", "from 2")),
    Case("grid of three", lambda: None, "generate --grid a,b,c", ("--grid", "such as category,colour"), 2),
    Case("unknown option", lambda: None, "generate ring --cuont 3", ("--cuont", "--help"), 2),
    Case("unknown verb", lambda: None, "genrate ring", ("There is no verb 'genrate': did you mean 'generate'",), 2),
]

RECIPE_OPTIONS = [
    Case(
        "size no network makes",
        photos,
        "train --out run --data photos --image-size 48",
        ("dcgan makes pictures of 28, 32, 64, 128, 256 pixels", "image_size=48"),
    ),
    Case(
        "size beyond memory",
        photos,
        f"{TRAIN} --data photos --image-size 100000",
        ("--image-size: 100000 pixels are too many: 1024 are the most",),
        2,
    ),
    Case(
        "size 0", photos, "check photos --image-size 0", ("--image-size: '0' is not a whole number of at least 1",), 2
    ),
    Case("unknown recipe", photos, f"{TRAIN} --data photos --recipe dgan", ("Unknown recipe 'dgan': did you mean",)),
    Case("unknown field", photos, f"{TRAIN} --data photos --set los=x", ("no field 'los': did you mean 'loss'?",)),
    Case("no number", photos, f"{TRAIN} --data photos --set balance=NaN", ("balance must be between 0 and 1", "nan")),
    Case("number beyond floats", photos, f"{TRAIN} --data photos --set gradient_clip=1{'0' * 400}", ("gradient_clip",)),
    Case(
        "no mapping",
        photos,
        f"{TRAIN} --data photos --set generator=3 --set generator.l2=0",
        ("generator must map names",),
    ),
    Case("no latents", photos, f"{TRAIN} --data photos --set generator.latent_dim=-1", ("latent_dim must be a whole",)),
    Case("no name", photos, f"{TRAIN} --data photos --set family=[1]", ("family must be a name. Received: [1]",)),
    Case(
        "no rate",
        photos,
        f"{TRAIN} --data photos --set generator_learning_rate=true",
        ("generator_learning_rate must be above 0. Received: True",),
    ),
    Case("endless", photos, f"{TRAIN} --data photos --set images=1{'0' * 22}", ("images must be a whole number",)),
    Case("batch of 0", photos, f"{TRAIN} --data photos --batch-size 0", ("batch_size must be", "at least 1")),
    Case("batch in words", photos, f"{TRAIN} --data photos --batch-size x", ("--batch-size: 'x' is not a whole",), 2),
    Case("seed below 0", photos, f"{TRAIN} --data photos --seed -1", ("seed must be a whole number from 0",)),
    Case("0 images", photos, f"{TRAIN} --data photos --images 0", ("--images: '0' is no number of images; write",), 2),
    Case("share above 1", photos, f"{TRAIN} --data photos --max-unreadable 5", ("--max-unreadable: '5'",), 2),
]

MODELS = [
    Case("missing model", lambda: None, "generate ring --model nowhere", ("No such model: nowhere", "Give a .keras")),
    Case("no model named", lambda: None, "generate ring --model ''", ("holds no generator.keras", "give a run")),
    Case("untrained run", run_of, "generate ring --model run", ("run holds no generator.keras", "has trained")),
    Case("truncated model", lambda: model(cut=90_000), "generate ring --model model.keras", ("model.keras", "damaged")),
    Case("picture as model", photos, "generate ring --model photos/mugs/0.png", ("0.png cannot be loaded", "damaged")),
    Case(
        "newer schema",
        lambda: model(version=('"version": 1', '"version": 9')),
        "generate ring --model model.keras",
        ("model.keras", "version 9", "Update tfproductgan"),
    ),
    Case(
        "newer network",
        lambda: model(network=("DCGANGenerator", "FutureGenerator")),
        "generate ring --model model.keras",
        ("model.keras", "it holds a FutureGenerator", "update tfproductgan"),
    ),
    Case(
        "newer Keras",
        lambda: model(keras=('"keras_version": "', '"keras_version": "9'), option=('"num_ids"', '"numbers"')),
        "inspect model.keras",
        ("model.keras cannot be loaded", "saved with Keras 9", "update what is older"),
    ),
    Case(
        "another recipe",
        lambda: run_of(batch_size=4, loss="hinge"),
        f"{TRAIN} --data photos",
        ("run holds a run with another recipe", "batch_size was 4, now 2", 'loss was "hinge"', "another --out"),
    ),
    Case(
        "another family",
        lambda: run_of(family="dcgan"),
        f"{TRAIN} --data photos",
        ('run holds a run with another family: discriminator was "dcgan", now "mlp"', "another --out"),
    ),
    Case(
        "other values",
        lambda: (run_of(), put("photos/bowls/0.png", picture()), put("photos/bowls/1.png", picture(1))),
        f"{TRAIN} --data photos --min-count 1",
        ("run holds a run with another schema: of class bowls new. Repeat", "another --out, where --from run begins"),
    ),
    Case(
        "nothing to start from",
        photos,
        f"{TRAIN} --data photos --from nowhere",
        ("No such model: nowhere", "Give a .keras"),
    ),
    Case(
        "start of another family",
        lambda: (photos(), model(cut=10**9)),
        f"{TRAIN} --data photos --from model.keras",
        ("'model.keras' cannot be started from: there the family of the generator is 'dcgan', and here 'mlp'",),
    ),
    Case(
        "broken run",
        lambda: (photos(), put("run/recipe.json", "{")),
        f"{TRAIN} --data photos",
        ("run/recipe.json cannot be read", "another --out"),
    ),
    Case("picture of others", photos, "inspect photos/mugs/0.png", ("'photos/mugs/0.png' carries no metadata",)),
    Case("no picture", lambda: put("a.png", "x"), "inspect a.png", ("'a.png' is no PNG, GIF, JPEG or WebP picture",)),
]

OUTPUTS = [
    Case("file as folder", lambda: put("out", "x"), "generate ring --out out", ("'out' is no folder that can be",)),
    Case("folder below a file", lambda: put("out", "x"), "generate ring --out out/a/b", ("'out' is no folder",)),
    Case(
        "run below a file",
        lambda: (photos(), put("file", "x")),
        f"{TRAIN} --data photos --out file/run",
        ("Cannot write into 'file/run': 'file' is no folder that can be written",),
    ),
    Case(
        "run in a folder of others",
        lambda: (photos(), put("run/thesis.txt", "years of work")),
        f"{TRAIN} --data photos",
        ("run exists and is no run directory", "--out"),
    ),
    Case(
        "run that another process trains in",
        lambda: (run_of(), held("run")),
        f"{TRAIN} --data photos",
        ("'run' is in use by process", f"on {socket.gethostname()}", "another --out"),
    ),
    Case(
        "data set that another process prepares",
        lambda: (photos(), held("shop")),
        "prepare --data photos --out shop",
        ("'shop' is in use by process", "another --out"),
    ),
    Case("run that is a file", lambda: (photos(), put("run", "x")), f"{TRAIN} --data photos", ("run exists", "--out")),
    Case(
        "picture that exists",
        lambda: put("pictures/ring-red-gold-plain-front-seed0.png", "mine"),
        "generate --set category=ring --set colour=red --set material=gold --set pattern=plain --set view=front",
        ("'pictures/ring-red-gold-plain-front-seed0.png' exists already", "--overwrite"),
    ),
    Case(
        "report that exists",
        lambda: (photos(), put("report.json", "mine")),
        "check photos --json report.json",
        ("'report.json' exists already", "--overwrite"),
    ),
    Case("sheet that is a folder", photos, "check photos --sheet photos", ("'photos' is a folder: give the name of",)),
    Case(
        "report below a file",
        lambda: (photos(), put("file", "x")),
        "check photos --json file/report.json",
        ("'file' is no folder that can be written",),
    ),
]

REFUSED = [*PHOTOS, *TABLES, *ZIPS, *REQUESTS, *RECIPE_OPTIONS, *MODELS, *OUTPUTS]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, empty."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    yield place
    HELD.close()


def contents(folder):
    """Everything in a folder: relative path to what it is and a hash of what it holds."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[path.relative_to(folder)] = os.readlink(path)
        elif path.is_file():
            found[path.relative_to(folder)] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[path.relative_to(folder)] = "folder" if path.is_dir() else "special"
    return found


def run(words):
    """The exit code of a command."""
    try:
        return main(shlex.split(words))
    except SystemExit as stop:
        return stop.code


def name_of(case):
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", REFUSED, ids=name_of)
def test_one_line_says_what_is_wrong_and_nothing_is_lost(case, folder, capfd):
    case.make()
    before = contents(folder)
    assert run(case.words) == case.code
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("tfproductgan") and ": error: " in line
    for part in case.said:
        assert part in line
    assert contents(folder) == before


# === What is accepted


def odd_names(*names):
    for number, name in enumerate(names):
        put(f"photos/{name}/{name}.png", picture(number))
        put(f"photos/{name}/{name} 2.png", picture(100 + number))


def several(kind, number=3, **options):
    """An animation of noise."""
    frames = [Image.open(io.BytesIO(picture(50 + frame))).convert("RGB") for frame in range(number)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def sixteen_bit():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(7).integers(0, 65536, (20, 20), np.uint16)).save(file, "PNG")
    return file.getvalue()


def linked():
    """A class folder and a photo that lie elsewhere, and a link around in a circle."""
    photos()
    put("elsewhere/caps/1.png", picture(20))
    put("elsewhere/2.png", picture(21))
    os.symlink("../elsewhere/caps", "photos/caps")
    os.symlink("../../elsewhere/2.png", "photos/mugs/2-linked.png")
    os.symlink("..", "photos/mugs/around")


def undecodable_name():
    photos()
    try:
        put(os.fsdecode(b"photos/mugs/\xff.png"), picture(9))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")


LOOK = "check photos --batch-size 2 --image-size 16"
PRODUCTS = tuple(itertools.product(("mugs", "rings"), ("red", "blue")))

ACCEPTED = [
    Case("animated GIF", lambda: photo("a.gif", several("GIF")), LOOK, ("all 5 photos", "GIF (20 %)")),
    Case("animated WebP", lambda: photo("a.webp", several("WEBP")), LOOK, ("all 5 photos", "WEBP (20 %)")),
    Case("animated PNG", lambda: photo("a.png", several("PNG")), LOOK, ("all 5 photos",)),
    Case("TIFF of several pages", lambda: photo("a.tif", several("TIFF")), LOOK, ("all 5 photos", "TIFF")),
    Case("16 bits", lambda: photo("a.png", sixteen_bit()), LOOK, ("all 5 photos", "grey (20 %)")),
    Case("CMYK", lambda: photo("a.jpg", picture(9, mode="CMYK", kind="JPEG")), LOOK, ("all 5 photos", "JPEG")),
    Case("palette", lambda: photo("a.png", picture(9, mode="P", transparency=0)), LOOK, ("all 5 photos",)),
    Case("black and white", lambda: photo("a.png", picture(9, mode="1")), LOOK, ("all 5 photos",)),
    Case("another format than its name", lambda: photo("a.png", picture(9, kind="JPEG")), LOOK, ("all 5 photos",)),
    Case("spaces, accents, Chinese", lambda: odd_names("a b", "été", "手表", " ."), LOOK, ("all 8 photos", "手表")),
    Case("newlines and tabs", lambda: odd_names("new\nline", "tab\tulator"), LOOK, ("all 4 photos", "new line")),
    Case("markup", lambda: odd_names("[red]", "[bold", "%s {x} \\n"), LOOK, ("all 6 photos", "[red]", "[bold")),
    Case("names that look like options", lambda: odd_names("--out", "-1"), LOOK, ("all 4 photos",)),
    Case("undecodable name", undecodable_name, f"{LOOK} --json ../report.json", ("all 5 photos",)),
    Case("links", linked, LOOK, ("all 6 photos", "caps")),
    Case(
        "name without extension", lambda: photo("0815", picture(9)), LOOK, ("all 5", "1 file read as photos by content")
    ),
    Case("video beside photos", lambda: photo("a.mov", b"\0\0\0\x14ftypqt  "), LOOK, ("all 4", "1 video not taken")),
    Case(
        "photo beside class folders",
        lambda: (photos(), put("photos/cover.png", picture(9, size=(60, 20)))),
        LOOK,
        ("all 4 photos", "1 photo without a class, left out: cover.png"),
    ),
    Case(
        "system folders",
        lambda: (photos(), put("photos/@eaDir/a.png", picture(9)), put("photos/mugs/__MACOSX/a.png", picture(9))),
        LOOK,
        ("all 4 photos", "a system folder: @eaDir, mugs/__MACOSX"),
    ),
    Case("run among photos", run_of, LOOK.replace("photos", "."), ("all 4 photos", "a run of tfproductgan: run")),
    Case(
        "folders in folders",
        lambda: [put(f"photos/{kind}/{colour}/0.png", picture(n)) for n, (kind, colour) in enumerate(PRODUCTS)],
        f"{LOOK} --attributes kind,colour",
        ("all 4 photos", "kind: 2 values", "colour: 2 values"),
    ),
    Case(
        "class of one photo",
        lambda: (photos(), put("photos/caps/1.png", picture(9))),
        LOOK,
        ("one photo", "class: 1 of 3 values are on fewer than 2 training photos and become 'not given': 'caps'"),
    ),
    Case(
        "class of one photo that is kept",
        lambda: (photos(), put("photos/caps/1.png", picture(9))),
        f"{LOOK} --min-count 1",
        ("one photo", "caps"),
    ),
    Case(
        "forgotten attributes",
        lambda: (
            table(ROWS),
            [put(f"{n}.png", picture(n)) for n in (4, 5)],
            put("products.csv", f"{ROWS}4.png,Blue\n5.png,Red\n"),
        ),
        LOOK.replace("photos", "products.csv"),
        ("No attributes", "are colour (2 values): --attributes colour takes them"),
    ),
    Case(
        "a single value",
        lambda: table(ROWS.replace("Blue", "Red")),
        LOOK.replace("photos", "products.csv --attributes colour"),
        ("colour has a single value, 'Red'",),
    ),
    Case("archive beside photos", lambda: (photos(), archive({}, "photos/mugs/old.zip")), LOOK, ("all 4 photos",)),
    Case("semicolons", lambda: table(ROWS.replace(",", ";")), LOOK.replace("photos", "products.csv"), ("all 4",)),
    Case(
        "byte-order mark", lambda: table(ROWS.encode("utf-8-sig")), LOOK.replace("photos", "products.csv"), ("all 4",)
    ),
    Case("UTF-16", lambda: table(ROWS.encode("utf-16")), LOOK.replace("photos", "products.csv"), ("all 4 photos",)),
    Case(
        "UTF-16 without mark",
        lambda: table(ROWS.encode("utf-16-le")),
        LOOK.replace("photos", "products.csv"),
        ("all 4",),
    ),
    Case(
        "separator above the header",
        lambda: table("sep=;\n" + ROWS.replace(",", ";")),
        f"{LOOK.replace('photos', 'products.csv')} --attributes colour",
        ("all 4 photos", "colour: 2 values"),
    ),
    Case(
        "list with names for its columns",
        lambda: table(ROWS.partition("\n")[2], "list.csv"),
        f"{LOOK.replace('photos', 'list.csv')} --columns file,label --attributes label",
        ("all 4 photos", "label: 2 values"),
    ),
    Case(
        "table deep in a zip",
        lambda: archive(
            {"a/b/t.csv": "photo,kind\nA,mug\n../c/1.JPG,ring\n", "a/b/a.png": picture(), "a/c/1.jpg": picture(1)}
        ),
        f"{LOOK.replace('photos', 'photos.zip')} --attributes kind",
        (
            "all 2 photos",
            "kind: 2 values",
            "a/b/t.csv is the table",
            "1 photo named with other folders and in another case: '../c/1.JPG'",
        ),
    ),
    Case(
        "accents taken apart",
        lambda: (put(unicodedata.normalize("NFD", "été.png"), picture()), table(f"{ROWS}été.png,Red\n")),
        LOOK.replace("photos", "products.csv"),
        ("all 5 photos",),
    ),
    Case(
        "photos in a zip",
        lambda: archive({"a b/é.png": picture(), "b/手.png": picture(1)}),
        LOOK.replace("photos", "photos.zip"),
        ("all 2",),
    ),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=name_of)
def test_odd_but_fine(case, folder, capfd):
    case.make()
    before = contents(folder)
    assert run(case.words) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    for part in case.said:
        assert part in printed
    assert contents(folder) == before


def test_odd_names_go_all_the_way(folder, capfd):
    odd_names("a b", "été", "手表", "new\nline")
    assert run(f"{TRAIN} --data photos") == 0
    assert run("generate 手表 --model run") == 0
    assert run("generate 'new line' --model run") == 0
    assert "Traceback" not in capfd.readouterr().err
    assert sorted(path.name for path in Path("pictures").iterdir()) == ["new-line-seed0.png", "手表-seed0.png"]


def test_the_report_names_files_whose_names_are_no_text(folder, tmp_path):
    undecodable_name()
    put("photos/mugs/\udcff 2.png", b"")
    assert run(f"{LOOK} --json ../report.json") == 1
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["findings"]["unreadable"][0]["photos"] == ["mugs/\udcff 2.png"]


# === In a process of its own


def shell(command, **environment):
    """Run `tfproductgan` words in a shell, after what stands before a colon."""
    command = command.replace("tfproductgan", f"{sys.executable} -m tfproductgan")
    return subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **environment},
    )


def test_a_mistake_is_one_line_of_a_process(folder):
    done = shell("tfproductgan check nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tfproductgan: error: 'nowhere' does not exist") and done.stderr.count("\n") == 1


def test_a_full_disk_keeps_the_file_that_was_there(folder):
    photos()
    put("report.json", "mine")
    before = contents(folder)
    done = shell(f"ulimit -f 1; tfproductgan {LOOK} --json report.json --overwrite")
    assert done.returncode == 1
    assert done.stderr == "tfproductgan: error: Cannot write 'report.json': File too large\n"
    assert contents(folder) == before


def test_a_terminal_without_letters_for_a_name(folder):
    odd_names("手表", "été")
    done = shell(f"tfproductgan {LOOK}", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u624b\u8868" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
@pytest.mark.parametrize("words", ["generate ring --out locked", f"{TRAIN} --data photos --out locked/run"])
def test_a_folder_that_may_not_be_written(folder, capfd, words):
    photos()
    os.mkdir("locked", 0o500)
    before = contents(folder)
    assert run(words) == 1
    [line] = capfd.readouterr().err.splitlines()
    assert "locked" in line and "no folder that can be written" in line
    assert contents(folder) == before
