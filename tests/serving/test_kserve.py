"""KServe's ModelServer, by others, serves an exported SavedModel as it is: our client gets the generator's pictures.

It has an environment of its own: KServe needs an older protobuf than TensorFlow's newest tools.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import numpy as np
import pytest

from tfproductgan.errors import ConditionError
from tfproductgan.serving import Client

pytestmark = pytest.mark.slow

# TensorFlow and KServe, nothing of ours: what a team that runs KServe would write
SERVER = """
import base64, sys
import kserve
import tensorflow as tf
from kserve.errors import InvalidInput

class SavedModel(kserve.Model):
    def load(self):
        self.model = tf.saved_model.load(sys.argv[1])
        self.ready = True

    def predict(self, payload, headers=None):
        ask = self.model.signatures[payload["signature_name"]]
        types = ask.structured_input_signature[1]
        inputs = {name: tf.constant(values, types[name].dtype) for name, values in payload["inputs"].items()}
        try:
            [(name, values)] = ask(**inputs).items()
        except tf.errors.InvalidArgumentError as error:
            raise InvalidInput(str(error))
        values = values.numpy().tolist()
        if name.endswith("_bytes"):
            values = [{"b64": base64.b64encode(value).decode()} for value in values]
        elif isinstance(values[0], bytes):
            values = [value.decode() for value in values]
        return {"outputs": values}

model = SavedModel("shop")
model.load()
kserve.ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1).start([model])
"""


@pytest.fixture(scope="module")
def kserve_python(tensorflow_environment, tmp_path_factory):
    """The interpreter of an environment with KServe and the TensorFlow that wrote the model."""
    folder = tmp_path_factory.mktemp("kserve") / "environment"
    python = folder / "bin" / "python"
    # links cost no time, and pip puts new files in the place of those it replaces
    shutil.copytree(tensorflow_environment, folder, symlinks=True, copy_function=os.link)
    tensorflow = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    [tensorflow] = re.findall(r"^tensorflow(?:-cpu)?==.*$", tensorflow, re.M)
    try:
        install = [python, "-m", "pip", "install", "--quiet", "--no-compile", "kserve", tensorflow]
        subprocess.run(install, check=True, capture_output=True)
        subprocess.run([python, "-c", "import kserve"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"KServe cannot be had here: {error}")
    return python


@pytest.fixture(scope="module")
def url(kserve_python, shop, tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path_factory.mktemp("kserve") / "said.log"
    with open(said, "w", encoding="utf-8") as log:
        process = subprocess.Popen([kserve_python, "-c", SERVER, shop, str(port)], stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/v1/models/shop", process, said)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait(url, process, said):
    for _ in range(600):
        assert process.poll() is None, said.read_text(encoding="utf-8")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(said.read_text(encoding="utf-8"))


def test_pictures_are_those_of_the_generator(url, shop_generator):
    request = {"conditions": [{"category": "mug"}, {}], "count": 5, "seed": 11}
    with Client(url, "shop") as client:
        served, local = client.generate(**request).astype(int), shop_generator.generate(**request)
    assert np.abs(served - local).max() <= 1


def test_a_refusal_comes_in_the_words_of_the_model(url):
    with Client(url, "shop") as client:
        inputs = client._inputs({"category": "Ring"}, 1, 0, 1.0)
        inputs["category"][0] = "Rnig"
        with pytest.raises(ConditionError, match=r"^Unknown category 'Rnig': .*'Ring'"):
            client._predict("generate", inputs, "images")
