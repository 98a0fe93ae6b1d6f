"""Adversarial losses and gradient penalties by name: functions of tensors, in `keras.ops`."""
