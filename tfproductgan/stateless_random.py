"""TensorFlow's stateless random numbers without TensorFlow: what `(seed, stream)` gives there, it gives here.

Clients and converted files need the latents of a seed where TensorFlow is not installed. Uniform numbers are equal bit
for bit; normal ones up to the last bit of float32, since mathematical libraries round sines and logarithms differently.

Reference:
    Salmon et al., 2011, Parallel Random Numbers: As Easy as 1, 2, 3 (Philox 4x32-10),
    https://doi.org/10.1145/2063384.2063405
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ROUNDS = 10
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)  # TensorFlow's: with it a seed becomes a key and a counter
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_UPPER, _LOWEST_23 = np.uint64(0xFFFFF), np.uint64(0x7FFFFF)  # what becomes the mantissa of a float64 and a float32
_SMALLEST = np.float32(1e-7)  # keeps the logarithm of a uniform number finite


def stateless_uniform(seeds: Sequence[int] | np.ndarray, stream: int, count: int) -> np.ndarray:
    """`tf.random.stateless_uniform([count], [seed, stream], dtype="float64")` of each seed.

    Args:
        seeds: From 0 to 2**63 - 1.
        stream: Tells apart what the numbers are for, 0 or more.
        count: Numbers a seed.

    Returns:
        From 0 up to but not 1, float64 `[len(seeds), count]`.
    """
    bits = _bits(seeds, stream, 2 * count)[:, : 2 * count]
    return (((bits[:, 0::2] & _UPPER) << _HALF) | bits[:, 1::2]).astype(np.float64) * 2.0**-52


def stateless_normal(seeds: Sequence[int] | np.ndarray, stream: int, count: int) -> np.ndarray:
    """`tf.random.stateless_normal([count], [seed, stream])` of each seed: float32 `[len(seeds), count]`.

    Args:
        seeds: From 0 to 2**63 - 1.
        stream: Tells apart what the numbers are for, 0 or more.
        count: Numbers a seed.
    """
    # Box and Muller, rounded to float32 wherever TensorFlow does
    fractions = (_bits(seeds, stream, count) & _LOWEST_23).astype(np.float64) * 2.0**-23
    logarithm = np.log(np.maximum(fractions[:, 0::2], _SMALLEST)).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * logarithm)
    angle = (2 * np.pi * fractions[:, 1::2]).astype(np.float32).astype(np.float64)
    normal = np.empty(fractions.shape, np.float32)
    normal[:, 0::2] = np.sin(angle).astype(np.float32) * radius
    normal[:, 1::2] = np.cos(angle).astype(np.float32) * radius
    return normal[:, :count]


def _bits(seeds, stream, count):
    """Random 32 bits, as uint64 `[len(seeds), count rounded up to a multiple of 4]`."""
    seeds = np.asarray(seeds, np.int64).reshape(-1).astype(np.uint64)
    streams = np.full_like(seeds, stream)
    scrambled = _philox([seeds & _LOW, seeds >> _HALF, streams & _LOW, streams >> _HALF], _SCRAMBLING_KEY)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)[None, :]
    column = [part[:, None] for part in scrambled]
    counter = [blocks, np.zeros_like(blocks), column[2], column[3]]
    parts = np.broadcast_arrays(*_philox(counter, column[:2]))
    return np.stack(parts, axis=-1).reshape(len(seeds), 4 * blocks.size)


def _philox(counter, key):
    """Four words of 32 bits from a counter of four and a key of two, each an uint64 array."""
    first, second, third, fourth = counter
    keys = [np.asarray(part, np.uint64) for part in key]
    for _ in range(_ROUNDS):
        left, right = first * _MULTIPLIERS[0], third * _MULTIPLIERS[1]
        first, second = (right >> _HALF) ^ second ^ keys[0], right & _LOW
        third, fourth = (left >> _HALF) ^ fourth ^ keys[1], left & _LOW
        keys = [(part + step) & _LOW for part, step in zip(keys, _WEYL, strict=True)]
    return first, second, third, fourth
