import base64
import json
import threading
import urllib.error
import urllib.request

import pytest

TWO = {"category": ["Ring", "Mug"], "seed": [3, 4]}


@pytest.fixture(scope="module")
def ask(server):
    """Sends a body, or none for GET, to a path below the model's address; returns status, headers, text."""

    def ask(path="", body=None, below="/v1/models/toy"):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(server.url + below + path, data, timeout=60) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    return ask


def test_pictures_by_row_and_by_column(ask):
    status, headers, text = ask(":predict", {"instances": [{"category": "Ring", "seed": 3}]})
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/json")
    [by_row] = json.loads(text)["predictions"]
    by_column = json.loads(ask(":predict", {"inputs": TWO})[2])["outputs"]
    assert by_row == by_column[0]
    assert base64.b64decode(by_row["b64"]).startswith(b"\x89PNG")


def test_several_outputs_of_another_signature_and_a_version(ask):
    body = {"signature_name": "describe", "inputs": TWO}
    answer = json.loads(ask("/versions/1:predict", body)[2])["outputs"]
    assert answer == {"name": ["Ring", "Mug"], "number": [1, 1], "images": [[[seed] * 3] * 2 for seed in (3, 4)]}


def test_a_signature_with_a_scalar_is_served_without_batches(ask):
    body = {"signature_name": "scale", "inputs": {"factor": 2, "values": [1, 2]}}
    assert json.loads(ask(":predict", body)[2])["outputs"] == {"scaled": [2, 4], "total": 3}


def test_status_and_metadata(ask):
    status = {"error_code": "OK", "error_message": ""}
    expected = {"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": status}]}
    assert json.loads(ask()[2]) == json.loads(ask("/versions/1")[2]) == expected
    metadata = json.loads(ask("/metadata")[2])
    assert metadata["model_spec"] == {"name": "toy", "version": "1", "signature_name": ""}
    definitions = metadata["metadata"]["signature_def"]["signature_def"]
    assert set(definitions) >= {"serving_default", "describe", "double", "scale"}
    seed = definitions["serving_default"]["inputs"]["seed"]
    assert (seed["dtype"], seed["tensor_shape"]["dim"][0]["size"]) == ("DT_INT64", "-1")


@pytest.mark.parametrize(
    "path, body, status, said",
    [
        (":predict", b"{", 400, "not JSON"),
        (":predict", {"signature_name": "drow", "inputs": TWO}, 400, "no signature 'drow'"),
        (":predict", {"inputs": {"category": ["Ring"], "seed": [1, 2]}}, 400, "same number of rows"),
        (":predict", {"inputs": {"category": ["Ring"], "seed": [1.5]}}, 400, "'seed' must be DT_INT64"),
        (":predict", {"inputs": {"category": [["Ring"]], "seed": [1]}}, 400, "Received: DT_STRING [1, 1]"),
        (":predict", {"inputs": {"category": [], "seed": []}}, 400, "at least one row"),
        (":predict", {"inputs": {"category": ["Ring"] * 100_000, "seed": [1] * 100_000}}, 400, "up to 1024 rows"),
        (":predict", {"inputs": {"category": ["Rong"], "seed": [1]}}, 400, "Unknown category; valid: Ring, Mug"),
        (":predict", b" " * (16 * 2**20 + 1), 413, "larger than 16777216 bytes"),
        ("/versions/7:predict", {"inputs": TWO}, 404, "no version 7 that can be asked; available: 1"),
        ("/labels/stable:predict", {"inputs": TWO}, 400, "no label 'stable'"),
        (":classify", {}, 404, "Malformed request: POST"),
        (":predict", None, 405, "Malformed request: GET"),
        ("/versions/7", None, 404, "no version 7"),
        ("s", None, 404, "no model 'toys': did you mean 'toy'?"),
    ],
)
def test_a_bad_request_has_its_status_and_its_reason(ask, path, body, status, said):
    got, headers, text = ask(path, body)
    message = json.loads(text)["error"]
    assert (got, headers["Content-Type"].split(";")[0]) == (status, "application/json")
    assert said in message
    assert "{{node" not in message and "\n" not in message
    assert ask()[0] == 200


def test_strangers_in_one_batch_do_not_share_errors(ask):
    answers = {}

    def client(number):
        category = "Rong" if number == 3 else "Ring"
        answers[number] = ask(":predict", {"instances": [{"category": category, "seed": number}]})[0]

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert answers == {number: 400 if number == 3 else 200 for number in range(8)}


def test_metrics_have_the_names_of_tensorflow_serving(ask):
    ask(":predict", {"inputs": TWO})
    ask(":predict", b"{")
    ask("/x:predict", b"{", below="/v1/models/made-up-by-a-client")
    text = ask("/monitoring/prometheus/metrics", below="")[2]
    assert "# TYPE :tensorflow:serving:request_count counter" in text
    counts = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(counts[':tensorflow:serving:request_count{model_name="toy",status="OK"}']) >= 1
    assert float(counts[':tensorflow:serving:request_count{model_name="toy",status="INVALID_ARGUMENT"}']) >= 1
    latency = ':tensorflow:serving:request_latency_count{API="predict",entrypoint="REST",model_name="toy"}'
    assert float(counts[latency]) >= 2
    assert any(name.startswith(":tensorflow:serving:runtime_latency_bucket") for name in counts)
    assert any(name.startswith(":tensorflow:serving:batching_session:processed_batch_size_sum") for name in counts)
    assert "made-up" not in text
