import signal
import subprocess
import sys
import urllib.request

import pytest
import tensorflow as tf

pytest.importorskip("aiohttp", reason="needs the extra 'serving'")

from tfproductgan.cli.main import main


def test_what_cannot_be_served_is_one_line(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "typo")]) == 1
    assert main(["serve", str(tmp_path)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "There is no folder" in first
    assert "holds no model: expected NAME/1/saved_model.pb" in second


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_a_port_that_is_none_is_a_usage_error(port, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["serve", "models", "--port", port])
    assert stop.value.code == 2
    assert "a port is a whole number" in capsys.readouterr().err


@pytest.mark.slow
def test_it_serves_until_it_is_terminated(tmp_path):
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    tf.saved_model.save(tf.Module(), str(tmp_path / "double" / "1"), double.get_concrete_function())
    command = [sys.executable, "-m", "tfproductgan", "serve", str(tmp_path), "--port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "double: version 1\n"
        ready = server.stdout.readline()
        url = next(word.strip(",") for word in ready.split() if word.startswith("http://"))
        with urllib.request.urlopen(f"{url}/v1/models/double:predict", b'{"instances": [1, 2]}') as response:
            assert response.read() == b'{"predictions": [2.0, 4.0]}'
        server.send_signal(signal.SIGTERM)
        assert "Stopping" in server.stdout.read()
    assert server.returncode == 0
