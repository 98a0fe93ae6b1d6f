"""Judging: how good the pictures of a generator are, measured against real photos."""

from tfproductgan.keras_settings import choose_tensorflow

choose_tensorflow()
