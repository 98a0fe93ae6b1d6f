import argparse
import dataclasses
import types

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli import evaluate
from tfproductgan.cli import generate as verb
from tfproductgan.cli.data_options import without_data
from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute
from tfproductgan.errors import RunError
from tfproductgan.metrics import best_of, rejection
from tfproductgan.metrics.classifier import CatalogueClassifier
from tfproductgan.models import loading
from tfproductgan.networks.mlp import MLPDiscriminator
from tfproductgan.sampling.files import read_metadata
from tfproductgan.text_vectors import TextVectors, named, spell_vectors
from tfproductgan.training import evaluation
from tfproductgan.vocabulary import Vocabulary


@pytest.fixture
def generate(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan generate` in an empty folder with a model that needs no training."""

    def load(path):
        if str(path) not in ("shipped", "run"):
            raise RunError(f"No such model: {path}")
        return painter

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(loading, "shipped_model_path", lambda: "shipped")
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["generate", *words])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_words_make_a_picture_that_the_model_draws_for_them(generate, painter, tmp_path, capsys):
    assert generate("ring,", "navy", "blue,", "side", "view,", "seed", "7") == 0
    path = tmp_path / "pictures" / "ring-navy-blue-side-seed7.png"
    wanted = {"category": "Ring", "colour": "Navy Blue", "view": "Side"}
    np.testing.assert_array_equal(np.asarray(Image.open(path)), painter.generate(wanted, seed=7)[0])
    metadata = read_metadata(path)
    assert (metadata["conditions"], metadata["seed"], metadata["model_id"]) == (wanted, 7, "painter-1")
    assert capsys.readouterr().out == (
        "pictures/ring-navy-blue-side-seed7.png  Ring, Navy Blue, Side, seed 7\nDrawn by painter-1.\n"
    )


def test_the_model_can_be_named(generate, capsys):
    assert generate("ring", "--model", "run") == 0
    assert generate("ring", "--model", "nowhere") == 1
    assert capsys.readouterr().err == "tfproductgan: error: No such model: nowhere\n"


def test_words_and_set_add_up(generate, tmp_path):
    words = ("--set", "Category=sports shoes", "--set", "view=Side", "gold", "--seed", "3")
    assert generate(*words, "--out", "a/b") == 0
    assert names(tmp_path / "a" / "b") == ["sports-shoes-gold-side-seed3.png"]


def test_several_pictures_have_the_next_seeds(generate, tmp_path):
    assert generate("ring gold side seed 5", "--count", "3", "--truncation", "0.5") == 0
    assert names(tmp_path / "pictures") == [f"ring-gold-side-seed{seed}-truncation0.5.png" for seed in (5, 6, 7)]


def test_pictures_have_the_proportions_of_the_photos(generate, painter, tmp_path):
    painter.schema.aspect = 0.75
    assert generate("ring gold side") == 0
    picture = np.asarray(Image.open(tmp_path / "pictures" / "ring-gold-side-seed0.png"))
    assert picture.shape == (64, 48, 3)


@pytest.mark.parametrize(
    "words, message",
    [
        (["mugg"], "'mugg' is no value of category, colour, view: did you mean 'Mug'?"),
        (["gold", "--set", "colour=Navy Blue"], "One picture has one colour. Received: 'Navy Blue' and 'Gold'"),
        (
            ["--set", "colour=gold", "--set", "colour=navy blue"],
            "One picture has one colour. Received: 'Gold' and 'Navy Blue'",
        ),
        (["--set", "color=Gold"], "Unknown attribute 'color': did you mean 'colour'?"),
        (["seed 1", "--seed", "2"], "One request has one seed. Received: 'seed 1' and --seed 2"),
        (["--grid", "category,kolour"], "Unknown attribute 'kolour': did you mean 'colour'?"),
        (["gold", "--out", "taken"], "Cannot write into 'taken': 'taken' is no folder that can be written."),
    ],
)
def test_a_request_that_cannot_be_is_one_line(generate, tmp_path, capsys, words, message):
    (tmp_path / "taken").write_text("")
    assert generate(*words) == 1
    assert capsys.readouterr().err == f"tfproductgan: error: {message}\n"
    assert names(tmp_path) == ["taken"]


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "gold"],
        ["--grid", "a,b,c"],
        ["--grid", "a,"],
        ["--grid", "a,b", "--count", "3"],
        ["--seed", "x"],
        ["--sed", "1"],
        ["--best-of", "2", "--reject", "80"],
        ["--best-of", "0", "--model", "run"],
        ["--best-of", str(best_of.MOST + 1), "--model", "run"],
        ["--reject", "100", "--model", "run"],
    ],
)
def test_options_that_cannot_be_are_usage_errors(generate, words):
    with pytest.raises(SystemExit) as stop:
        generate(*words)
    assert stop.value.code == 2


@pytest.mark.parametrize("words", [["--count", "2"], ["--grid", "category,colour"], ["--interpolate", "mug gold"]])
def test_nothing_is_replaced_unasked(generate, tmp_path, capsys, words):
    assert generate("seed 1", *words) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "pictures").iterdir()}
    assert generate("seed 1", *words) == 1
    assert "exists already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "pictures").iterdir()} == before
    assert generate("seed 1", "--overwrite", *words) == 0


def test_a_grid_over_two_attributes(generate, tmp_path, capsys):
    assert generate("side", "--grid", "category,colour", "--seed", "2") == 0
    assert "category by colour: seed 2, Side" in capsys.readouterr().out
    metadata = read_metadata(tmp_path / "pictures" / "grid-category-by-colour-side-seed2.png")
    assert metadata["rows"] == ["Ring", "Mug", "Sports Shoes"]
    assert {(p["seed"], p["conditions"]["view"]) for p in metadata["pictures"]} == {(2, "Side")}


def test_a_grid_of_one_attribute(generate, tmp_path, capsys):
    assert generate("side", "--grid", "category", "--seed", "2") == 0
    assert "category: seeds from 2, Side" in capsys.readouterr().out
    metadata = read_metadata(tmp_path / "pictures" / "grid-category-side-seed2.png")
    assert metadata["rows"] == ["Ring", "Mug", "Sports Shoes"] and len(metadata["columns"]) == 8


def test_labels_longer_than_file_names(generate, painter, tmp_path):
    painter.schema = dataclasses.replace(
        painter.schema,
        attributes=[Attribute("kind", ("日本語" * 40, "日本語" * 41)), *painter.schema.attributes[1:]],
        combinations=(),
    )
    long, longer = (attribute for attribute in painter.schema.attributes[0].values)
    assert generate("--set", f"kind={long}") == generate("--set", f"kind={longer}") == 0
    assert generate("--set", f"kind={long}", "--interpolate", longer, "--steps", "2") == 0
    assert generate("--set", f"kind={long}", "--grid", "colour,view") == 0
    assert len(names(tmp_path / "pictures")) == 5


def test_an_interpolation_keeps_what_the_second_request_leaves_out(generate, tmp_path):
    assert generate("ring gold side seed 4", "--interpolate", "navy blue", "--steps", "5") == 0
    stem = "ring-gold-side-seed4-to-ring-navy-blue-side-seed4"
    assert names(tmp_path / "pictures") == [f"{stem}.gif", f"{stem}.png"]
    for suffix in (".gif", ".png"):
        metadata = read_metadata(tmp_path / "pictures" / f"{stem}{suffix}")
        assert metadata["steps"] == 5
        assert metadata["first"]["conditions"] == {"category": "Ring", "colour": "Gold", "view": "Side"}
        assert metadata["second"]["conditions"] == {"category": "Ring", "colour": "Navy Blue", "view": "Side"}


def test_an_interpolation_can_change_the_seed_alone(generate, tmp_path):
    assert generate("ring gold side seed 4", "--interpolate", "seed 9") == 0
    metadata = read_metadata(tmp_path / "pictures" / "ring-gold-side-seed4-to-ring-gold-side-seed9.png")
    assert (metadata["first"]["seed"], metadata["second"]["seed"]) == (4, 9)


def test_the_list_says_what_can_be_asked_for(generate, tmp_path, capsys):
    assert generate("--list") == 0
    output = capsys.readouterr().out
    for word in ("category", "Sports Shoes", "colour", "Navy Blue", "view", "tfproductgan generate --set category="):
        assert word in output
    assert names(tmp_path) == []


def test_the_best_of_several_is_kept(generate, painter, tmp_path, monkeypatch, capsys):
    """By a stand-in that keeps the last candidate."""

    class KeepsLast(best_of.BestOf):
        def _scores(self, pictures, ids):
            return np.arange(len(pictures), dtype=float)

    monkeypatch.setattr(best_of, "BestOf", KeepsLast)
    monkeypatch.setattr(evaluate, "photos_of", lambda args, run, schema: "photos")
    classifier = CatalogueClassifier.__new__(CatalogueClassifier)
    monkeypatch.setattr(evaluation, "announced_extractor", lambda name, catalogue, console: classifier)
    monkeypatch.setattr(verb, "with_discriminator", lambda path: (painter, None))
    assert generate("ring gold side seed 5", "--best-of", "3", "--count", "2", "--model", "run") == 0
    assert names(tmp_path / "pictures") == [f"ring-gold-side-seed{seed}-best-of-3.png" for seed in (5, 6)]
    path = tmp_path / "pictures" / "ring-gold-side-seed5-best-of-3.png"
    metadata = read_metadata(path)
    assert (metadata["asked_seed"], metadata["best_of"]) == (5, 3)
    assert metadata["seed"] == best_of.candidate_seeds(5, 3)[-1]
    with Image.open(path) as picture:
        again = painter.generate(metadata["conditions"], seed=metadata["seed"])[0]
        np.testing.assert_array_equal(np.asarray(picture), again)
    assert "the best of 3, itself seed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--best-of", "2"], "give --model"),
        (["--best-of", "2", "--grid", "colour"], "--best-of is for single pictures"),
        (["--best-of", "2", "--model", "run"], "Received: neither"),
        (["--reject", "80"], "--reject asks the discriminator of a run: give --model."),
        (["--reject", "80", "--interpolate", "mug", "--model", "run"], "--reject is for single pictures"),
        (["--reject", "80", "--model", "run"], "run holds none: give the run directory of a GAN"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(generate, painter, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.setattr(verb, "with_discriminator", lambda path: (painter, None))
    assert generate("ring", *words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert said in line and names(tmp_path) == []


def test_candidates_are_rejected_until_one_is_accepted(generate, painter, tmp_path, monkeypatch, capsys):
    """By a stand-in that accepts the second candidate of each."""
    schema, second = painter.schema, []

    class AcceptsSecond(rejection.RejectionSampling):
        def _chances(self, requests, pictures):
            second.append((self.scale, self.percentile))
            seconds = {rejection.candidate_seeds(seed, 2)[1] for seed in (5, 6)}
            return np.array([float(request.seed in seconds) for request in requests])

    monkeypatch.setattr(rejection, "RejectionSampling", AcceptsSecond)
    monkeypatch.setattr(rejection, "scale_on_photos", lambda model, discriminator, catalogue, split: 0.7)
    monkeypatch.setattr(evaluate, "photos_of", lambda args, run, schema: types.SimpleNamespace(size=lambda split: 9))
    network = MLPDiscriminator(**MLPDiscriminator.arguments(schema), widths=(1,))
    monkeypatch.setattr(verb, "with_discriminator", lambda path: (painter, network))
    assert generate("ring gold side seed 5", "--reject", "80", "--count", "2", "--model", "run") == 0
    assert second[0] == (0.7, 80)
    assert names(tmp_path / "pictures") == [f"ring-gold-side-seed{seed}-rejection-80.png" for seed in (5, 6)]
    path = tmp_path / "pictures" / "ring-gold-side-seed5-rejection-80.png"
    metadata = read_metadata(path)
    assert (metadata["asked_seed"], metadata["rejection"], metadata["how"]) == (5, 80, "accepted as candidate 2")
    assert metadata["seed"] == best_of.candidate_seeds(5, 2)[1]
    with Image.open(path) as picture:
        again = painter.generate(metadata["conditions"], seed=metadata["seed"])[0]
        np.testing.assert_array_equal(np.asarray(picture), again)
    assert "Ring, Gold, Side, seed 5: accepted as candidate 2, itself seed" in capsys.readouterr().out


# === Texts ===


@pytest.fixture
def reading_painter(painter):
    """Draws by its words too."""
    words = Vocabulary.learn(["Red leather handbag", "Watch with round dial"] * 3)
    painter.schema = dataclasses.replace(painter.schema, text="title", vocabulary=words)
    return painter


def test_words_of_ones_own(generate, reading_painter, tmp_path, capsys):
    assert generate("--text", "red leather handbag", "--seed", "7") == 0
    metadata = read_metadata(tmp_path / "pictures" / "red-leather-handbag-seed7.png")
    assert metadata["conditions"] == {"text": "red leather handbag"}
    assert "Note" not in capsys.readouterr().out
    assert generate("ring, navy blue", "--text", "with a Purplish dial") == 0
    assert read_metadata(tmp_path / "pictures" / "ring-navy-blue-with-a-purplish-dial-seed0.png")["conditions"] == {
        "category": "Ring",
        "colour": "Navy Blue",
        "text": "with a purplish dial",
    }
    assert "or hardly any, has 'a' or 'purplish': read by parts" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "said"), [("xqzv", "Not one word of the text 'xqzv'"), ("red " * 30, "too long")])
def test_texts_that_cannot_be_read_are_refused(generate, reading_painter, tmp_path, capsys, text, said):
    assert generate("ring", "--text", text) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "pictures").exists()


def test_models_without_titles_take_no_text(generate, capsys):
    assert generate("ring", "--text", "red") == 1
    assert "has learnt from no titles" in capsys.readouterr().err


def test_what_can_be_said_is_listed(generate, reading_painter, capsys):
    assert generate("--list") == 0
    assert "Or in words of your own, of which titles have 7" in capsys.readouterr().out


# === Vectors of texts ===


@pytest.fixture
def vectors(painter, tmp_path):
    """Two vectors in a file; the painter draws by such."""
    made = np.random.default_rng(0).normal(size=(2, 5))
    painter.schema = dataclasses.replace(
        painter.schema, text="clip", vocabulary=TextVectors.learn(spell_vectors(made + 1))
    )
    np.save(tmp_path / "vectors.npy", made)
    return made


def test_vectors_of_a_file_are_a_picture_each(generate, painter, vectors, tmp_path, capsys):
    assert generate("ring", "--text-vectors", "vectors.npy", "--seed", "7") == 0
    read = painter.schema.vocabulary  # the painter plans by what was read
    spelt = [read.decode(read.encode(text)) for text in spell_vectors(vectors)]
    expected = [f"ring-vector-{named(text).split()[1]}-seed{seed}.png" for seed, text in enumerate(spelt, start=7)]
    assert names(tmp_path / "pictures") == sorted(expected)
    metadata = read_metadata(tmp_path / "pictures" / expected[0])
    assert metadata["conditions"] == {"category": "Ring", "text_vector": spelt[0]}
    assert "vector:" not in capsys.readouterr().out
    assert generate("--list") == 0 and "vectors of texts, 5 numbers each" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text-vectors", "nowhere.npy"], "nowhere.npy is no file that numpy.save wrote"),
        (["--text-vectors", "short.npy"], "A vector has 5 parts, as those learnt from. Received: 3"),
        (["--text-vectors", "nan.npy"], "vector 1 has nan in the place of a number"),
        (["--text-vectors", "vectors.npy", "--grid", "colour"], "take one vector. vectors.npy holds 2"),
        (["--text", "red"], "The model takes no text: give text_vectors."),
        (["--text-vectors", "vectors.npy", "--text", "red"], "The model takes no text"),
    ],
)
def test_vectors_that_cannot_be_are_one_line(generate, vectors, tmp_path, capsys, words, said):
    np.save(tmp_path / "short.npy", np.ones((2, 3)))
    np.save(tmp_path / "nan.npy", [[1.0] * 5, [np.nan] * 5])
    assert generate(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert said in line and not (tmp_path / "pictures").exists()


def test_what_is_asked_for_says_nothing_of_the_photos():
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    for words in (["--text", "red"], ["--text-vectors", "vectors.npy"]):
        found = without_data(parser.parse_args(words))
        assert (found.data, found.text, found.text_vectors) == (None, None, None)
