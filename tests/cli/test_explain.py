import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.cli import explain as verb
from tfproductgan.cli.main import main
from tfproductgan.metrics import attribution
from tfproductgan.metrics.classifier import CatalogueClassifier, ClassifierRecipe, _network
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.sampling.files import write_png
from tfproductgan.training import evaluation

SIZE = 8


@pytest.fixture(scope="module")
def photos():
    images = np.random.default_rng(0).integers(0, 256, (40, SIZE, SIZE, 3), np.uint8)
    labels = {"category": ["Ring", "Mug"] * 20, "colour": ["Gold", "Gold", "Blue", "Red"] * 10}
    return Catalogue.from_arrays(images, labels, ["train"] * 30 + ["validation"] * 10, image_size=SIZE, cache=False)


@pytest.fixture(scope="module")
def gan(photos, shake):
    options = {"widths": (8,)}
    gan = ConditionalGAN.from_recipe(
        "mlp", photos.schema, generator={**options, "latent_dim": 4}, discriminator=options, precision="float32"
    )
    shake(gan)
    return gan


@pytest.fixture(scope="module")
def classifier(photos):
    return CatalogueClassifier(_network(photos.schema, ClassifierRecipe(widths=(4,)), "float32"), photos.schema)


@pytest.fixture
def explain(gan, photos, classifier, tmp_path, monkeypatch):
    """Runs `tfproductgan explain` in an empty folder with a model and a classifier that were not trained."""
    found = {"run": gan.discriminator}
    monkeypatch.setattr(verb, "with_discriminator", lambda path: (gan.trained(), found.get(path)))
    monkeypatch.setattr(attribution, "_MOST_STEPS", 32)
    monkeypatch.setattr(evaluation, "announced_extractor", lambda name, catalogue, console: classifier)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def photos_of(args, run, schema):
        if args.model == "run":
            return photos
        raise verb.CatalogueError("nowhere does not say where its photos are.")

    monkeypatch.setattr(verb, "photos_of", photos_of)
    return lambda *words: main(["explain", *words, *([] if "--model" in words else ["--model", "run"])])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_request_is_explained_by_all_there_is(explain, tmp_path, capsys):
    assert explain("ring", "gold", "--seed", "7") == 0
    assert names(tmp_path / "explanations") == ["ring-gold-seed7.html", "ring-gold-seed7.png"]
    said = capsys.readouterr().out
    assert "category Ring: moved the picture by" in said and "colour Gold: moved the picture by" in said
    page = (tmp_path / "explanations" / "ring-gold-seed7.html").read_text()
    for words in (
        "Ring, Gold, seed 7",
        "discriminator: shows it",
        "classifier: colour Gold",
        "not given",
        "The nearest training photos",
        "are nearer to a training photo than this picture is",
    ):
        assert words in page, words
    assert page.count("<img") == 1 + 1 + 6  # the picture, the figure, photos
    with Image.open(tmp_path / "explanations" / "ring-gold-seed7.png") as figure:
        assert figure.width > 500
    assert explain("ring", "gold", "--seed", "7") == 1  # nothing is replaced unasked


def test_what_is_missing_is_said(explain, tmp_path, capsys):
    assert explain("mug red", "--model", "alone") == 0
    said = capsys.readouterr().out
    assert "Note: Neither a classifier nor training photos are at hand: nowhere does not say where" in said
    assert "Note: There is no discriminator in alone" in said
    page = (tmp_path / "explanations" / "mug-red-seed0.html").read_text()
    assert "left out" in page and "What networks look at" not in page and "nearest training" not in page


def test_a_photo_is_taken_for_what_the_classifier_sees(explain, tmp_path, capsys):
    Image.new("RGB", (30, 20), (200, 30, 30)).save("my ring.jpg")
    assert explain("my ring.jpg") == 0
    said = capsys.readouterr().out
    assert "Nobody said what it shows: it is taken for " in said and "moved" not in said
    assert "my ring.jpg has 30 x 20 pixels and is fitted into the 8 x 8 of the model" in said
    assert names(tmp_path / "explanations") == ["my ring.html", "my ring.png"]
    assert explain("my ring.jpg", "--set", "colour=Gold", "--overwrite") == 0
    assert "Nobody said" not in capsys.readouterr().out
    page = (tmp_path / "explanations" / "my ring.html").read_text()
    assert "classifier: colour Gold" in page and "classifier: category" not in page


def test_a_picture_says_itself_what_it_shows(explain, gan, tmp_path, capsys):
    [request] = gan.plan({"category": "Mug", "colour": "Blue"}, seed=3)
    write_png("one.png", gan.draw([request])[0], request, gan.trained().model_id)
    assert explain("one.png") == 0
    assert "Mug, Blue, seed 3" in (tmp_path / "explanations" / "one.html").read_text()
    assert explain("one.png", "--set", "colour=Gold") == 1
    assert "says itself what it shows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.jpg"], "'none.jpg' cannot be read: No such file"),
        (["rong"], "'rong' is no value of category, colour"),
        (["ring", "--set", "colour=Goold"], "Unknown colour 'Goold': did you mean 'Gold'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(explain, tmp_path, capsys, words, said):
    assert explain(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert names(tmp_path) == []
