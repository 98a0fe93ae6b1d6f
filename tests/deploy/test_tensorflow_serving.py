"""The files for TensorFlow Serving are what its parsers accept, and fit each other."""

import inspect
import re
from pathlib import Path

import pytest
import yaml
from compose_viz.spec.compose_spec import ComposeSpecification
from google.protobuf import text_format

from tfproductgan.serving import Client, protos

FOLDER = Path(__file__).parents[2] / "deploy" / "tensorflow-serving"
MESSAGES = {
    "models.config": protos.ModelServerConfig,
    "models.canary.config": protos.ModelServerConfig,
    "batching.config": protos.BatchingParameters,
    "batching.gpu.config": protos.BatchingParameters,
    "monitoring.config": protos.MonitoringConfig,
}
COMPOSE_FILES = ("compose.yaml", "compose.gpu.yaml")

# what `tensorflow_model_server` 2.19 knows and these files may need; a typing mistake would end it at its start
FLAGS = {
    "allow_version_labels_for_unavailable_models",
    "batching_parameters_file",
    "enable_batching",
    "enable_grpc_healthcheck_service",
    "enable_serialization_as_tensor_content",
    "mixed_precision",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "monitoring_config_file",
    "rest_api_timeout_in_ms",
}


def parsed(name):
    return text_format.Parse((FOLDER / name).read_text(encoding="utf-8"), MESSAGES[name]())


def service(name):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["services"]["serving"]


def flags(name):
    return dict(re.fullmatch(r"--(\w+)=(.+)", word).groups() for word in service(name)["command"])


def test_every_file_is_checked():
    assert {path.name for path in FOLDER.iterdir()} == {*MESSAGES, *COMPOSE_FILES, "kustomization.yaml"}


@pytest.mark.parametrize("name", MESSAGES)
def test_text_formats_parse(name):
    assert parsed(name).ByteSize()


@pytest.mark.parametrize("name", ["models.config", "models.canary.config"])
def test_the_stubs_parse_the_models_too(name):
    theirs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2").ModelServerConfig
    read = text_format.Parse((FOLDER / name).read_text(encoding="utf-8"), theirs())
    assert read.SerializeToString(deterministic=True) == parsed(name).SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", ["models.config", "models.canary.config"])
def test_labels_stand_for_versions_that_are_served(name):
    [model] = parsed(name).model_config_list.config
    assert model.base_path == f"/models/{model.name}"
    assert set(model.version_labels.values()) <= set(model.model_version_policy.specific.versions)
    assert "stable" in model.version_labels


def test_the_canary_leaves_the_stable_version_alone():
    [before], [canary] = (parsed(name).model_config_list.config for name in ("models.config", "models.canary.config"))
    assert canary.version_labels["stable"] == before.version_labels["stable"] < canary.version_labels["canary"]


@pytest.mark.parametrize("name", ["batching.config", "batching.gpu.config"])
def test_batches(name):
    batching = parsed(name)
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == batching.max_batch_size.value
    assert not batching.pad_variable_length_inputs


@pytest.mark.parametrize("name", ["batching.config", "batching.gpu.config"])
def test_requests_of_the_client_and_of_the_warm_up_fit_a_batch(name):
    from tfproductgan.export.saved_model import BATCH_SIZES

    batching = parsed(name)
    asked = inspect.signature(Client).parameters["batch_size"].default
    # a version whose warm-up is refused does not load
    assert max(asked, *BATCH_SIZES) <= batching.max_batch_size.value
    # and what the server fills up to has been run before the first request
    assert set(batching.allowed_batch_sizes) <= set(BATCH_SIZES)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_files_follow_the_schema(name):
    ComposeSpecification.model_validate(yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))


def test_the_schema_refuses_what_is_misspelt():
    with pytest.raises(ValueError, match="comand"):
        ComposeSpecification.model_validate({"services": {"serving": {"image": "x", "comand": []}}})


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_flags_exist_and_their_files_are_mounted(name):
    given = flags(name)
    assert given.keys() <= FLAGS
    mounts = dict(mount.split(":")[1::-1] for mount in service("compose.yaml")["volumes"])
    for flag, value in given.items():
        if flag.endswith("_file"):
            folder, file = value.rsplit("/", 1)
            assert (FOLDER / mounts[folder] / file).is_file(), value
    [model] = parsed("models.config").model_config_list.config
    assert mounts[model.base_path.rsplit("/", 1)[0]] == "../../saved_models"


def test_the_gpu_differs_in_its_batches_alone():
    changed = {"batching_parameters_file": "/config/batching.gpu.config"}
    assert flags("compose.gpu.yaml") == {**flags("compose.yaml"), **changed}


def test_only_this_machine_gets_in():
    assert all(port.startswith("127.0.0.1:") for port in service("compose.yaml")["ports"])
