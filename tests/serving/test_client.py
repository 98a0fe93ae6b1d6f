"""The client against a small fake that speaks both APIs and fails on demand."""

import base64
import contextlib
import io
import json
import socket
import subprocess
import sys
import threading
import time
import types
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.colour_profiles import matrix_profile
from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.errors import ConditionError, MissingExtraError, PhotoError, ServingError
from tfproductgan.serving import Client, client_retries, protos
from tfproductgan.serving.client_grpc import GrpcTransport
from tfproductgan.serving.statuses import RequestError


def description(colours=("Gold", "Blue")):
    attributes = [Attribute("category", ("Ring", "Mug")), Attribute("base colour", colours)]
    return {
        "schema": ConditionSchema(attributes, image_size=4).to_dict(),
        "inputs": {"category": "category", "base colour": "base_colour"},
        "max_rows": 8,
        "image_size": 4,
        "channels": 3,
    }


STATUSES = {"UNAVAILABLE": 503, "RESOURCE_EXHAUSTED": 429, "INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "INTERNAL": 500}
# what TensorFlow makes of a failed operation
REFUSAL = (
    "{{function_node __inference_signature_wrapper_7}} StringToNumberOp could not correctly convert string: Unknown "
    "category 'Mug': valid: 'Ring'\n\t [[{{node StringToNumber}}]]"
)


class Fake:
    """Draws squares whose colour tells what was asked for; `failures` come first."""

    def __init__(self):
        self.failures = []  # (code, message, seconds to wait)
        self.asked = []  # (signature, number of rows)
        self.specs = []  # what model, version and label were asked for
        self.channels = 3
        self.delay = 0.0
        self.description = description()
        self._lock = threading.Lock()

    def answer(self, signature, inputs):
        time.sleep(self.delay)
        with self._lock:
            self.asked.append((signature, len(next(iter(inputs.values())))))
            if self.failures:
                raise RequestError(*self.failures.pop(0))
        if signature == "describe":
            return "description", np.array([json.dumps(self.description)] * len(inputs["request"]), object)
        if signature == "interpolate":
            shades = [np.asarray(inputs["fraction"]) * 100, inputs["first_seed"], inputs["second_seed"]]
        else:
            lengths = [len(a) * 16 + len(b) for a, b in zip(inputs["category"], inputs["base_colour"], strict=True)]
            shades = [lengths, inputs["seed"], np.asarray(inputs["truncation"]) * 100]
        shades = np.stack([np.asarray(shade) for shade in shades], axis=1).astype(np.uint8)[:, None, None]
        images = np.broadcast_to(shades, (len(shades), 4, 4, 3))[..., : self.channels]
        if signature != "serving_default":
            return "images", images
        return "image_bytes", np.array([png(image) for image in images] + [None], object)[:-1]

    def status(self):
        return [(1, 30, ""), (2, 50, "variables are missing")]


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, "PNG")
    return buffer.getvalue()


class GrpcFace(grpc.GenericRpcHandler):
    def __init__(self, fake):
        self.fake = fake

    def service(self, details):
        service, method = details.method[1:].split("/")
        request, response = protos.SERVICES[service][method]
        function = {"Predict": self.predict, "GetModelStatus": self.status}[method]
        return grpc.unary_unary_rpc_method_handler(function, request.FromString, response.SerializeToString)

    def predict(self, request, context):
        self.fake.specs.append(request.model_spec)
        inputs = {name: protos.from_tensor(tensor) for name, tensor in request.inputs.items()}
        inputs = {k: [v.decode() for v in a] if a.dtype == object else a for k, a in inputs.items()}
        try:
            name, values = self.fake.answer(request.model_spec.signature_name, inputs)
        except RequestError as error:
            if error.retry_after:
                context.set_trailing_metadata([("grpc-retry-pushback-ms", str(int(error.retry_after * 1000)))])
            context.abort(grpc.StatusCode[error.code], str(error))
        return protos.PredictResponse(outputs={name: protos.to_tensor(values)})

    def status(self, request, context):
        answer = protos.GetModelStatusResponse()
        for version, state, message in self.fake.status():
            found = answer.model_version_status.add(version=version, state=state)
            found.status.error_message = message
        return answer


def http_face(fake):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            fake.specs.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                name, values = fake.answer(body["signature_name"], body["inputs"])
            except RequestError as error:
                self.reply(STATUSES[error.code], {"error": str(error)}, error.retry_after)
                return
            if name.endswith("_bytes"):
                values = np.array([{"b64": base64.b64encode(value).decode()} for value in values], object)
            self.reply(200, {"outputs": values.tolist()})

        def do_GET(self):
            if self.path != "/v1/models/fake":
                self.send_error(404)
                return
            names = {30: "AVAILABLE", 50: "END"}
            self.reply(
                200,
                {
                    "model_version_status": [
                        {"version": str(v), "state": names[state], "status": {"error_message": words}}
                        for v, state, words in fake.status()
                    ]
                },
            )

        def reply(self, status, answer, retry_after=0):
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if retry_after:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # the client did not wait
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    return Handler


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture(params=["grpc", "http"])
def url(request, fake):
    if request.param == "grpc":
        server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[GrpcFace(fake)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"grpc://127.0.0.1:{port}"
        server.stop(0).wait()
    else:
        server = ThreadingHTTPServer(("127.0.0.1", 0), http_face(fake))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def client(url):
    with Client(url, "fake", batch_size=4, timeout=20) as client:
        yield client


@pytest.fixture
def no_waiting(monkeypatch):
    waits = []
    clock = types.SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr(client_retries, "time", clock)
    return waits


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# === What is asked for


def test_pictures_come_in_order_each_with_the_next_seed(client):
    images = client.generate([{"category": "Ring"}, {"Base  Colour": "Gold", "category": None}], 6, seed=3)
    assert images.dtype == np.uint8 and images.shape == (6, 4, 4, 3)
    assert images[:, 0, 0].tolist() == [[64, 3, 100], [4, 4, 100], [64, 5, 100], [4, 6, 100], [64, 7, 100], [4, 8, 100]]


def test_a_mapping_is_one_picture(client):
    assert client.generate({"category": "Ring"}, truncation=0.5)[:, 0, 0].tolist() == [[64, 0, 50]]


def test_nothing_is_one_picture_of_anything(client):
    assert client.generate().shape == (1, 4, 4, 3)


def test_grey_pictures_keep_their_channel(client, fake):
    fake.channels = 1
    assert client.generate(count=2).shape == (2, 4, 4, 1)


def test_png_files(client):
    files = client.generate_png({"category": "Ring"}, count=5, seed=1)
    assert [np.asarray(Image.open(io.BytesIO(file)))[0, 0, 1] for file in files] == [1, 2, 3, 4, 5]


def test_pictures_are_sent_upright_and_in_srgb(monkeypatch, tmp_path):
    sent = []

    def predict(signature, inputs, output, seconds):
        if signature == "describe":
            return [json.dumps(description())]
        sent.extend(inputs["image_bytes"])
        return [png(np.zeros((1, 1, 3), np.uint8))] * len(inputs["image_bytes"])

    client = Client("http://localhost:1", "fake")
    monkeypatch.setattr(client._transport, "predict", predict)
    adobe = matrix_profile("Adobe RGB (1998)", (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290), 1 / 2.19921875)
    Image.new("RGB", (4, 4), (92, 159, 79)).save(tmp_path / "a.png", icc_profile=adobe)
    pixels = np.full((4, 4, 3), (20, 160, 70), np.uint8)
    assert len(client.translate([tmp_path / "a.png", (tmp_path / "a.png").read_bytes(), pixels])) == 3
    for file in sent:
        assert np.abs(np.asarray(Image.open(io.BytesIO(file)), int) - pixels).max() <= 3
    with pytest.raises(PhotoError, match="picture 0: not a JPEG"):
        client.translate([b"no photo"])


def test_many_pictures_are_several_requests(client, fake):
    client.generate(count=10)
    assert sorted(rows for signature, rows in fake.asked if signature != "describe") == [2, 4, 4]


def test_a_request_is_no_larger_than_the_model_takes(url, fake):
    with Client(url, "fake", batch_size=100) as client:
        client.generate(count=9)
    assert sorted(rows for signature, rows in fake.asked if signature != "describe") == [1, 8]


def test_interpolation(client):
    images = client.interpolate(PictureRequest({"category": "Ring"}, 5), PictureRequest({}, 9), steps=5)
    assert images[:, 0, 0].tolist() == [[0, 5, 9], [25, 5, 9], [50, 5, 9], [75, 5, 9], [100, 5, 9]]


def test_description(client):
    assert client.describe() == description()


def test_states_of_versions_newest_first(client):
    assert [(s.version, s.state, s.error) for s in client.status()] == [
        (2, "END", "variables are missing"),
        (1, "AVAILABLE", ""),
    ]


@pytest.mark.parametrize("asked", [{}, {"version": 7}, {"label": "canary"}], ids=str)
def test_a_version_by_number_or_label(url, fake, asked):
    with Client(url, "fake", **asked) as client:
        client.describe()
    [spec] = fake.specs
    if isinstance(spec, str):
        path = {"version": "/versions/7", "label": "/labels/canary"}.get(next(iter(asked), None), "")
        assert spec == f"/v1/models/fake{path}:predict"
    else:
        assert spec.name == "fake"
        assert (spec.version.value, spec.version_label) == (asked.get("version", 0), asked.get("label", ""))


# === What cannot be


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"conditions": {"colour": "Gold"}}, "'colour'.* did you mean 'base colour'"),
        ({"conditions": {"category": "Rng"}}, "Unknown category 'Rng': did you mean 'Ring'"),
        ({"conditions": "Ring"}, "map attribute names to value names"),
        ({"conditions": []}, "empty list"),
        ({"count": 0}, "count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**63}, "seed must be a whole number"),
        ({"truncation": float("nan")}, "truncation must be a number from 0 to 2"),
    ],
)
def test_what_the_model_itself_would_refuse(client, arguments, words):
    with pytest.raises(ConditionError, match=words):
        client.generate(**arguments)


def test_a_refusal_comes_in_the_words_of_the_model(client, fake):
    client.generate()
    fake.failures = [("INVALID_ARGUMENT", REFUSAL)]
    with pytest.raises(ConditionError) as caught:
        client.generate({"category": "Mug"})
    assert str(caught.value) == "Unknown category 'Mug': valid: 'Ring'"


def test_what_is_unknown_may_be_known_to_a_new_version(client, fake):
    client.generate({"base colour": "Gold"})
    fake.description = description(["Gold", "Rosé"])
    assert client.generate({"base colour": "rosé"})[0, 0, 0].tolist() == [4, 0, 100]


@pytest.mark.parametrize("steps", [1, 2**40])
def test_steps_that_cannot_be(client, steps):
    with pytest.raises(ConditionError, match="steps must be a whole number from 2"):
        client.interpolate(PictureRequest({}, 1), PictureRequest({}, 2), steps=steps)


def test_a_picture_that_is_none(client, fake, monkeypatch):
    monkeypatch.setattr(f"{__name__}.png", lambda image: b"no picture")
    if client.url.startswith("http"):
        with pytest.raises(ServingError, match="what is no picture"):
            client.generate()


def test_an_unknown_model(client, fake):
    fake.failures = [("NOT_FOUND", "Servable not found for request: Latest(fake)")]
    with pytest.raises(ServingError, match="has no model 'fake': Servable not found"):
        client.generate()


def test_a_model_of_others(client, fake):
    fake.failures = [("INVALID_ARGUMENT", "Serving signature name: 'describe' not found in signature def")]
    with pytest.raises(ServingError, match="as models exported by tfproductgan do: Serving signature name"):
        client.generate()


def test_a_failure_inside_the_server(client, fake):
    fake.failures = [("INTERNAL", "out of luck")]
    with pytest.raises(ServingError, match="answered INTERNAL: out of luck"):
        client.generate()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:8500", "address of a server is needed"),
        ("ftp://localhost", "address of a server is needed"),
        ("http://", "address of a server is needed"),
        ("http://localhost:8501/v1/models/studio", "ends before '/v1'"),
        ("grpc://localhost:8500/studio", "has no path"),
        ("http://localhost:port", "address of a server is needed"),
        ("grpc://localhost", "address of a server is needed"),
    ],
)
def test_an_address_that_cannot_be(url, words):
    with pytest.raises(ServingError, match=words):
        Client(url, "studio")


@pytest.mark.parametrize(
    "options", [{"model": ""}, {"version": 1, "label": "stable"}, {"timeout": 0}, {"batch_size": 0}], ids=str
)
def test_options_that_cannot_be(options):
    with pytest.raises(ServingError, match="Received"):
        Client("http://localhost:8501", **{"model": "studio", **options})


# === When the server is not there, or busy


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_busy_server_is_asked_again(client, fake, no_waiting, code):
    fake.failures = [(code, "later", 0.0)] * 3
    assert client.generate().shape == (1, 4, 4, 3)
    assert len(no_waiting) == 3
    assert all(a < b for a, b in zip(no_waiting, [0.11, 0.21, 0.41], strict=True))


def test_it_waits_as_long_as_the_server_asks_to(client, fake, no_waiting):
    fake.failures = [("RESOURCE_EXHAUSTED", "later", 3.0)]
    client.describe()
    assert no_waiting == [3.0]


def test_it_gives_up_at_last(client, fake, no_waiting):
    fake.failures = [("RESOURCE_EXHAUSTED", "the queue is full", 0.0)] * 100
    with pytest.raises(ServingError, match="has too much to do, after several attempts: the queue is full"):
        client.describe()
    assert len(fake.asked) == 6


def test_it_does_not_wait_beyond_its_time(client, fake, no_waiting):
    fake.failures = [("UNAVAILABLE", "later", 60.0)]
    with pytest.raises(ServingError, match="later"):
        client.describe()
    assert no_waiting == []


def test_a_slow_server(url, fake):
    fake.delay = 1.0
    with Client(url, "fake", timeout=0.1) as client, pytest.raises(ServingError, match=r"not answer within 0\.1 s"):
        client.describe()


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_a_dead_server(scheme, no_waiting):
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with Client(url, "fake") as client, pytest.raises(ServingError, match=f"No server answers at {url}"):
        client.generate()


def test_the_port_of_the_other_api(url):
    other = url.replace("grpc", "xttp").replace("http", "grpc").replace("xttp", "http")
    with Client(other, "fake", timeout=10) as client, pytest.raises(ServingError, match="port of the other API"):
        client.describe()


def test_a_web_server_that_serves_no_models(url):
    if url.startswith("http"):
        with Client(url, "other") as client, pytest.raises(ServingError, match=r"does not speak .* HTTP status 404"):
            client.status()


# === Where it runs


def test_it_needs_no_tensorflow():
    code = "import sys; from tfproductgan.serving import Client; Client('grpc://localhost:1', 'm').close(); "
    code += "Client('http://localhost:1', 'm').close(); print({'tensorflow', 'keras'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


@pytest.mark.parametrize(("url", "module"), [("grpc://localhost:1", "grpc"), ("http://localhost:1", "urllib3")])
def test_what_is_missing_is_named(url, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"tfproductgan\[serving\]"):
        Client(url, "studio")


def test_a_name_that_stands_for_several_servers_reaches_all_that_answer():
    class Numbered(grpc.GenericRpcHandler):
        def __init__(self, number):
            self.number = number

        def service(self, details):
            answer = protos.GetModelStatusResponse()
            answer.model_version_status.add(version=self.number, state="AVAILABLE")
            return grpc.unary_unary_rpc_method_handler(lambda request, context: answer.SerializeToString())

    servers = [grpc.server(futures.ThreadPoolExecutor(1), handlers=[Numbered(number)]) for number in (1, 2)]
    ports = [server.add_insecure_port("127.0.0.1:0") for server in servers]
    for server in servers:
        server.start()
    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)  # as a resolver would answer
    transport = GrpcTransport(target, False, "shop", None, None)
    try:
        transport.status(10)
        deadline = time.monotonic() + 10
        while {transport.status(10)[0][0] for _ in range(8)} != {1, 2} and time.monotonic() < deadline:
            pass
        assert {transport.status(10)[0][0] for _ in range(8)} == {1, 2}
        servers[0].stop(None).wait()
        time.sleep(0.05)
        assert {transport.status(10)[0][0] for _ in range(8)} == {2}
    finally:
        transport.close()
        for server in servers:
            server.stop(None)
