"""Which number format to compute in on this machine."""

from __future__ import annotations

import functools

import tensorflow as tf

from tfproductgan.machine import processor_flags

# AMX and AVX512-BF16 multiply bfloat16 in hardware; elsewhere it is emulated and slower than float32
_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


@functools.cache
def bfloat16_is_fast() -> bool:
    """Whether this machine's GPU or processor has bfloat16 arithmetic of its own."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return capability >= (8, 0)
    if tf.config.list_logical_devices("TPU"):
        return True
    return not _BFLOAT16_FLAGS.isdisjoint(processor_flags())


def dtype_policy(precision: str) -> str:
    """The Keras dtype policy of a recipe's precision: `"auto"` is decided by `bfloat16_is_fast`."""
    if precision == "auto":
        return "mixed_bfloat16" if bfloat16_is_fast() else "float32"
    return precision
