"""What `fit` trains: one `keras.Model` with its own `train_step` a task."""

from tfproductgan.keras_settings import check_keras

check_keras()
