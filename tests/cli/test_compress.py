import json
import sys

import pytest

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.networks.dcgan import DCGANGenerator


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    schema = ConditionSchema([Attribute("class", ("Ring", "Mug"))], 28, 1)
    options = {"width": 4, "max_width": 8}
    gan = ConditionalGAN.from_recipe("dcgan", schema, generator=options, discriminator=options)
    path = tmp_path_factory.mktemp("models") / "shop.keras"
    gan.trained().save(path)
    return path


def test_the_table_is_shown_and_the_file_loads(model, tmp_path, capsys):
    assert main(["compress", str(model), "--to", "bfloat16", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "bfloat16" in shown.out
    assert "compared with the original's alone" in shown.out
    assert shown.err == ""
    assert main(["generate", "mug", "--model", str(tmp_path / "generator-bfloat16.keras"), "--out", str(tmp_path)]) == 0


def test_one_form_that_cannot_be_made_is_an_error_and_the_others_go_on(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    assert main(["compress", str(model), "--to", "onnx,bfloat16", "--out", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: onnx: tf2onnx is needed here")
    assert "pip install 'tfproductgan[compress]'" in line
    assert (tmp_path / "generator-bfloat16.keras").is_file()
    assert not list(tmp_path.glob("*.onnx"))
    forms = json.loads((tmp_path / "compression.json").read_text())["forms"]
    assert [bool(form["error"]) for form in forms] == [False, True, False]


def test_what_the_family_refuses_is_a_note_unless_somebody_asks_for_it(model, tmp_path, capsys, monkeypatch):
    forms = ("litert-float16", "litert-dynamic-int8", "litert-int8", "onnx")
    monkeypatch.setattr(DCGANGenerator, "refuses", dict.fromkeys(forms, "too small"))
    assert main(["compress", str(model), "--out", str(tmp_path / "all")]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "Note: DCGANGenerator cannot be converted to onnx: too small" in shown.out
    assert (tmp_path / "all" / "generator-bfloat16.keras").is_file()
    assert main(["compress", str(model), "--to", "onnx", "--out", str(tmp_path / "one")]) == 1
    assert "onnx: DCGANGenerator cannot be converted to onnx: too small" in capsys.readouterr().err


@pytest.mark.slow
def test_the_generator_that_comes_along_is_as_good_in_whole_numbers(tmp_path):
    assert main(["compress", "studio", "--to", "litert-int8", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "litert-int9"], "there is no form 'litert-int9': did you mean 'litert-int8'"),
        (["--to", ","], "expected forms separated by commas"),
        (["--to", "pruned", "--size", "1.5"], "no share above 0 and below 1"),
        (["--to", "pruned", "--speed", "nan"], "no factor above 1"),
        (["--size", "0.5", "--speed", "2"], "not allowed with"),
    ],
)
def test_words_that_cannot_be_are_refused(model, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        main(["compress", str(model), "--out", str(tmp_path), *words])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_is_not_replaced_unless_allowed(model, tmp_path, capsys):
    (tmp_path / "generator-bfloat16.keras").write_bytes(b"mine")
    assert main(["compress", str(model), "--to", "bfloat16", "--out", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "generator-bfloat16.keras").read_bytes() == b"mine"


def test_pruning_needs_a_run(model, tmp_path, capsys):
    assert main(["compress", str(model), "--to", "pruned", "--out", str(tmp_path / "small")]) == 1
    assert "is in no run directory" in capsys.readouterr().err
    assert not (tmp_path / "small").exists()


def test_photos_that_are_named_must_be_there(model, tmp_path, capsys):
    words = ["compress", str(model), "--to", "bfloat16", "--out", str(tmp_path / "small"), "--data", "nowhere"]
    assert main(words) == 1
    assert "'nowhere' does not exist" in capsys.readouterr().err
