"""What `fit` trains: one `keras.Model` with its own `train_step` a task."""
