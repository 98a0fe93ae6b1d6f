import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models.translator import Translator


class Centred(Translator):
    """Takes half of each tile's mean away, so that tiles differ where they meet."""

    model_id = "centred-1"
    schema = ConditionSchema([Attribute("category", ("Ring",))], 16, 1, source_channels=1)

    def translate_squares(self, sources, ids):
        assert sources.shape[1:] == (16, 16, 1) and (ids == 1).all() and len(ids) == len(sources)
        mean = sources.mean(axis=(1, 2, 3), keepdims=True)
        return np.rint(sources - mean / 2).astype(np.uint8)


class Same(Centred):
    """Gives back what it is given."""

    def translate_squares(self, sources, ids):
        return sources


@pytest.mark.parametrize("shape", [(16, 16), (50, 33), (7, 40), (9, 5), (17, 16)])
def test_tiles_cover_every_pixel_and_leave_pictures_of_any_size_theirs(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(Same().translate_in_tiles(picture)[..., 0], picture)


def test_tiles_that_differ_fade_into_each_other():
    ramp = np.linspace(60, 250, 120).astype(np.uint8)[None].repeat(40, axis=0)
    made = Centred().translate_in_tiles(ramp, {"category": "ring"})[..., 0].astype(int)
    # a seam would be half of the difference between the means of neighbours, 6 levels
    assert np.abs(np.diff(made, axis=1)).max() <= 4 and np.abs(np.diff(made, axis=0)).max() <= 1
