import pytest
import tensorflow as tf

from tfproductgan.models import precision


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be on a machine with these processor flags, or this GPU."""

    def machine(flags="", capability=None):
        gpus = [] if capability is None else ["gpu"]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [])
        details = {"compute_capability": capability} if capability else {}
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)
        monkeypatch.setattr(precision, "processor_flags", lambda: frozenset(flags.split()))
        answer = precision.bfloat16_is_fast.__wrapped__()
        monkeypatch.undo()
        return answer

    return machine


@pytest.mark.parametrize(
    ("what", "fast"),
    [
        ({"flags": "avx2 avx512f amx_bf16 amx_tile"}, True),
        ({"flags": "avx512f avx512_bf16"}, True),
        ({"flags": "avx2 avx512f"}, False),
        ({"flags": ""}, False),
        ({"capability": (8, 0)}, True),
        ({"capability": (9, 0), "flags": "avx2"}, True),
        ({"capability": (7, 5), "flags": "amx_bf16"}, False),
        ({"capability": (), "flags": "amx_bf16"}, False),
    ],
    ids=str,
)
def test_bfloat16_is_fast_where_the_hardware_has_it(machine, what, fast):
    assert machine(**what) is fast


@pytest.mark.parametrize("fast", [True, False])
def test_auto_takes_what_is_fast_and_a_name_is_taken_as_it_is(monkeypatch, fast):
    monkeypatch.setattr(precision, "bfloat16_is_fast", lambda: fast)
    assert precision.dtype_policy("auto") == ("mixed_bfloat16" if fast else "float32")
    assert precision.dtype_policy("float32") == "float32"
    assert precision.dtype_policy("mixed_bfloat16") == "mixed_bfloat16"
