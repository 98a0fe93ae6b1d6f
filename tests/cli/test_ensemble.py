import numpy as np
import pytest
from PIL import Image

import tfproductgan as tpg
from tfproductgan.cli.main import main
from tfproductgan.metrics import mixture
from tfproductgan.metrics.extractors import get_extractor
from tfproductgan.training import evaluation


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The current folder: photos of two kinds, two generators that know their names and have never learnt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(
        evaluation, "announced_extractor", lambda name, catalogue, console: get_extractor("texture", catalogue)
    )
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        for name in ("Mugs", "Rings"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for number in range(12):
                Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    schema = tpg.Catalogue.from_folder(tmp_path / "photos", image_size=16, cache=False).schema
    for seed in range(2):
        small = {"generator": {"widths": (8,)}, "discriminator": {"widths": (8,)}, "matching": 0.0}
        gan = tpg.ConditionalGAN.from_recipe("dcgan", schema, family="mlp", seed=seed, **small)
        gan.trained().save(tmp_path / f"{seed}.keras")
    return tmp_path


PHOTOS = ("--data", "photos", "--image-size", "16")


def ensemble(capsys, *words, code=0):
    assert main(["ensemble", *words]) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def test_photos_choose_the_shares(shop, capsys, monkeypatch):
    monkeypatch.setattr(mixture, "best_shares", lambda views: np.array([0.6, 0.4]))
    said = ensemble(capsys, "0.keras", "1.keras", "--out", "both.keras", *PHOTOS)
    assert "together" in said and "0.60" in said and said.count("KID@texture-") == 1
    made = tpg.load("both.keras")
    assert f"both.keras  {made.model_id}, 2 models" in said
    assert sum(member["share"] for member in made.provenance["members"]) == pytest.approx(1)
    assert made.generate({"class": "Rings"}, count=2).shape == (2, 16, 16, 3)
    assert main(["inspect", "both.keras"]) == 0
    assert main(["generate", "rings", "--model", "both.keras"]) == 0


def test_shares_that_are_given_need_no_photos(shop, capsys):
    ensemble(capsys, "0.keras", "1.keras", "--out", "both.keras", "--shares", "3,1")
    assert [member["share"] for member in tpg.load("both.keras").provenance["members"]] == [0.75, 0.25]


def test_one_that_is_better_alone_stays_alone(shop, capsys):
    said = ensemble(capsys, "0.keras", "1.keras", "--out", "both.keras", *PHOTOS, code=1)
    assert "0.keras alone is more like the photos" in said
    assert not (shop / "both.keras").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("0.keras", "--out", "both.keras"), "at least two models"),
        (("0.keras", "1.keras", "--out", "both"), "must end with .keras"),
        (("0.keras", "1.keras", "--out", "0.keras"), "exists"),
        (("0.keras", "2.keras", "--out", "both.keras"), "No such model: 2.keras"),
        (("0.keras", "1.keras", "--out", "both.keras"), "does not say where its photos are"),
        (("0.keras", "1.keras", "--out", "both.keras", "--shares", "1"), "needs as many shares"),
    ],
)
def test_bad_input_is_said_in_one_line(shop, capsys, words, reason):
    said = ensemble(capsys, *words, code=1)
    assert reason in said and said.count("\n") == 1
    assert not (shop / "both.keras").exists()
