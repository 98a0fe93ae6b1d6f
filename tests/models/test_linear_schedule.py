import keras
import pytest

from tfproductgan.models.linear_schedule import HoldThenLinear


def test_rates_stay_for_half_of_the_steps_and_then_fall_in_a_line():
    schedule = HoldThenLinear(0.2, 100, alpha=0.1)
    rates = [float(schedule(step)) for step in (0, 50, 75, 100, 120)]
    assert rates == pytest.approx([0.2, 0.2, 0.11, 0.02, 0.02])
    read = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert float(read(75)) == rates[2]
