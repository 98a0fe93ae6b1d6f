import io
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import ConditionError, MissingExtraError, RecipeError
from tfproductgan.sampling.files import read_metadata
from tfproductgan.training import callbacks
from tfproductgan.training.callbacks import JsonLines, Progress, SampleGrid, TranslationGrid, duration

BATCH = 4


class Counter(keras.Model):
    """Counts images as our models do, learns nothing, and draws with a painter."""

    def __init__(self, painter):
        super().__init__()
        self.painter = painter
        self.schema, self.model_id = painter.schema, painter.model_id
        self.images_seen = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False)
        self.built = True

    def plan(self, *args, **kwargs):
        return self.painter.plan(*args, **kwargs)

    def draw(self, requests):
        return self.painter.draw(requests)

    def train_step(self, data):
        self.images_seen.assign_add(tf.shape(data)[0])
        return {"d_loss": 0.5, "images": self.images_seen.value}

    def test_step(self, data):
        return {"d_loss": 0.25}


@pytest.fixture
def counter(painter):
    model = Counter(painter)
    model.compile()
    return model


def fit(model, callback, steps=5, epochs=2, **kwargs):
    photos = tf.data.Dataset.from_tensors(np.zeros((BATCH, 2))).repeat()
    options = {"steps_per_epoch": steps, "epochs": epochs, "callbacks": [callback], "verbose": 0, "shuffle": False}
    model.fit(photos, **options, **kwargs)


# === SampleGrid ===


def grids(directory):
    return sorted(path.name for path in (directory / "grids").iterdir())


def test_a_grid_at_every_epochs_end(counter, tmp_path):
    fit(counter, SampleGrid(tmp_path / "grids", columns=2))
    assert grids(tmp_path) == ["images-000000020.png", "images-000000040.png"]


def test_grids_every_so_many_images_and_at_the_end(counter, tmp_path):
    fit(counter, SampleGrid(tmp_path / "grids", columns=2, every_images=10))
    # batches of 4: seen when a multiple of 10 was passed
    assert grids(tmp_path) == [f"images-{n:09d}.png" for n in (12, 20, 32, 40)]
    fit(counter, SampleGrid(tmp_path / "grids", columns=2, every_images=100), steps=1, epochs=1)
    assert grids(tmp_path)[-1] == "images-000000044.png"


def test_every_grid_asks_for_the_same(counter, tmp_path):
    rows = [{"category": "Ring", "colour": "gold"}, {"view": "Side"}]
    fit(counter, SampleGrid(tmp_path / "grids", rows, columns=3, seed=5))
    first, second = [read_metadata(tmp_path / "grids" / name) for name in grids(tmp_path)]
    assert first["pictures"] == second["pictures"]
    assert first["rows"] == ["Ring, gold", "Side"] and first["columns"] == ["seed 5", "seed 6", "seed 7"]


def test_without_rows_the_catalogue_decides(counter, tmp_path):
    fit(counter, SampleGrid(tmp_path / "grids", columns=2), epochs=1)
    rows = read_metadata(tmp_path / "grids" / "images-000000020.png")["rows"]
    assert len(rows) == 8 and {row.split(",")[0] for row in rows[:3]} == {"Ring", "Mug", "Sports Shoes"}


def test_a_wrong_row_stops_the_training_before_it_starts(counter, tmp_path):
    with pytest.raises(ConditionError, match="Unknown category 'Rng'"):
        fit(counter, SampleGrid(tmp_path / "grids", [{"category": "Rng"}]))
    assert int(counter.images_seen) == 0


def test_grids_in_tensorboard(counter, tmp_path):
    pytest.importorskip("tensorboard")
    fit(counter, SampleGrid(tmp_path / "grids", columns=2, log_dir=tmp_path / "logs"))
    events = []
    for path in sorted((tmp_path / "logs").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            events.append(tf.compat.v1.Event.FromString(record.numpy()))
    shown = {event.step: value.tag for event in events for value in event.summary.value}
    assert shown == {20: "samples", 40: "samples"}


def test_tensorboard_is_asked_for_at_once(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tfproductgan\[tensorboard\]'"):
        SampleGrid(tmp_path / "grids", log_dir=tmp_path)


def test_an_interval_is_at_least_one_image(tmp_path):
    with pytest.raises(RecipeError, match="every_images is a number of images from 1"):
        SampleGrid(tmp_path / "grids", every_images=0)


# === TranslationGrid ===


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_are_shown_with_what_is_made_of_them(counter, tmp_path, channels):
    images, sources = np.full((9, 8, 8, 3), 200, np.uint8), np.full((9, 8, 8, channels), 50, np.uint8)
    images[..., 0] = np.arange(9)[:, None, None]  # not grey, and no two alike
    splits = ["train"] * 6 + ["validation"] * 3
    pairs = Catalogue.from_arrays(images, {}, splits, sources=sources, image_size=8, cache=False)
    counter.translate_squares = lambda sources, ids: np.repeat(255 - sources[..., :1], 3, axis=3)
    fit(counter, TranslationGrid(tmp_path / "grids", pairs))
    assert grids(tmp_path) == ["images-000000020.png", "images-000000040.png"]
    picture = np.asarray(Image.open(tmp_path / "grids" / "images-000000040.png"))
    shown = {tuple(map(int, colour)) for colour in np.unique(picture.reshape(-1, 3), axis=0)}
    assert {(50, 50, 50), (205, 205, 205), *((number, 200, 200) for number in (6, 7, 8))} <= shown


# === JsonLines ===


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_of_plain_numbers_at_every_epochs_end(counter, tmp_path):
    path = tmp_path / "logs" / "metrics.jsonl"
    fit(counter, JsonLines(path), validation_data=tf.data.Dataset.from_tensors(np.zeros((BATCH, 2))))
    first, second = lines(path)
    assert first.keys() == {"images_seen", "time", "d_loss", "images", "val_d_loss"}
    assert (first["images_seen"], second["images_seen"]) == (20, 40)
    assert (first["d_loss"], first["val_d_loss"]) == (0.5, 0.25)


def test_a_line_every_so_many_images(counter, tmp_path):
    fit(counter, JsonLines(tmp_path / "m.jsonl", every_images=16))
    assert [line["images_seen"] for line in lines(tmp_path / "m.jsonl")] == [16, 32, 40]


def test_resuming_drops_what_will_be_written_again(counter, tmp_path):
    path = tmp_path / "m.jsonl"
    fit(counter, JsonLines(path), epochs=3)
    kept = lines(path)[:2]
    with path.open("a") as file:
        file.write('{"images_seen": 1')  # the process died here
    counter.images_seen.assign(45)
    fit(counter, JsonLines(path), epochs=1)
    assert lines(path)[:2] == kept
    assert [line["images_seen"] for line in lines(path)] == [20, 40, 65]


def test_what_is_not_finite_is_null(tmp_path):
    lines_of = JsonLines(tmp_path / "m.jsonl")
    lines_of.report(1, {"d_loss": float("nan"), "g_loss": np.float32("inf")})
    assert '"d_loss": null, "g_loss": null' in (tmp_path / "m.jsonl").read_text()


# === Progress ===


@pytest.fixture
def clock(monkeypatch):
    """The time of the callbacks, to be set by a test."""
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(callbacks, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def watch(progress, clock, steps=100, epochs=2, seconds_a_step=1.0, first_step=20.0):
    """Drive a callback through a training of 32 images a step, of which the first takes longer."""
    model = types.SimpleNamespace(images_seen=0)
    progress.set_model(model)
    progress.set_params({"steps": steps, "epochs": epochs})
    progress.on_train_begin()
    for epoch in range(epochs):
        progress.on_epoch_begin(epoch)
        for step in range(steps):
            clock.now += first_step if epoch == step == 0 else seconds_a_step
            model.images_seen += 32
            progress.on_train_batch_end(step, {"d_loss": 0.123456})
    progress.on_train_end()


def plain(**kwargs):
    output = io.StringIO()
    return Progress(console=Console(file=output, width=60), **kwargs), output


def test_elsewhere_than_on_a_terminal_there_is_a_line_now_and_then(clock):
    progress, output = plain(every_seconds=50)
    watch(progress, clock)
    shown = output.getvalue().splitlines()
    # 219 seconds; the slow first step does not count into the pace
    assert shown[0] == "992 of 6,400 images, 32.0 images/s, 2 min 49 s left, d_loss 0.123"
    assert len(shown) == 5
    assert shown[-1] == "6,400 images in 3 min 39 s, 29.2 images/s"


def test_the_end_can_be_given_in_images(clock):
    progress, output = plain(every_seconds=50, total_images=3200)
    watch(progress, clock, steps=None, epochs=0)
    assert output.getvalue() == "Nothing left to train.\n"
    progress.set_params({"steps": None, "epochs": 1})
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    for step in range(60):
        clock.now += 1
        progress.model.images_seen += 32
        progress.on_train_batch_end(step)
    assert output.getvalue().splitlines()[1] == "1,600 of 3,200 images, 32.0 images/s, 50 s left"


def test_without_a_known_end_there_is_no_time_left(clock):
    progress, output = plain(every_seconds=50)
    progress.set_model(types.SimpleNamespace(images_seen=0))
    progress.set_params({"steps": None, "epochs": 3})
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    for step in range(60):
        clock.now += 1
        progress.model.images_seen += 32
        progress.on_train_batch_end(step)
    assert output.getvalue() == "1,600 images, 32.0 images/s\n"


def test_means_of_a_few_steps_are_not_shown(clock):
    progress, output = plain(every_seconds=1)
    progress.set_model(types.SimpleNamespace(images_seen=0))
    progress.set_params({"steps": 20, "epochs": 2})
    progress.on_train_begin()
    for epoch in range(2):
        progress.on_epoch_begin(epoch)
        for step in range(20):
            clock.now += 1
            progress.on_train_batch_end(step, {"r1": 0.5 if step > 2 else 0.0})
    shown = [line.rpartition(" ")[2] for line in output.getvalue().splitlines()]
    assert shown == ["0"] * 8 + ["0.5"] * 32


def test_on_a_terminal_one_line_is_drawn_again_and_the_cursor_stays(clock):
    output = io.StringIO()
    terminal = Console(file=output, force_terminal=True, width=100, color_system=None, legacy_windows=False)
    watch(Progress(console=terminal), clock)
    shown = output.getvalue()
    assert "3,200 of 6,400 images, 32.0 images/s, 1 min 40 s left, d_loss 0.123" in shown
    assert shown.count("\n") < 5
    drawn = [line for line in shown.split("\r") if "images/s" in line]
    assert all("\u2501" * 9 in line and len(line) < 110 for line in drawn[len(drawn) // 2 : -2])  # with its bar
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert shown.endswith("6,400 images in 3 min 39 s, 29.2 images/s\n")


def test_progress_through_fit(counter):
    progress, output = plain(every_seconds=0)
    fit(counter, progress)
    shown = output.getvalue().splitlines()
    assert shown[0].startswith("4 of 40 images, d_loss 0.5")
    assert shown[-1].startswith("40 images in ")


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (1234, "20 min"),
        (5340, "1 h 29 min"),
        (3600 * 50, "2 d 2 h"),
    ],
)
def test_a_duration_is_told_in_what_matters(seconds, words):
    assert duration(seconds) == words


def test_grids_can_be_looked_at_while_training_goes_on(counter, tmp_path):
    fit(counter, SampleGrid(tmp_path / "grids", columns=2))
    with Image.open(tmp_path / "grids" / "images-000000040.png") as grid:
        assert grid.width > 2 * 128
    assert not [path for path in (tmp_path / "grids").iterdir() if path.suffix != ".png"]
