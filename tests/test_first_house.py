"""What version 0.1 wrote before models had kinds is read: a run directory, its checkpoint, generator and recipe."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.training.run_directory import RunDirectory

HERE = Path(__file__).parent / "first_house"
ASKED = {"conditions": {"category": "watch"}, "count": 3, "seed": 7}


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(HERE / "run", tmp_path / "run"))


@pytest.fixture(scope="module")
def catalogue():
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), np.uint8)
    labels = {
        "category": [("Ring", "Watch")[i % 2] for i in range(64)],
        "colour": [("Red", "Gold", "Blue")[i % 3] for i in range(64)],
    }
    return tpg.Catalogue.from_arrays(images, labels, image_size=28, cache=False)


def recipe():
    return get_recipe(
        "dcgan",
        name="old",
        generator={"latent_dim": 4, "embedding_dim": 3, "width": 2},
        discriminator={"width": 2},
        batch_size=8,
        images=160,
        precision="float32",
        penalties={"r1": 0.5, "r2": 0.5},
        penalty_interval=1,
        matching=0.0,
        seed=3,
    )


def test_its_recipe_means_the_same(run):
    stored = json.loads((run / "recipe.json").read_text())
    assert "format" not in stored
    assert Recipe.from_dict(stored) == recipe().for_size(28)
    RunDirectory(run).accept(recipe())


def test_its_generator_draws_the_same():
    drawn = tpg.load(HERE / "run").generate(**ASKED)
    # other processors sum in other orders
    assert np.abs(drawn.astype(int) - np.load(HERE / "pictures.npy")).max() <= 1


def test_its_training_goes_on_to_where_it_would_have_ended(run, catalogue, capsys):
    model = tpg.train(catalogue, recipe(), run, every=80)
    assert model.step == 20 and "step-000000020.keras" in [path.name for path in (run / "checkpoints").iterdir()]
    # generator.keras of the fixture is that of the end, drawn by the version that wrote it
    difference = np.abs(model.generate(**ASKED).astype(int) - np.load(HERE / "pictures.npy"))
    assert difference.mean() < 2
    assert json.loads((run / "recipe.json").read_text())["format"] == 2


def test_its_checkpoint_loads(run):
    gan = tpg.load(run / "checkpoints" / "step-000000010.keras")
    assert (gan.step, gan.images_seen, gan.learning_rate_factor) == (10, 80, 1.0)
    assert gan.augmentation_probability == pytest.approx(0.3)
