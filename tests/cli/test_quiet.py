import os
import subprocess
import sys

import pytest

STAND_IN = """
from types import SimpleNamespace
optimizer = SimpleNamespace(set_experimental_options=lambda options: None)
threading = SimpleNamespace(set_intra_op_parallelism_threads=lambda number: None)
config = SimpleNamespace(optimizer=optimizer, threading=threading, list_physical_devices=lambda: [])
"""
KERAS_STAND_IN = """
import sys
class Config:
    def __getattr__(self, name): return lambda value: self.__dict__.update({name: value})
config = Config()
"""


def imported(tmp_path, source, options=""):
    """Import stand-ins for TensorFlow, which runs `source`, and for Keras; the finished process."""
    (tmp_path / "keras.py").write_text(KERAS_STAND_IN)
    (tmp_path / "tensorflow.py").write_text(STAND_IN + source)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += f"from tfproductgan.cli.quiet import import_tensorflow\nimport_tensorflow({options})\n"
    code += "import os; os.write(2, b'after')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_notes_are_dropped_and_the_rest_comes_through(tmp_path):
    source = "import os; os.write(2, b'I0000 00:00 port.cc:153] oneDNN custom operations are on\\nE0000 broken\\n')"
    assert imported(tmp_path, source).stderr == "E0000 broken\nafter"


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="with a GPU this is worth saying")
def test_a_missing_gpu_is_no_news(tmp_path):
    source = """
import os
config.list_physical_devices = lambda: os.write(2, b"E0000 cuda_platform.cc:52] failed call to cuInit: 303\\n")
"""
    assert imported(tmp_path, source).stderr == "after"


def test_an_import_that_fails_still_says_why(tmp_path):
    done = imported(tmp_path, "import no_such_library")
    assert done.returncode == 1 and "No module named 'no_such_library'" in done.stderr


@pytest.mark.parametrize(
    ("cores", "environment", "said"),
    [("{0, 1}", {}, "threads 1 after"), ("{0, 1}", {"TF_NUM_INTRAOP_THREADS": "2"}, "after"), ("{0}", {}, "after")],
)
def test_two_cores_take_an_operation_each_if_asked(tmp_path, monkeypatch, cores, environment, said):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    source = f"""
import os
os.sched_getaffinity = lambda process: {cores}
threading.set_intra_op_parallelism_threads = lambda number: os.write(2, b"threads %d " % number)
"""
    assert imported(tmp_path, source, "side_by_side=True").stderr == said
    assert imported(tmp_path, source).stderr == "after"


@pytest.mark.parametrize(("given", "taken"), [(None, "1"), ("0", "0")])
def test_onednn_is_taken_on_every_processor_unless_told_otherwise(tmp_path, monkeypatch, given, taken):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if given is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given)
    source = "import os; os.write(2, os.environ['TF_ENABLE_ONEDNN_OPTS'].encode() + b' ')"
    assert imported(tmp_path, source).stderr == f"{taken} after"


def test_what_tensorflow_datasets_warns_itself_of_is_dropped(tmp_path):
    source = """
import atexit, logging
atexit.register(lambda: logging.getLogger("absl").warning("`FeatureConnector.dtype` is deprecated."))
atexit.register(lambda: logging.getLogger("absl").warning("disk is full; "))
"""
    assert imported(tmp_path, source).stderr == "afterdisk is full; \n"


def test_keras_runs_on_tensorflow_with_its_own_defaults(tmp_path, monkeypatch):
    for name in ("KERAS_BACKEND", "KERAS_MAX_EPOCHS", "KERAS_NNX_ENABLED", "TF_USE_LEGACY_KERAS"):
        monkeypatch.setenv(name, "1")
    source = """
import atexit, keras, os
names = [f"{name}={value}" for name, value in os.environ.items() if "KERAS" in name]
atexit.register(lambda: os.write(2, " ".join([" by"] + names + sorted(vars(keras.config))).encode()))
"""
    settings = "set_epsilon set_floatx set_image_data_format"
    assert imported(tmp_path, source).stderr == f"after by KERAS_BACKEND=tensorflow {settings}"


@pytest.mark.parametrize(
    "source",
    ["raise ValueError('Invalid `floatx`')", "assert False", "raise ModuleNotFoundError('No jax', name='jax')"],
)
def test_settings_that_keep_keras_from_being_imported_are_named(tmp_path, monkeypatch, source):
    monkeypatch.setenv("KERAS_HOME", "/some/home")
    last = imported(tmp_path, source).stderr.splitlines()[-1]
    assert "KerasSettingError: Keras cannot be imported" in last and "mend or remove /some/home/keras.json" in last
