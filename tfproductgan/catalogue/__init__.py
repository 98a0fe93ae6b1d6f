"""Where photos and their labels come from: folders, tables, TFDS, arrays, the built-in studio."""

from tfproductgan.keras_settings import choose_tensorflow

choose_tensorflow()
