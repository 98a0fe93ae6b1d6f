import numpy as np
import pytest
from PIL import Image, ImageSequence

from tfproductgan.errors import RunError
from tfproductgan.sampling.files import read_metadata, write_png
from tfproductgan.sampling.strips import interpolation_strip, write_interpolation_gif

STEPS = 6


@pytest.fixture
def way(painter):
    first, second = painter.plan([{"category": "Ring", "colour": "Gold"}, {"colour": "Navy Blue"}], seed=3)
    return painter.interpolate(first, second, STEPS), first, second, painter.model_id


def test_a_strip_is_one_row_that_knows_its_ends(way, tmp_path):
    _, first, second, _ = way
    strip = interpolation_strip(*way)
    assert strip.width > STEPS * 128 and strip.height < 2 * 128
    metadata = read_metadata(write_png(tmp_path / "strip.png", strip))
    assert metadata["kind"] == "interpolation" and metadata["steps"] == STEPS
    assert metadata["first"] == {"conditions": dict(first.conditions), "seed": 3, "truncation": 1.0}
    assert metadata["second"] == {"conditions": dict(second.conditions), "seed": 4, "truncation": 1.0}


def test_a_gif_goes_there_and_back_for_ever(way, tmp_path):
    path = write_interpolation_gif(tmp_path / "way.gif", *way)
    with Image.open(path) as gif:
        assert gif.info["loop"] == 0
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(gif)]
    assert len(frames) == 2 * STEPS - 2
    for there, back in ((1, -1), (2, -2)):
        np.testing.assert_array_equal(frames[there], frames[back])
    assert np.abs(frames[0] - frames[STEPS - 1]).max() > 100
    assert read_metadata(path)["second"]["conditions"] == dict(way[2].conditions)


def test_a_gif_keeps_white_backgrounds_white_and_colours_close(way, tmp_path):
    with Image.open(write_interpolation_gif(tmp_path / "way.gif", *way)) as gif:
        for number, frame in zip(range(STEPS), ImageSequence.Iterator(gif), strict=False):
            shown = np.asarray(frame.convert("RGB").resize((64, 64), Image.Resampling.BOX)).astype(int)
            assert (shown[0, 0] >= 254).all()
            assert np.abs(shown - way[0][number]).mean() < 3


def test_a_grey_gif(grey_painter, tmp_path):
    first, second = grey_painter.plan([{"category": "Ring"}, {"category": "Mug"}])
    frames = grey_painter.interpolate(first, second, 3)
    path = write_interpolation_gif(tmp_path / "grey.gif", frames, first, second, "m")
    assert read_metadata(path)["steps"] == 3
    with pytest.raises(RunError, match="exists already"):
        write_interpolation_gif(path, frames, first, second, "m")
