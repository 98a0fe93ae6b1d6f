import functools

import numpy as np
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks.style import StyleGenerator

IDS = {"conditional": (3, 4), "unconditional": ()}
SMALL = {"width": 8, "num_blocks": 1}


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_generator(translating_generator_check, num_ids):
    translating_generator_check(functools.partial(StyleGenerator, num_ids, image_size=28, source_channels=1, **SMALL))


def test_a_mean_of_two_styles_lies_between_them():
    network = StyleGenerator((4, 0), 16, **SMALL)
    styles = network.embed(np.array([[1, 0], [2, 0], [1, 2]], np.int32))
    np.testing.assert_allclose(styles[2], (styles[0] + styles[1]) / 2, atol=1e-6)


def test_a_style_costs_a_gain_and_a_bias_a_channel():
    """The published number: 1,603 channels, of networks of full width for pictures in colour."""
    few, many = (StyleGenerator((count,), 64, width=32) for count in (3, 4))
    assert many.count_params() - few.count_params() == 3206


@pytest.mark.parametrize("size", [12, 30])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(RecipeError, match=f"multiples of 4 from 16 on. Received: image_size={size}"):
        StyleGenerator((), size)
