import io
import json
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from tfproductgan.conditions import ConditionSchema, PictureRequest
from tfproductgan.errors import RunError, WriteError
from tfproductgan.export.model_card import JSON_CARD
from tfproductgan.export.saved_model import BATCH_SIZES, export_saved_model, version_path
from tfproductgan.export.served_model import Signature
from tfproductgan.export.served_sampler import ServedSampler
from tfproductgan.models.trained import TrainedGenerator
from tfproductgan.serving.protos import PredictionLog, from_tensor
from tfproductgan.serving.server.saved_model import WARM_UP


def difference(first, second):
    return np.abs(first.astype(int) - second.astype(int)).max()


# === The same pictures as here ===


def test_the_same_request_gives_the_same_picture(generator, served):
    wanted = [{"class": "Ring"}, {"class": "mug", "view": " SIDE "}, {}, {"base colour": "weiss"}]
    inputs = {
        "class_": ["Ring", "mug", "", ""] * 4,
        "base_colour": ["", "", "", "weiss"] * 4,
        "view": ["", " SIDE ", "", ""] * 4,
        "seed": range(5, 21),
        "truncation": [0.7] * 16,
    }
    images = served("generate", **inputs)
    assert images.dtype == np.uint8 and images.shape == (16, 32, 32, 3)
    assert difference(images, generator.generate(wanted, count=16, seed=5, truncation=0.7)) <= 1
    decoded = [np.asarray(Image.open(io.BytesIO(data))) for data in served("serving_default", **inputs)]
    np.testing.assert_array_equal(decoded, images)


def test_a_row_depends_on_its_own_seed_alone(served):
    together = served("generate", seed=[7, 2**63 - 1, 7, 9])
    assert difference(served("generate", seed=[9]), together[3:]) <= 1
    assert difference(together[0], together[2]) <= 1
    assert len(np.unique(together, axis=0)) >= 3


def test_latents_can_be_given(generator, served):
    request = PictureRequest({"class": "Ring", "view": "Front"}, seed=3)
    latents = generator.draw_latents([3, 3])
    images = served("from_latents", latents=latents, class_=["Ring", ""], view=["Front", ""])
    assert difference(images, generator.draw([request, PictureRequest({}, 3)])) <= 1


@pytest.mark.parametrize(("truncation", "second_seed"), [(1.0, 8), (0.0, 8), (1.0, 7)])
def test_the_way_between_two_pictures_is_the_same(generator, served, truncation, second_seed):
    [first] = generator.plan({"class": "Ring"}, seed=7)
    [second] = generator.plan({"class": "Mug"}, seed=second_seed, truncation=truncation)
    images = served(
        "interpolate",
        first_class_=["Ring"] * 5,
        first_seed=[7] * 5,
        second_class_=["Mug"] * 5,
        second_seed=[second_seed] * 5,
        second_truncation=[truncation] * 5,
        fraction=np.linspace(0, 1, 5),
    )
    assert difference(images, generator.interpolate(first, second, steps=5)) <= 1


def test_it_describes_itself(generator, served):
    described = [json.loads(text) for text in served("describe", request=["", "anything"])]
    assert described[0] == described[1]
    assert ConditionSchema.from_dict(described[0]["schema"]) == generator.schema
    assert described[0]["inputs"] == {"class": "class_", "base colour": "base_colour", "view": "view"}
    assert described[0]["model_id"] == generator.model_id and described[0]["provenance"] == generator.provenance
    assert {"serving_default", "generate", "from_latents", "interpolate", "describe"} == set(described[0]["signatures"])
    assert described[0]["signatures"]["serving_default"]["output"] == "image_bytes"


def test_it_tells_its_card_but_for_what_it_says_anyway(generator, tmp_path):
    facts = {"data": {"source": "9 photos", "fingerprint": "f00"}, "evaluation": {"model_id": "x", "figures": []}}
    path = export_saved_model(generator, tmp_path / "shop", "MIT", facts)
    told = tf.saved_model.load(str(path)).signatures["describe"](request=tf.constant([""]))["description"].numpy()[0]
    told, card = json.loads(told)["card"], json.loads((path / JSON_CARD).read_text())
    assert told["data"] == facts["data"] and told["licence"] == "MIT" and told["limits"]
    assert told == {name: card[name] for name in told} | {"data": facts["data"]}


def test_other_models_are_exported_too(small_generator, tmp_path):
    """Grey, without attributes, trained in bfloat16."""
    generator = small_generator(ConditionSchema((), 28, 1), "mlp", "mixed_bfloat16")
    path = export_saved_model(generator, tmp_path / "plain")
    loaded = tf.saved_model.load(str(path)).signatures["generate"]
    images = loaded(seed=tf.constant([3, 4], tf.int64), truncation=tf.ones(2))["images"].numpy()
    assert images.shape == (2, 28, 28, 1)
    # it rounds where float32 does not
    assert np.abs(images.astype(int) - generator.generate(count=2, seed=3)).mean() < 3
    stored = tf.train.list_variables(str(path / "variables" / "variables"))
    types = {tf.train.load_variable(str(path / "variables" / "variables"), name).dtype for name, _ in stored[1:]}
    assert types == {np.dtype("float32")}


def test_a_model_can_be_asked_for_more(generator):
    class Averaging(TrainedGenerator):
        def signatures(self, served):
            latents = {"latents": tf.TensorSpec([None, self.latent_dim], tf.float32, "latents")}
            return {"average": Signature("average", latents, lambda inputs: tf.reduce_mean(inputs["latents"], axis=1))}

    served = ServedSampler(Averaging(generator.sampling_network, generator.schema, "averaging-1"))
    answer = served.signatures["average"].concrete()(latents=tf.ones((2, 6)))
    assert answer["average"].numpy().tolist() == [1, 1]
    described = served.describe()["signatures"]
    assert described["average"] == {"inputs": {"latents": "float32"}, "output": "average"} and "generate" in described


# === What fails ===


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"class_": ["Rnig"]}, "Unknown class 'Rnig': valid: 'Ring', 'Mug', 'Sports Shoes'"),
        ({"base_colour": ["Ecru"]}, "Unknown base colour 'Ecru': the nearest of 16 values are 'Écru', "),
        ({"base_colour": ["x" * 500]}, f"Unknown base colour '{'x' * 64}': "),
        ({"view": [b"\xff"]}, "Unknown view '\ufffd': valid: "),
        ({"seed": [3, -1]}, "seed must be a whole number from 0 to 2**63 - 1. Received: -1"),
        ({"truncation": [1, np.nan]}, "truncation must be a number from 0 to 2. Received: nan"),
        ({"truncation": [2.5]}, "truncation must be a number from 0 to 2. Received: 2.5"),
        ({"seed": [-1], "view": ["Top"]}, "Unknown view 'Top': valid: 'Front', 'Side'; seed must be"),
        (
            {"seed": [1, 2], "view": [""]},
            "as many rows. Received: base_colour 2, class_ 2, seed 2, truncation 2, view 1",
        ),
        ({"seed": range(2000)}, "A request has 1 to 1024 rows. Received: 2000"),
        ({"seed": []}, "A request has 1 to 1024 rows. Received: 0"),
    ],
)
def test_a_request_that_cannot_be_fails_with_words(served, inputs, message):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        served("generate", **inputs)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("from_latents", {"latents": np.full((1, 6), np.inf)}, "latents must be finite numbers"),
        ("from_latents", {"latents": np.zeros((1, 6)), "view": ["Top"]}, "Unknown view 'Top'"),
        ("interpolate", {"fraction": [1.5]}, "fraction must be a number from 0 to 1. Received: 1.5"),
        ("interpolate", {"second_seed": [-2]}, "second_seed must be a whole number"),
        ("interpolate", {"second_view": ["Top"]}, "Unknown view 'Top'"),
        ("describe", {"request": []}, "1 to 1024 rows. Received: 0"),
    ],
)
def test_so_do_other_requests(served, signature, inputs, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served(signature, **inputs)


# === The folder ===


def test_weights_are_written_once(generator, exported):
    written = tf.train.list_variables(str(exported / "variables" / "variables"))
    shapes = sorted(tuple(shape) for name, shape in written if name.startswith("weights/"))
    assert shapes == sorted(tuple(weight.shape) for weight in generator.sampling_network.variables)
    others = {name for name, _ in written if not name.startswith("weights/")}
    assert all("names/_tables" in name or name == "_CHECKPOINTABLE_OBJECT_GRAPH" for name in others)


def test_the_graph_needs_no_python_and_no_xla(exported):
    model = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    library = model.meta_graphs[0].graph_def.library
    nodes = [node for function in library.function for node in function.node_def]
    assert not {node.op for node in nodes} & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    for attributes in (*(function.attr for function in library.function), *(node.attr for node in nodes)):
        assert not attributes["_XlaMustCompile"].b


def test_every_input_and_output_is_batched_and_strings_of_bytes_are_named_so(exported):
    model = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    signatures = dict(model.meta_graphs[0].signature_def)
    signatures.pop("__saved_model_init_op")
    for signature in signatures.values():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            assert info.tensor_shape.dim[0].size == -1
    assert list(signatures["serving_default"].outputs) == ["image_bytes"]


ALONE = """
import importlib.util
import sys

assert importlib.util.find_spec("tfproductgan") is None
import numpy as np
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

signatures = tf.saved_model.load(sys.argv[1]).signatures
names = {name: tf.constant([""]) for name in ("class_", "base_colour", "view")}
images = signatures["generate"](**names, seed=tf.constant([7], tf.int64), truncation=tf.ones(1))["images"]
np.save(sys.argv[2], images.numpy())
sys.argv = ["saved_model_cli", "show", "--dir", sys.argv[1], "--all"]
saved_model_cli.main()
"""


@pytest.mark.slow
def test_it_loads_in_an_environment_that_has_only_tensorflow(generator, exported, tensorflow_environment, tmp_path):
    command = [tensorflow_environment / "bin" / "python", "-c", ALONE, exported, tmp_path / "images.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert difference(np.load(tmp_path / "images.npy"), generator.generate(seed=7)) <= 1
    shown = done.stdout
    for words in ("signature_def['from_latents']", "inputs['base_colour'] tensor_info", "outputs['image_bytes']"):
        assert words in shown
    assert "Traceback" not in done.stderr and str(exported) not in (exported / "saved_model.pb").read_text("latin1")


# === Requests that warm a server up ===


def test_every_signature_answers_its_requests(exported, served):
    records = tf.data.TFRecordDataset(str(exported / WARM_UP))
    requests = [PredictionLog.FromString(record.numpy()).predict_log.request for record in records]
    sizes = {}
    for request in requests:
        inputs = {name: from_tensor(tensor) for name, tensor in request.inputs.items()}
        [rows] = {len(value) for value in inputs.values()}
        sizes.setdefault(request.model_spec.signature_name, []).append(rows)
        if rows <= 2:
            assert len(served(request.model_spec.signature_name, **inputs)) == rows
    assert {request.model_spec.name for request in requests} == {"shop"}
    assert sizes["serving_default"] == sizes["generate"] == list(BATCH_SIZES)
    assert sizes["from_latents"] == sizes["interpolate"] == sizes["describe"] == [1]


def test_inputs_are_of_the_types_that_the_signature_wants(exported):
    record = next(iter(tf.data.TFRecordDataset(str(exported / WARM_UP)))).numpy()
    inputs = PredictionLog.FromString(record).predict_log.request.inputs
    types = {name: from_tensor(tensor).dtype for name, tensor in inputs.items()}
    assert types == {
        "class_": np.dtype(object),
        "base_colour": np.dtype(object),
        "view": np.dtype(object),
        "seed": np.dtype("int64"),
        "truncation": np.dtype("float32"),
    }


# === Where it is written ===


def test_the_next_free_version_is_the_default(tmp_path):
    assert version_path(tmp_path / "models" / "shop") == tmp_path / "models" / "shop" / "1"
    for version in ("2", "10", "notes"):
        (tmp_path / "models" / "shop" / version).mkdir(parents=True)
    assert version_path(tmp_path / "models" / "shop") == tmp_path / "models" / "shop" / "11"
    assert version_path(tmp_path / "models" / "shop" / "3") == tmp_path / "models" / "shop" / "3"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("shop/2", "'shop/2' exists already: give 'shop' for the next free version"),
        ("3", "'3' names no model: give a path such as saved_models/studio"),
        ("", "names no model"),
        ("..", "names no model"),
        ("models", "'models' names no model"),
        ("models/7", "'models/7' names no model"),
        ("shop/007", "'shop/007' ends with no version: give a whole number such as 1"),
        (f"shop/{2**63}", "ends with no version"),
        ("file/shop", "'file' is no folder that can be written"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_any_work(tmp_path, monkeypatch, path, message):
    (tmp_path / "shop" / "2").mkdir(parents=True)
    (tmp_path / "models" / "mugs" / "1").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WriteError, match=message.replace("(", r"\(")):
        export_saved_model(None, path)


def test_an_export_that_fails_half_way_leaves_nothing(generator, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfproductgan.export.saved_model.write_cards", fail)
    monkeypatch.setattr("tfproductgan.export.served_model.Signature.concrete", lambda signature: None)
    monkeypatch.setattr(tf.saved_model, "save", lambda module, folder, signatures: None)
    with pytest.raises(WriteError, match="shop/1': No space left on device"):
        export_saved_model(generator, tmp_path / "shop")
    assert list((tmp_path / "shop").iterdir()) == []


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(small_generator, served_schema, tmp_path, number):
    generator = small_generator(served_schema(), "mlp")
    weight = generator.sampling_network.variables[-1]
    weight.assign(np.full(weight.shape, number))
    with pytest.raises(RunError, match=r"weights that are no finite numbers .*its training went astray"):
        export_saved_model(generator, tmp_path / "shop")
    assert not (tmp_path / "shop").exists()
