"""Smaller and faster forms of a trained model, each tried and judged before it becomes a file."""

from tfproductgan.keras_settings import choose_tensorflow

choose_tensorflow()
