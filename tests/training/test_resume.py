"""A training that was stopped, however, goes on as if nothing had been."""

import contextlib
import datetime
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import socket
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError, RunError, TrainingStopped
from tfproductgan.training.checkpoints import Best, Checkpoints, Note, step_of
from tfproductgan.training.stopping import StopSignals

HERE = Path(__file__).parent


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


resumable = _module(HERE / "resumable.py")
RANDOM = random.SystemRandom()  # `random` itself is seeded by every training
BATCH, STEPS = resumable.BATCH, resumable.STEPS
SHORT = resumable.LITTLE.replace(images=12 * BATCH)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    resumable.train(path)
    return path


@pytest.fixture(scope="module")
def undisturbed_little(tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    resumable.train(path, resumable.LITTLE)
    return path


def short(path, recipe=SHORT, every=4 * BATCH, **options):
    """Three intervals of four steps."""
    return resumable.train(path, recipe, every, **options)


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("short") / "run"
    short(path)
    return path


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory):
    """Told to stop in the sixth step."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(TrainingStopped, match="Saved at 48 images") as stopped:
        short(path, callbacks=stop_at(6))
    assert stopped.value.exit_code == 143
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    return path


@pytest.fixture
def run(stopped_run, tmp_path):
    """A run stopped after the sixth step, with checkpoints after the fourth and the sixth."""
    return shutil.copytree(stopped_run, tmp_path / "run")


@pytest.fixture
def gan():
    return compiled(SHORT)


def compiled(recipe):
    gan = tpg.ConditionalGAN.from_recipe(recipe, resumable.catalogue().schema)
    gan.compile()
    return gan


def checkpoint(run, step):
    return run / "checkpoints" / f"step-{step:09d}.keras"


def saved(run):
    """The steps of a run's checkpoints."""
    return [step_of(file) for file in Checkpoints(run / "checkpoints").files]


def assert_same_generator(mine, theirs):
    here, there = (resumable.contents(run / "generator.keras") for run in (mine, theirs))
    for name, value in there.items():
        np.testing.assert_array_equal(here[name], value)


class At(keras.callbacks.Callback):
    """Does something during a step."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action = step, action

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == self.step - 1:
            self.action()


def stop_at(step):
    return [At(step, lambda: os.kill(os.getpid(), signal.SIGTERM))]


# === Killed ===


@pytest.fixture
def killed(start):
    """Start a training, kill it some seconds after its next checkpoint; whether that was before its end."""

    def killed(recipe, run, moment, while_writing=False):
        before = saved(run)
        process = start(program(recipe, run, "0.01"))
        try:
            while process.is_alive() and saved(run) == before:
                time.sleep(0.01)
            time.sleep(moment)
            while while_writing and process.is_alive() and not half_written(run):
                pass
        finally:
            process.kill()
            process.join()
        return process.exitcode == -signal.SIGKILL

    return killed


def half_written(run):
    return [path.name for path in (run / "checkpoints").glob(".*")]


def program(*words):
    return [HERE / "resumable.py", *words]


def test_killed_at_a_random_moment_and_repeated_equals_undisturbed(undisturbed, killed, tmp_path):
    moment = RANDOM.uniform(0, 1)
    was_killed = killed("everything", tmp_path / "run", moment)
    print(f"killed {moment:.3f} s after the first checkpoint: {was_killed}; checkpoints: {saved(tmp_path / 'run')}")
    assert resumable.train(tmp_path / "run").step == STEPS
    resumable.assert_same_run(tmp_path / "run", undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("while_writing", [False, True])
@pytest.mark.parametrize("number", range(5))
def test_killed_again_and_again(undisturbed_little, start, killed, tmp_path, number, while_writing):
    run = tmp_path / "run"
    for moment in (RANDOM.uniform(0, 2), RANDOM.uniform(0, 1)):
        was_killed = killed("little", run, moment, while_writing)
        print(f"killed {moment:.3f} s after: {was_killed}, checkpoints {saved(run)}, half-written {half_written(run)}")
    process = start(program("little", run))
    process.join()
    assert process.exitcode == 0
    assert not half_written(run)
    resumable.assert_same_run(run, undisturbed_little)


# === Two workers ===


@pytest.fixture(scope="module")
def workers(start):
    """Two processes that train together, killed at the end of a `with` block if they still run."""

    @contextlib.contextmanager
    def workers(run, *words):
        ports = free_ports(2)
        logs = [run.with_name(f"worker-{index}.log") for index in range(2)]
        processes = [
            start(program("little", run, *words), {"TF_CONFIG": json.dumps(configuration(ports, index))}, logs[index])
            for index in range(2)
        ]
        try:
            yield processes
        finally:
            for process, log in zip(processes, logs, strict=True):
                process.kill()
                process.join()
                print(f"{log.name}:", *log.read_text(errors="replace").splitlines()[-30:], sep="\n")

    return workers


def exit_codes(processes):
    for process in processes:
        process.join(timeout=300)
    return [process.exitcode for process in processes]


def configuration(ports, index):
    workers = [f"localhost:{port}" for port in ports]
    return {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(condition, seconds=200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed_pair(workers, tmp_path_factory):
    run = tmp_path_factory.mktemp("pair") / "run"
    with workers(run) as processes:
        assert exit_codes(processes) == [0, 0]
    return run


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_two_workers_killed_at_a_random_moment(undisturbed_pair, workers, tmp_path, number):
    run, moment = tmp_path / "run", RANDOM.uniform(0, 2)
    with workers(run, "0.01"):
        wait_for(lambda: saved(run))
        time.sleep(moment)
    print(f"killed {moment:.3f} s after the first checkpoint: {saved(run)}, half-written {half_written(run)}")
    with workers(run) as processes:
        assert exit_codes(processes) == [0, 0]
    resumable.assert_same_run(run, undisturbed_pair)


@pytest.mark.slow
@pytest.mark.parametrize("told", [0, 1])
def test_two_workers_stop_after_the_same_step_whoever_is_told(undisturbed_pair, workers, tmp_path, told):
    run = tmp_path / "run"
    with workers(run, "0.02") as processes:
        wait_for(lambda: saved(run))
        processes[told].terminate()
        assert exit_codes(processes) == [143, 143]
    print(f"stopped: {saved(run)}")
    with workers(run) as processes:
        assert exit_codes(processes) == [0, 0]
    # the means of the interval it stopped in are summed in another order: each replica goes on from half the sum
    resumable.assert_same_run(run, undisturbed_pair, rounding_of_curves=1e-5)


# === Told to stop ===


def test_a_signal_finishes_the_step_and_saves(run, short_run):
    assert saved(run) == [4, 6]
    short(run)
    resumable.assert_same_run(run, short_run)


def test_a_signal_at_the_end_of_an_interval_writes_its_line_first(tmp_path):
    with pytest.raises(TrainingStopped):
        short(tmp_path / "run", callbacks=stop_at(8))
    assert saved(tmp_path / "run") == [4, 8]
    assert [line["images_seen"] // BATCH for line in resumable.curves(tmp_path / "run")] == [4, 8]


def test_ctrl_c_is_noted_and_a_second_one_ends_at_once(capfd):
    with StopSignals() as signals, pytest.raises(KeyboardInterrupt):
        assert signals.received is None
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == signal.SIGINT
        os.kill(os.getpid(), signal.SIGINT)
    assert "finishing this step and saving; once more ends at once" in capfd.readouterr().err
    assert TrainingStopped(signal.SIGINT, 1).exit_code == 130


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGINT)
            assert signals.received is None
    finally:
        signal.signal(signal.SIGINT, before)


# === Goes on otherwise than before ===


def test_another_interval_changes_no_bit_and_no_length(run, short_run):
    assert short(run, every=5 * BATCH).step == 12
    assert [line["images_seen"] // BATCH for line in resumable.curves(run)] == [4, 10, 12]
    assert_same_generator(run, short_run)


def test_a_checkpoint_at_any_time(run, short_run):
    assert short(run, every=datetime.timedelta(microseconds=1), keep=4).step == 12
    # lines and grids come with the intervals in images, whatever the time
    assert saved(run) == [9, 10, 11, 12]
    assert [line["images_seen"] // BATCH for line in resumable.curves(run)] == [4, 12]
    assert_same_generator(run, short_run)


def test_a_finished_run_made_longer_says_what_that_means(short_run, tmp_path, capsys):
    run = shutil.copytree(short_run, tmp_path / "run")
    assert short(run, SHORT.replace(images=20 * BATCH)).step == 20
    said = capsys.readouterr().out
    assert "made for 96 images and goes on to 160, with the learning rates of the longer schedule" in said
    with pytest.raises(RunError, match="images was 160, now 96"):
        short(run)


def test_a_finished_run_says_so_and_writes_nothing(short_run, capsys):
    before = sorted(path.stat().st_mtime_ns for path in (short_run / "checkpoints").iterdir())
    assert short(short_run).step == 12
    assert "Finished before, after 96 images: nothing left to train." in capsys.readouterr().out
    assert sorted(path.stat().st_mtime_ns for path in (short_run / "checkpoints").iterdir()) == before


def test_other_threads_are_told(run, gan, monkeypatch):
    assert Checkpoints(run / "checkpoints").restore(gan).remarks == ()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "77")
    [remark] = Checkpoints(run / "checkpoints").restore(gan).remarks
    assert remark.startswith("Not computed as before (threads was ")
    assert remark.endswith("now 77): weights will not equal those of an undisturbed run to the last bit.")


# === Kept, damaged, foreign ===


def test_the_newest_and_the_best_are_kept(tmp_path, gan):
    def save(step, value, **options):
        gan._step.assign(step)
        Checkpoints(tmp_path / "checkpoints", **options).save(gan, Note.of(gan, True), {"val_logit_gap": value})

    for step, value in enumerate([3.0, 1.0, 2.0, float("nan"), 1.5], start=1):
        save(step, value, best=Best.parse("val_logit_gap"))
    assert saved(tmp_path) == [2, 4, 5]
    # better by something else: the old best has no claim any more
    save(6, 0.0, best=Best.parse("max:val_logit_gap"))
    assert saved(tmp_path) == [5, 6]


def test_the_best_of_a_run_can_be_asked_for_pictures(tmp_path):
    recipe = SHORT.replace(batch_size=2, images=24)  # few enough for a validation
    short(tmp_path / "run", recipe, every=8, best="max:val_d_loss", keep=1)
    best = json.loads((tmp_path / "run" / "checkpoints" / "best.json").read_text())
    values = [line["val_d_loss"] for line in resumable.curves(tmp_path / "run")]
    assert best["value"] == max(values) and best["step"] == 4 * (1 + values.index(max(values)))
    assert tpg.load(tmp_path / "run" / "checkpoints" / best["file"]).generate(count=1).shape == (1, 16, 16, 3)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"best": "val_logits"}, "The validation has no value 'val_logits': did you mean 'val_logit_gap'"),
        ({"best": "least:val_logit_gap"}, "min:METRIC or max:METRIC"),
        ({"best": "val_logit_gap", "recipe": SHORT}, "no validation to find the best checkpoint by val_logit_gap"),
        ({"keep": 0}, "At least 1 checkpoint must be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_run_starts(tmp_path, options, said):
    with pytest.raises(RecipeError, match=said):
        short(tmp_path / "run", **{"recipe": SHORT.replace(batch_size=2), **options})
    assert not (tmp_path / "run").exists()


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, flip_a_bit, empty])
def test_a_damaged_checkpoint_is_passed_over(run, gan, harm):
    harm(checkpoint(run, 6))
    [remark] = Checkpoints(run / "checkpoints").restore(gan).remarks
    assert remark.startswith("step-000000006.keras is damaged (")
    assert remark.endswith("): going on from step-000000004.keras, the one before.")
    assert gan.step == 4


def test_a_run_goes_on_before_a_damaged_checkpoint(run, short_run, capsys):
    cut(checkpoint(run, 6))
    (run / "checkpoints" / ".step-000000006.123.part.keras").write_bytes(b"half")
    short(run)
    assert "step-000000006.keras is damaged" in capsys.readouterr().out
    assert not half_written(run)
    resumable.assert_same_run(run, short_run)


def test_if_all_are_damaged_nothing_is_thrown_away(run):
    for step in (4, 6):
        cut(checkpoint(run, step))
    with pytest.raises(RunError, match=r"No checkpoint in .* can be read: step-000000006.keras is damaged") as error:
        short(run)
    assert "\n" not in str(error.value)
    assert saved(run) == [4, 6]


def test_a_checkpoint_of_another_recipe_is_refused(run):
    with pytest.raises(RunError, match=r"of another recipe: label_dropout was 0\.1, now 0\.3"):
        Checkpoints(run / "checkpoints").restore(compiled(SHORT.replace(label_dropout=0.3)))


def test_a_checkpoint_of_another_schema_is_refused_though_its_weights_fit(run):
    schema = resumable.catalogue().schema
    [first, *others] = schema.attributes
    renamed = Attribute(first.name, ("Something else", *first.values[1:]))
    gan = tpg.ConditionalGAN.from_recipe(SHORT, ConditionSchema([renamed, *others], schema.image_size, schema.channels))
    gan.compile()
    said = f"of another schema: of {first.name} {first.values[0]} gone, of {first.name} Something else new. Remove it"
    with pytest.raises(RunError, match=said):
        Checkpoints(run / "checkpoints").restore(gan)


def test_a_checkpoint_of_a_newer_version_is_refused(run, gan):
    with zipfile.ZipFile(checkpoint(run, 6)) as archive:
        note = archive.read("tfproductgan.json")
    newer = note.replace(b'"format": 2, "step"', b'"format": 99, "step"').replace(
        b'"written_by": "', b'"written_by": "9'
    )
    with zipfile.ZipFile(checkpoint(run, 6), "w") as archive:
        archive.writestr("tfproductgan.json", newer)
    with pytest.raises(RunError, match=r"step-000000006.keras was written by tfproductgan 9\S*, and this is"):
        Checkpoints(run / "checkpoints").restore(gan)


def test_a_model_in_the_place_of_a_checkpoint_is_refused(run, gan):
    gan.save(checkpoint(run, 7))
    with pytest.raises(RunError, match=r"is a .keras file, but no checkpoint of a training"):
        Checkpoints(run / "checkpoints").restore(gan)


# === No room ===


@pytest.fixture
def small_disk():
    """No file can grow beyond what the function is called with."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_room_for_a_checkpoint_keeps_the_others(run, gan, small_disk):
    gan._step.assign(7)
    checkpoints = Checkpoints(run / "checkpoints")
    small_disk(checkpoint(run, 6).stat().st_size // 2)
    with pytest.raises(RunError) as error, checkpoints.told_when_writing_fails():
        checkpoints.save(gan, Note.of(gan, True))
    small_disk(resource.RLIM_INFINITY)
    said = str(error.value)
    assert "step-000000007.keras': File too large. step-000000006.keras is kept: the same command goes on from" in said
    assert "\n" not in said
    assert saved(run) == [4, 6] and not half_written(run)


def test_no_room_for_anything_stops_the_training(run, small_disk):
    with pytest.raises(RunError, match=r"^Cannot write '.*': File too large. step-000000006.keras is kept"):
        short(run, callbacks=[At(8, lambda: small_disk(100))])
    small_disk(resource.RLIM_INFINITY)
    assert saved(run) == [4, 6] and not list(run.rglob(".*"))


# === Plain Keras ===


def test_callbacks_of_keras_save_and_go_on_too(tmp_path):
    def fit(epochs, *callbacks):
        gan = compiled(SHORT)
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)
        stream = resumable.catalogue().stream("train", batch_size=BATCH)
        gan.fit(stream, steps_per_epoch=2, epochs=epochs, verbose=0, callbacks=[backup, *callbacks])
        return gan

    fit(1)
    gan = fit(3, keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")))
    assert gan.step == 6
    assert sorted(path.name for path in tmp_path.glob("*.keras")) == ["2.keras", "3.keras"]
    loaded = keras.saving.load_model(tmp_path / "3.keras")
    for mine, theirs in zip(loaded.weights, gan.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=theirs.path)
