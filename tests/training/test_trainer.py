import json

import numpy as np
import pytest
from PIL import Image

import tfproductgan as tpg
from tfproductgan.errors import RunError
from tfproductgan.recipes import get_recipe
from tfproductgan.training.trainer import Schedule, estimate, train

RECIPE = get_recipe(
    "dcgan",
    family="mlp",
    generator={"widths": [16], "latent_dim": 8, "embedding_dim": 8},
    discriminator={"widths": [16], "dropout": 0.2},
    loss="non-saturating",
    penalties={},
    penalty_interval=1,
    batch_size=8,
    images=96,
    precision="float32",
    balance=0.5,
)


@pytest.fixture(scope="module")
def catalogue():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 16, 16, 3), np.uint8)
    labels = {"colour": ["Red", "Blue", "Green"] * 20}
    return tpg.Catalogue.from_arrays(images, labels, image_size=16)


def logged(path, name):
    return [json.loads(line)[name] for line in (path / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole_run(catalogue, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    return train(catalogue, RECIPE, path, every=32), path


def test_the_run_directory_holds_what_it_should(whole_run):
    gan, path = whole_run
    assert gan.images_seen == 96
    assert logged(path, "images_seen") == [32, 64, 96]
    assert np.isfinite(logged(path, "d_loss") + logged(path, "g_loss")).all()
    grids = sorted((path / "grids").glob("*.png"))
    assert len(grids) == 3
    with Image.open(grids[-1]) as grid:
        assert grid.width > 16
    np.testing.assert_array_equal(tpg.load(path).generate(count=3), gan.generate(count=3))


def test_nothing_is_missing_if_the_last_checkpoint_is_not_reached(catalogue, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tpg.ConditionalGAN, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            train(catalogue, RECIPE, tmp_path / "run", every=96)
    assert tpg.load(tmp_path / "run").model_id.endswith("-96")
    assert logged(tmp_path / "run", "images_seen") == [96]
    train(catalogue, RECIPE, tmp_path / "run", every=96)
    assert logged(tmp_path / "run", "images_seen") == [96]
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000000012.keras"]


def test_a_finished_run_stays_as_it_is(whole_run, catalogue):
    gan, path = whole_run
    again = train(catalogue, RECIPE, path, every=32)
    assert again.step == gan.step


def test_another_recipe_in_the_same_folder_is_refused(whole_run, catalogue):
    with pytest.raises(RunError, match=r"label_dropout was 0\.1, now 0\.3"):
        train(catalogue, RECIPE.replace(label_dropout=0.3), whole_run[1], every=32)


@pytest.mark.parametrize(
    ("images", "every", "expected", "epochs"),
    [
        (64_000, None, Schedule(batch=32, steps=2000, interval=100), 20),
        (3200, None, Schedule(batch=32, steps=100, interval=32), 4),
        (600, None, Schedule(batch=32, steps=18, interval=18), 1),
        (3200, 640, Schedule(batch=32, steps=100, interval=20), 5),
        (3200, 1000, Schedule(batch=32, steps=100, interval=32), 4),
        (3200, 10**9, Schedule(batch=32, steps=100, interval=100), 1),
        (3, 1, Schedule(batch=32, steps=1, interval=1), 1),
    ],
)
def test_durations_are_counted_in_images(images, every, expected, epochs):
    schedule = Schedule.of(get_recipe("dcgan", images=images, batch_size=16, discriminator_steps=2), every)
    assert schedule == expected
    assert schedule.epochs == epochs
    assert schedule.images <= max(images, 32)


def test_the_largest_seed_of_a_recipe_reaches_the_stream(catalogue, tmp_path):
    recipe = RECIPE.replace(seed=2**63 - 1, images=8)
    assert train(catalogue, recipe, tmp_path / "run").images_seen == 8


def test_the_estimate_is_measured(catalogue):
    measured = estimate(RECIPE, catalogue.schema, steps=2)
    assert measured.images_per_second > 0
    assert measured.seconds == pytest.approx(96 / measured.images_per_second)
    assert measured.memory > 10**8
    assert set(measured.parameters) == {"generator", "discriminator"} and min(measured.parameters.values()) > 0
