import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tfproductgan.serving import protos

PREDICTION, MODEL = "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc_url.removeprefix("grpc://")) as channel:
        yield channel


@pytest.fixture(scope="module")
def call(channel):
    def call(service, method, request):
        _, response = protos.SERVICES[service][method]
        made = channel.unary_unary(f"/{service}/{method}", None, response.FromString)
        return made(request.SerializeToString(), timeout=60)

    return call


def predict(signature="", output_filter=(), version=None, **inputs):
    request = protos.PredictRequest(output_filter=output_filter)
    request.model_spec.name, request.model_spec.signature_name = "toy", signature
    if version is not None:
        request.model_spec.version.value = version
    for name, array in {"category": ["Ring", "Mug"], "seed": [3, 4], **inputs}.items():
        request.inputs[name].CopyFrom(protos.to_tensor(np.array(array)))
    return request


def test_pictures(call):
    response = call(PREDICTION, "Predict", predict())
    assert (response.model_spec.name, response.model_spec.version.value) == ("toy", 1)
    assert response.model_spec.signature_name == "serving_default"
    images = protos.from_tensor(response.outputs["image_bytes"])
    assert images.shape == (2,) and images[0].startswith(b"\x89PNG")


def test_only_the_outputs_that_are_wanted(call):
    response = call(PREDICTION, "Predict", predict("describe", ["number"]))
    assert {name: protos.from_tensor(tensor).tolist() for name, tensor in response.outputs.items()} == {
        "number": [1, 1]
    }


@pytest.mark.parametrize(
    "request_, code, said",
    [
        (predict("drow"), "INVALID_ARGUMENT", "no signature 'drow'"),
        (predict(seed=[1]), "INVALID_ARGUMENT", "same number of rows"),
        (predict(seed=[1.0, 2.0]), "INVALID_ARGUMENT", "'seed' must be DT_INT64"),
        (predict(colour=["Red"]), "INVALID_ARGUMENT", "no input 'colour'"),
        (predict(category=["Rong", "Mug"]), "INVALID_ARGUMENT", "Unknown category; valid: Ring, Mug"),
        (predict(output_filter=["pictures"]), "INVALID_ARGUMENT", "no output 'pictures'"),
        (predict(version=7), "NOT_FOUND", "no version 7"),
        (predict(category=["x" * 2**24] * 2), "RESOURCE_EXHAUSTED", "larger than max"),
    ],
)
def test_a_bad_request_has_its_code_and_its_reason(call, request_, code, said):
    with pytest.raises(grpc.RpcError) as error:
        call(PREDICTION, "Predict", request_)
    assert error.value.code() is grpc.StatusCode[code]
    assert said in error.value.details()
    assert call(PREDICTION, "Predict", predict())


def test_a_tensor_that_does_not_fill_its_shape_is_refused(call):
    request = predict()
    request.inputs["seed"].tensor_content = b"abc"
    with pytest.raises(grpc.RpcError, match="Input 'seed': 3 bytes"):
        call(PREDICTION, "Predict", request)


def test_status_and_metadata(call):
    request = protos.GetModelStatusRequest()
    request.model_spec.name = "toy"
    [status] = call(MODEL, "GetModelStatus", request).model_version_status
    assert (status.version, status.state) == (1, 30)
    request = protos.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "toy"
    definitions = protos.SignatureDefMap()
    assert call(PREDICTION, "GetModelMetadata", request).metadata["signature_def"].Unpack(definitions)
    assert "serving_default" in definitions.signature_def


def test_probes_are_answered(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", PREDICTION):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_what_is_not_there_says_so(call, channel):
    with pytest.raises(grpc.RpcError) as error:
        call(MODEL, "HandleReloadConfigRequest", protos.ReloadConfigRequest())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/{PREDICTION}/Classify")(b"", timeout=60)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
