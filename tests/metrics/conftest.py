"""Photos that are painted, generators with one known fault each, and an extractor without a network."""

import dataclasses
import types
from collections.abc import Mapping

import numpy as np
import pytest

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import Attribute, ConditionSchema, fold
from tfproductgan.metrics.classifier import ClassifierRecipe, train_classifier
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.networks.mlp import MLPDiscriminator

SIZE = 32
COLOURS = {"Gold": (212, 165, 55), "Navy Blue": (20, 30, 90), "Green": (40, 150, 60)}
EXPONENTS = {"Ring": 2.0, "Mug": 8.0, "Bag": 1.0}  # of a superellipse: disc, square, diamond
LABELS = [{"category": category, "colour": colour} for category in EXPONENTS for colour in COLOURS]


@dataclasses.dataclass(frozen=True)
class Request:
    conditions: Mapping[str, str]
    seed: int
    truncation: float = 1.0


def paint(conditions, rng, variety=1.0):
    """A photo of what is asked for, one of many."""
    centre = rng.uniform(-0.25, 0.25, 2) * variety
    width, height = 0.5 + rng.uniform(-0.15, 0.15, 2) * variety
    colour = np.array(COLOURS[conditions["colour"]]) + rng.uniform(-25, 25, 3) * variety
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    power = EXPONENTS[conditions["category"]]
    distance = np.abs((x - centre[0]) / width) ** power + np.abs((y - centre[1]) / height) ** power
    picture = np.where(distance[..., None] < 1, colour, 250) + rng.normal(0, 3, (SIZE, SIZE, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def painted(count, seed):
    """Photos and their labels, all combinations in turn."""
    rng = np.random.default_rng(seed)
    labels = [LABELS[i % len(LABELS)] for i in range(count)]
    return np.stack([paint(label, rng) for label in labels]), labels


def painted_catalogue(train=540, validation=270, test=180, grey=False):
    images, labels = painted(train + validation + test, seed=5)
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    columns = {name: [label[name] for label in labels] for name in ("category", "colour")}
    if grey:
        images = images.mean(axis=-1, keepdims=True).astype(np.uint8)
    return Catalogue.from_arrays(images, columns, splits, cache=False)


class Generator:
    """A perfect model: it paints what photos are painted by. Subclasses spoil one thing."""

    asks = "sampler"
    model_id = "stub-1"

    def __init__(self, schema):
        self.schema = schema

    def plan(self, conditions=None, count=None, seed=0, truncation=1.0, complete=True):
        rows = [conditions] if conditions is None or isinstance(conditions, Mapping) else list(conditions)
        decoded = [self.schema.decode(self.schema.encode(row)) for row in rows]
        count = len(rows) if count is None else count
        return [Request(decoded[i % len(rows)], seed + i, truncation) for i in range(count)]

    def draw(self, requests):
        pictures = np.stack([self.one(request) for request in requests])
        return pictures if self.schema.channels == 3 else pictures.mean(axis=-1, keepdims=True).astype(np.uint8)

    def one(self, request):
        return paint(request.conditions, np.random.default_rng([request.seed, 77]))


class SwapsColours(Generator):
    """Gold is navy blue and the other way round."""

    def one(self, request):
        swapped = {"Gold": "Navy Blue", "Navy Blue": "Gold"}
        colour = request.conditions["colour"]
        wrong = Request({**request.conditions, "colour": swapped.get(colour, colour)}, request.seed)
        return super().one(wrong)


class Copies(Generator):
    """Hands out training photos."""

    def __init__(self, catalogue):
        super().__init__(catalogue.schema)
        self.photos, self.conditions = catalogue.images("train"), catalogue.conditions("train")

    def one(self, request):
        same = np.flatnonzero((self.conditions == self.schema.encode(request.conditions)).all(axis=1))
        return self.photos[np.random.default_rng(request.seed).choice(same)]


class Collapses(Generator):
    """Draws one category always alike, and the rest well."""

    def one(self, request):
        if fold(request.conditions["category"]) == "mug":
            return paint(request.conditions, np.random.default_rng(0))
        return super().one(request)


class Drops(Generator):
    """Knows no gold: what was asked to have it is navy blue."""

    def one(self, request):
        colour = request.conditions["colour"]
        known = {**request.conditions, "colour": "Navy Blue" if colour == "Gold" else colour}
        return super().one(Request(known, request.seed))


class Shrunk(FeatureExtractor):
    """Pixels, averaged: what a network would look at, without one."""

    def __init__(self, broken=False):
        super().__init__("shrunk", "0123456789abcdef", 192, "averaged to 8 x 8")
        self.broken = broken
        self.seen = 0

    def outputs(self, images, batch_size=64):
        self.seen += len(images)
        cells = images.astype(np.float32).reshape(len(images), 8, SIZE // 8, 8, SIZE // 8, -1).mean(axis=(2, 4)) / 64
        features = np.broadcast_to(cells, (*cells.shape[:3], 3)).reshape(len(images), -1).copy()
        if self.broken:
            features[0, 0] = np.nan
        return features, None


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def gaussian(rng):
    """Draws features that are normally distributed, always with the same correlations."""

    def draw(count, dim, shift=0.0, scale=1.0):
        mixing = np.random.default_rng(5).normal(size=(dim, dim)) / np.sqrt(dim)
        return shift + scale * rng.normal(size=(count, dim)) @ mixing

    return draw


@pytest.fixture(scope="session")
def shop():
    """540 painted photos to train on, 270 and 180 held out; nine combinations of category and colour."""
    return painted_catalogue()


@pytest.fixture(scope="session")
def stubs():
    """What tests of judgements make models, photos and extractors of."""
    return types.SimpleNamespace(
        catalogue=painted_catalogue,
        photos=painted,
        Perfect=Generator,
        SwapsColours=SwapsColours,
        Copies=Copies,
        Collapses=Collapses,
        Drops=Drops,
        Shrunk=Shrunk,
    )


@pytest.fixture(scope="session")
def classifier(shop):
    """A classifier of the painted photos."""
    recipe = ClassifierRecipe(images=12_000, batch_size=64, widths=(8, 16, 16))
    batches = shop.stream("train", recipe.batch_size)
    return train_classifier(batches, shop.schema, recipe.num_steps(540), recipe)


@pytest.fixture(scope="session")
def likes_light():
    """A discriminator of greys of 4 x 4 pixels, in two shades, whose answer is their mean, -1 to 1, and 10."""
    schema = ConditionSchema([Attribute("shade", ("Dark", "Light"))], 4, 1)
    network = MLPDiscriminator(**MLPDiscriminator.arguments(schema), widths=(1,))
    network.hidden[0].kernel.assign(np.full((16, 1), 1 / 16, np.float32))
    network.hidden[0].bias.assign([10.0])
    network.head.kernel.assign([[1.0]])
    network.projection.table.assign(np.zeros((3, 1)))
    return network
