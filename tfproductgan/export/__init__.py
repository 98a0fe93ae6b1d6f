"""Trained models as SavedModels that are asked by name, with cards that say what they are."""

from tfproductgan.keras_settings import choose_tensorflow

choose_tensorflow()
