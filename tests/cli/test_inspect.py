import json

import pytest

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.sampling.files import write_png
from tfproductgan.sampling.grids import condition_rows
from tfproductgan.sampling.strips import interpolation_strip


@pytest.fixture
def picture(painter, tmp_path):
    [request] = painter.plan({"category": "Ring", "colour": "Gold", "view": "Side"}, seed=7)
    return write_png(tmp_path / "ring.png", painter.draw([request])[0], request, painter.model_id)


def test_a_picture_says_what_was_asked(picture, capsys):
    assert main(["inspect", str(picture)]) == 0
    output = capsys.readouterr().out
    for words in ("painter-1", "category: Ring", "colour: Gold", "seed", "7", "truncation"):
        assert words in output


def test_a_file_that_says_nothing_does_not_hide_the_others(picture, tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "missing.png"), str(picture)]) == 1
    shown = capsys.readouterr()
    assert "painter-1" in shown.out
    [line] = shown.err.splitlines()
    assert line.startswith("tfproductgan: error: ") and "missing.png" in line


def test_for_programs_each_file_is_a_line_of_json(picture, painter, tmp_path, capsys):
    first, second = painter.plan(count=2)
    strip = interpolation_strip(painter.interpolate(first, second, 3), first, second, "m")
    rows = condition_rows(painter, [{"category": "Ring"}, {}], count=2)
    paths = [picture, write_png(tmp_path / "strip.png", strip), write_png(tmp_path / "rows.png", rows)]
    assert main(["inspect", "--json", *map(str, paths)]) == 0
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [fact["file"] for fact in facts] == list(map(str, paths))
    assert [fact["kind"] for fact in facts] == ["picture", "interpolation", "grid"]
    assert facts[0]["conditions"] == {"category": "Ring", "colour": "Gold", "view": "Side"}
    assert main(["inspect", *map(str, paths)]) == 0
    output = capsys.readouterr().out
    assert "steps" in output and "seed 0, seed 1" in output


def test_a_file_that_is_not_ours_is_one_line(tmp_path, capsys):
    (tmp_path / "a.png").write_text("hello")
    assert main(["inspect", str(tmp_path / "a.png")]) == 1
    assert capsys.readouterr().err.endswith("a.png' is no PNG, GIF, JPEG or WebP picture that can be read.\n")


@pytest.fixture(scope="module")
def gan():
    schema = ConditionSchema([Attribute("category", ("Ring", "Mug")), Attribute("[colour]", ("[red]", "Blue"))], 28)
    tiny = {"generator": {"widths": (8,)}, "discriminator": {"widths": (8,)}}
    gan = ConditionalGAN.from_recipe("mlp", schema.with_combinations([(1, 1), (2, 2)]), **tiny)
    gan.compile()
    return gan


@pytest.mark.parametrize("trained_only", [True, False])
def test_a_model_says_what_it_knows(gan, tmp_path, capsys, trained_only):
    path = tmp_path / "generator.keras"
    (gan.trained_generator() if trained_only else gan).save(path)
    assert main(["inspect", "--json", str(path)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "model" and facts["model_id"] == gan.model_id
    assert (facts["recipe"], facts["images_seen"], facts["image_size"]) == (gan.recipe.name, 0, 28)
    assert facts["attributes"] == {"category": ["Ring", "Mug"], "[colour]": ["[red]", "Blue"]}
    assert facts["parameters"]["generator"] == gan.generator.count_params()
    assert ("discriminator" in facts["parameters"]) is not trained_only


def test_a_run_directory_is_its_model(gan, tmp_path, capsys):
    gan.trained_generator().save(tmp_path / "generator.keras")
    assert main(["inspect", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert gan.model_id in output and "[colour]: [red], Blue" in output
    assert main(["generate", "--model", str(tmp_path), "--list"]) == 0
    assert "[red]" in capsys.readouterr().out
