import keras
import numpy as np
import pytest

import tfproductgan
from tfproductgan.errors import RunError
from tfproductgan.models import loading
from tfproductgan.models.loading import load, shipped_model_path


@pytest.fixture(scope="module")
def run(small_gan, tmp_path_factory):
    """A run directory with a generator, and the GAN beside it."""
    folder = tmp_path_factory.mktemp("run")
    gan = small_gan()
    gan.compile()
    gan.save(folder / "checkpoint.keras")
    gan.trained_generator().save(folder / "generator.keras")
    return gan, folder


def test_a_run_directory_gives_its_generator(run):
    gan, folder = run
    for path in (folder, str(folder), folder / "generator.keras"):
        model = load(path)
        assert isinstance(model, tfproductgan.TrainedGenerator)
        np.testing.assert_array_equal(model.generate(count=2), gan.generate(count=2))


def test_a_checkpoint_gives_the_model_ready_to_go_on(run):
    model = load(run[1] / "checkpoint.keras")
    assert isinstance(model, tfproductgan.ConditionalGAN) and model.compiled


@pytest.mark.parametrize(
    "code",
    [
        "import tfproductgan; model = tfproductgan.load({!r})",
        "import keras; from tfproductgan import TrainedGenerator\n"
        "model = keras.saving.load_model({!r} + '/generator.keras')",
    ],
)
def test_loads_in_a_process_that_knows_no_family_yet(run, code, start, tmp_path):
    program = [
        "import sys",
        "assert 'tfproductgan.networks.mlp' not in sys.modules",
        code.format(str(run[1])),
        "print(model.generate(count=1).shape)",
    ]
    (tmp_path / "program.py").write_text("\n".join(program))
    process = start([tmp_path / "program.py"], said=tmp_path / "said.log")
    process.join()
    said = (tmp_path / "said.log").read_text()
    assert process.exitcode == 0, said
    assert said.splitlines()[-1] == "(1, 6, 6, 1)"


@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_a_damaged_file_is_named(run, tmp_path, damage):
    whole = (run[1] / "generator.keras").read_bytes()
    path = tmp_path / "damaged.keras"
    path.write_bytes({"empty": b"", "text": b"not a model", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(RunError, match=r"damaged.keras cannot be loaded as a model") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(RunError, match=r"No such model: .*nothing"):
        load(tmp_path / "nothing.keras")
    with pytest.raises(RunError, match=r"holds no generator.keras"):
        load(tmp_path)


def test_another_keras_model_is_refused(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(RunError, match="not one that this package trained"):
        load(path)


def test_a_missing_shipped_model_says_how_to_make_one(monkeypatch):
    monkeypatch.setattr(loading, "SHIPPED_MODEL", "no-such-model.keras")
    with pytest.raises(RunError, match=r"holds no no-such-model.keras; train one with `tfproductgan quickstart`"):
        shipped_model_path()
