import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models import loading, projection
from tfproductgan.models.editing import Drawing
from tfproductgan.models.translator import Translator
from tfproductgan.models.vae import Autoencoder
from tfproductgan.sampling.files import read_metadata

SCHEMA = ConditionSchema([Attribute("colour", ("Red", "Sky Blue")), Attribute("category", ("Mug",))], 32, 3)


class Stained(Translator):
    """Adds the ids of what is asked for to what it is given."""

    model_id = "stained-1"
    schema = ConditionSchema(SCHEMA.attributes, 32, 1, source_channels=1)

    def translate_squares(self, sources, ids):
        return np.where(sources > 100, 10 * ids[:, 0, None, None, None] + ids[:, 1, None, None, None], 0).astype(
            np.uint8
        )


class Coded(Autoencoder):
    """An autoencoder that gives back all but the colour."""

    asks, model_id, schema = "sampler", "coded-1", SCHEMA

    def reconstruct(self, images, conditions=None):
        return np.full_like(images, 10 * self.schema.encode(conditions)[0])


@pytest.fixture
def variations(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan variations` in a folder with a photo of a dark square on white."""
    models = {"painter": painter, "coded": Coded()}
    monkeypatch.setattr(loading, "load", lambda path: models.get(path) or Stained())
    monkeypatch.chdir(tmp_path)
    pixels = np.full((30, 40, 3), 255, np.uint8)
    pixels[10:20, 10:30] = 20
    Image.fromarray(pixels).save("square.png")
    return lambda *words, model="run": main(["variations", "square.png", "--model", model, *words])


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_photo_comes_out_in_every_value(variations, tmp_path):
    assert variations("--of", "colour", "--set", "category=Mug") == 0
    made = tmp_path / "pictures"
    assert sorted(path.name for path in made.iterdir()) == ["square-red.png", "square-sky-blue.png"]
    assert opened(made / "square-sky-blue.png")[2, 2] == 21  # white is bright
    assert read_metadata(made / "square-red.png")["conditions"] == {"colour": "Red", "category": "Mug"}


@pytest.mark.parametrize(("by", "bright"), [("photo", (2, 2)), ("mask", (15, 20)), ("lines", (2, 2))])
def test_a_model_is_given_what_it_learnt_from(variations, tmp_path, by, bright):
    assert variations("--of", "colour", "--values", "red", "--by", by, "--out", "red.png") == 0
    made = opened(tmp_path / "red.png")
    assert made.shape == (30, 40) and made[bright] == 10
    dark = {"photo": (15, 20), "mask": (2, 2), "lines": (15, 10)}[by]
    assert made[dark] < 10


def test_an_autoencoder_makes_them_too(variations, tmp_path):
    assert variations("--of", "colour", model="coded") == 0
    made = opened(tmp_path / "pictures" / "square-sky-blue.png")
    assert made.shape == (30, 40, 3) and (made == 20).all()


def test_others_move_the_picture_nearest_to_the_photo(variations, generator, tmp_path, monkeypatch):
    asked = []

    def nearest(model, square, conditions):
        asked.append((square.shape, conditions))
        [request] = model.plan(conditions, count=1, complete=False)
        return projection.Projection(Drawing(request, found=np.zeros(model.latent_dim, np.float32)), square, 0.0, 0.0)

    monkeypatch.setattr(projection, "project", nearest)
    monkeypatch.setattr(loading, "load", lambda path: generator)
    assert variations("--of", "base colour", "--values", "gold,navy blue", "--set", "class=Mug") == 0
    assert asked == [((32, 32, 3), {"class": "Mug"})]  # looked for once
    made = [opened(tmp_path / "pictures" / f"square-{value}.png") for value in ("gold", "navy-blue")]
    assert made[0].shape == (30, 40, 3) and np.any(made[0] != made[1])


@pytest.mark.parametrize(
    ("words", "model", "said"),
    [
        (["--of", "color"], "run", "Unknown attribute 'color': did you mean 'colour'"),
        (["--of", "colour", "--values", "Rad"], "run", "Unknown colour 'Rad': did you mean 'Red'"),
        (["--of", "colour", "--by", "lines"], "painter", "painter takes no lines: --by is for models that learnt from"),
        (["--of", "colour", "--out", "one.png"], "run", "2 variations do not go into 'one.png'"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(variations, tmp_path, capsys, words, model, said):
    assert variations(*words, model=model) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert [path.name for path in tmp_path.iterdir()] == ["square.png"]
