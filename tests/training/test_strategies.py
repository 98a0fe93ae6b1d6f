import json

import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError, RunError
from tfproductgan.recipes import Recipe
from tfproductgan.training import strategies
from tfproductgan.training.strategies import check_batch, is_chief, make_strategy, share_of_each

WORKERS = {"worker": ["a:1", "b:1"]}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("TPU_NAME", raising=False)


@pytest.mark.parametrize("name", ["auto", "one"])
def test_a_machine_without_several_gpus_trains_on_one_device(name):
    if len(tf.config.list_physical_devices("GPU")) > 1 and name == "auto":
        pytest.skip("needs a machine without several GPUs")
    assert make_strategy(name).num_replicas_in_sync == 1


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("two", "", "Unknown strategy 'two': "),
        ("multi-worker", "", "needs the environment variable TF_CONFIG to name the machines"),
        ("auto", "[1", "TF_CONFIG must be like .*Received: \\[1"),
        ("auto", '{"cluster": 3}', "TF_CONFIG must be like"),
        ("auto", json.dumps({"cluster": {**WORKERS, "ps": ["c:1"]}}), "the role 'ps'; only 'worker' and 'chief'"),
        ("auto", json.dumps({"cluster": WORKERS}), "The workers a:1, b:1 cannot train together: .*task_type"),
        (
            "auto",
            json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}),
            "cannot train together: The `task_id` 2 exceeds",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(monkeypatch, name, config, message):
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(RunError, match=message) as raised:
        make_strategy(name)
    assert "\n" not in str(raised.value)


def test_mirrored_needs_several_devices():
    if len(tf.config.list_physical_devices("GPU")) > 1:
        pytest.skip("needs a machine without several GPUs")
    with pytest.raises(RunError, match=r"needs several GPUs\. Found: .*CPU:0\. Use one or auto"):
        make_strategy("mirrored")


def test_a_missing_tpu_is_told_in_one_line(monkeypatch):
    def no_tpu(name):
        raise ValueError("Cannot find the TPU. More words.\nMore lines.")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", no_tpu)
    with pytest.raises(RunError, match=r"no TPU to train on: Cannot find the TPU\. TensorFlow can use one with"):
        make_strategy("tpu")


def test_one_process_writes_and_reads_everything():
    one = tf.distribute.get_strategy()
    assert is_chief() and is_chief(one)
    assert share_of_each(one, lambda part: part) == (0, 1)
    assert strategies.highest_over_processes([3, -2], one) == [3, -2]


class Replicas:
    def __init__(self, count):
        self.num_replicas_in_sync = count


def test_batches_that_replicas_cannot_share_are_refused():
    check_batch(Recipe(batch_size=32, microbatches=4), Replicas(8))
    with pytest.raises(RecipeError, match="A batch of 32 images cannot be shared equally by 3 replicas"):
        check_batch(Recipe(batch_size=32), Replicas(3))
    with pytest.raises(RecipeError, match=r"must divide the 4 images .* Received: 3"):
        check_batch(Recipe(batch_size=32, microbatches=3), Replicas(8))
