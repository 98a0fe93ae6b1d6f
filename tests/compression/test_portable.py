import json
import subprocess
import sys

import numpy as np
import pytest

from tfproductgan.compression.compression import Compressor
from tfproductgan.compression.conversions import CONVERSIONS
from tfproductgan.compression.portable import PortableGenerator
from tfproductgan.errors import ConditionError, RunError


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory):
    """Two forms, one for each runtime."""
    made = tmp_path_factory.mktemp("small")
    compressor = Compressor(generator)
    for name in ("litert-dynamic-int8", "onnx"):
        found = compressor.convert(CONVERSIONS[name], made)
        assert found.error is None, found.error
    return made


@pytest.fixture(params=["litert-dynamic-int8.tflite", "onnx.onnx"])
def portable(request, folder):
    return PortableGenerator(folder / f"generator-{request.param}")


def test_the_same_request_gives_nearly_the_same_picture(portable, generator):
    conditions = [{"class": "Ring"}, {}, {"base colour": "weiß", "view": "Side"}]
    assert portable.plan(conditions, 20, seed=3) == generator.plan(conditions, 20, seed=3)
    expected = generator.generate(conditions, 20, seed=3, truncation=0.7)
    drawn = portable.generate(conditions, 20, seed=3, truncation=0.7)
    assert drawn.shape == expected.shape
    assert drawn.dtype == np.uint8
    differences = np.abs(drawn.astype(int) - expected)
    if portable.path.suffix == ".onnx":
        assert differences.max() <= 1
    else:
        assert differences.mean() < 3


def test_a_picture_does_not_depend_on_its_company(portable):
    together = portable.generate(count=20, seed=5).astype(int)
    alone = portable.generate(count=1, seed=24)
    assert np.abs(together[19] - alone[0]).max() <= 1


def test_no_request_gives_no_picture(portable):
    assert portable.draw([]).shape == (0, 32, 32, 3)


def test_mistakes_are_those_of_the_model_itself(portable):
    with pytest.raises(ConditionError, match="Unknown class 'Rink': did you mean 'Ring'"):
        portable.generate({"class": "Rink"})
    with pytest.raises(ConditionError, match="truncation must be"):
        portable.generate(truncation=float("nan"))


def test_it_works_without_tensorflow(folder):
    code = f"""
import sys
sys.modules.update(tensorflow=None, keras=None)
from tfproductgan.compression.portable import PortableGenerator
for name in ("litert-dynamic-int8.tflite", "onnx.onnx"):
    print(PortableGenerator({str(folder)!r} + "/generator-" + name).generate({{"class": "Mug"}}, 2).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["(2, 32, 32, 3)"] * 2, done.stderr


def test_the_file_beside_says_what_the_model_takes(folder):
    facts = json.loads((folder / "generator-onnx.json").read_text())
    assert facts["inputs"].keys() == {"latents", "conditions"}
    assert (facts["inputs"]["conditions"]["type"], facts["inputs"]["conditions"]["shape"]) == ("int32", ["N", 3])
    assert facts["schema"]["attributes"][0]["name"] == "class"


def test_a_file_of_before_inputs_were_described_by_shape_is_read(folder, tmp_path, generator):
    facts = json.loads((folder / "generator-onnx.json").read_text())
    facts["inputs"] = {"latents": "float32 [N, 6]: standard normal", "conditions": "int32 [N, 3]: positions"}
    facts["outputs"] = {"images": "float32 [N, 32, 32, 3], -1 to 1"}
    (tmp_path / "old.json").write_text(json.dumps(facts))
    (tmp_path / "old.onnx").write_bytes((folder / "generator-onnx.onnx").read_bytes())
    drawn = PortableGenerator(tmp_path / "old.onnx").generate({"class": "Mug"}, count=2)
    assert np.abs(drawn.astype(int) - generator.generate({"class": "Mug"}, count=2)).max() <= 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.onnx", None, "No such model"),
        ("bad.onnx", b"nothing", "cannot be loaded as an ONNX file"),
        ("bad.tflite", b"nothing", "cannot be loaded as a LiteRT file"),
        ("bad.keras", b"nothing", "is no .tflite or .onnx file"),
    ],
)
def test_what_is_no_model_is_refused(folder, tmp_path, name, content, message):
    if content:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "bad.json").write_bytes((folder / "generator-onnx.json").read_bytes())
    with pytest.raises(RunError, match=message):
        PortableGenerator(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "copy it beside the model"),
        ("[]", "cannot be read"),
        ("{}", "is missing"),
        ('{"version', "cannot be read"),
    ],
)
def test_without_its_names_a_file_is_refused(tmp_path, text, message):
    (tmp_path / "shop.onnx").write_bytes(b"anything")
    if text:
        (tmp_path / "shop.json").write_text(text)
    with pytest.raises(RunError, match=message):
        PortableGenerator(tmp_path / "shop.onnx")


def test_a_file_of_a_newer_version_is_refused(folder, tmp_path):
    facts = json.loads((folder / "generator-onnx.json").read_text())
    (tmp_path / "shop.onnx").write_bytes(b"anything")
    (tmp_path / "shop.json").write_text(json.dumps({**facts, "version": 2}))
    with pytest.raises(RunError, match="reads up to 1"):
        PortableGenerator(tmp_path / "shop.onnx")


@pytest.fixture(scope="module", params=["dcgan", "mlp"])
def compressor(request, small_generator, served_schema):
    return Compressor(small_generator(served_schema(channels=1 if request.param == "mlp" else 3), request.param))


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVERSIONS)
def test_every_form_of_every_family_passes_its_own_gate(compressor, tmp_path, name):
    found = compressor.convert(CONVERSIONS[name], tmp_path)
    assert found.error is None, found.error


@pytest.mark.slow
def test_an_unconditional_generator_can_be_converted(small_generator, tmp_path):
    from tfproductgan.conditions import ConditionSchema

    compressor = Compressor(small_generator(ConditionSchema((), 32, 3)))
    for name in ("litert-float16", "litert-int8", "onnx"):
        found = compressor.convert(CONVERSIONS[name], tmp_path)
        assert found.error is None, found.error
        assert PortableGenerator(tmp_path / found.file).generate(count=3).shape == (3, 32, 32, 3)
