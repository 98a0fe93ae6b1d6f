"""How far pictures are from others in what a network sees in them: its features, and how these go together.

References:
    Gatys et al., 2016, Image Style Transfer Using Convolutional Neural Networks; Gatys et al., 2017, Controlling
    Perceptual Factors in Neural Style Transfer, https://arxiv.org/abs/1611.07865 (masks); Mahendran and Vedaldi, 2015,
    https://arxiv.org/abs/1412.0035 (total variation); Zhang et al., 2018, The Unreasonable Effectiveness of Deep
    Features as a Perceptual Metric, https://arxiv.org/abs/1801.03924 (distances of maps)
"""

from __future__ import annotations

from keras import ops


def gram(features, mask=None):
    """How features go together, wherever they are: the mean over positions of their products.

    Args:
        features: `[B, H, W, C]`.
        mask: What each position counts, `[1 or B, H, W, 1]`, 0 to 1; by default 1.

    Returns:
        `[B, C, C]`: features x features / (H W), or the sum of the mask in the place of H W.
    """
    height, width, channels = features.shape[1:]
    flat = ops.reshape(features, (-1, height * width, channels))
    if mask is None:
        return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / (height * width)
    weights = ops.reshape(mask, (-1, height * width, 1))
    total = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1e-6)
    return ops.matmul(ops.transpose(flat * weights, (0, 2, 1)), flat) / total


def style_loss(gram_of_picture, gram_of_style):
    """How far two Gram matrices `[B, C, C]` are apart: the mean square of the difference over C squared, `[B]`."""
    channels = gram_of_picture.shape[-1]
    return ops.mean(ops.square(gram_of_picture - gram_of_style), axis=(1, 2)) / channels**2


def content_loss(features, wanted):
    """How far features `[B, H, W, C]` are from those of a photo: the mean square of the difference, `[B]`."""
    return ops.mean(ops.square(features - wanted), axis=(1, 2, 3))


def maps_distance(maps, wanted):
    """How far pictures are from photos in the maps of several layers, as LPIPS without weights of people's answers.

    Channels are scaled to length 1 at each position; squared differences are averaged over positions and layers.

    Args:
        maps: A list of `[B, H, W, C]`.
        wanted: Those of the photos, `[1 or B, H, W, C]` each.

    Returns:
        `[B]`: 0 for equal pictures.
    """
    pairs = zip(maps, wanted, strict=True)
    layers = [ops.mean(ops.sum(ops.square(_unit(a) - _unit(b)), axis=-1), axis=(1, 2)) for a, b in pairs]
    return sum(layers) / len(layers)


def _unit(maps):
    return maps * ops.rsqrt(ops.sum(ops.square(maps), axis=-1, keepdims=True) + 1e-6)


def total_variation(images):
    """How rough pictures `[B, H, W, C]` are: mean squares of the steps along rows and along columns, summed, `[B]`."""
    rows = ops.square(images[:, 1:] - images[:, :-1])
    columns = ops.square(images[:, :, 1:] - images[:, :, :-1])
    return ops.mean(rows, axis=(1, 2, 3)) + ops.mean(columns, axis=(1, 2, 3))
