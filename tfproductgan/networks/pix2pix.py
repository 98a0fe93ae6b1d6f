"""The pix2pix family: a U-Net that makes a picture of a picture, and a discriminator that looks at patches of pairs.

For 28 pixels and powers of two from 32 to 256. Instance normalisation, which in batches of one is the batch
normalisation of the paper, keeps pictures apart. It would take a condition away that is the same all over a map, so
conditions scale and shift what it gives.

References:
    Isola et al., 2017, Image-to-Image Translation with Conditional Adversarial Networks,
    https://arxiv.org/abs/1611.07004; Ronneberger et al., 2015, U-Net, https://arxiv.org/abs/1505.04597; Dumoulin et
    al., 2017, A Learned Representation for Artistic Style, https://arxiv.org/abs/1610.07629 (conditional normalisation)
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.layers.convolution import Conv2D
from tfproductgan.networks.base import (
    PatchDiscriminator,
    TranslatingGenerator,
    build,
    check_counts,
    check_image_size,
    modulated,
    num_doublings,
)


def _check(image_size, **counts):
    check_image_size("pix2pix", image_size)
    check_counts(**counts)


def _conv(filters, stride, name, dtype, transposed=False):
    """A 4x4 convolution, as all of the paper's are."""
    make = layers.Conv2DTranspose if transposed else Conv2D
    weights = keras.initializers.RandomNormal(stddev=0.02)
    return make(
        filters,
        4,
        stride,
        "same",
        data_format="channels_last",
        kernel_initializer=weights,
        name=name,
        dtype=dtype,
    )


def _norm(name, dtype):
    # a group a channel: the statistics of each channel of each picture
    return layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name, dtype=dtype)


@keras.saving.register_keras_serializable(package="tfproductgan")
class UNetGenerator(TranslatingGenerator):
    """Strided convolutions down to a small map, transposed ones back, each beside the map of its size on the way down.

    Args:
        num_ids, channels, source_channels: See `TranslatingGenerator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        embedding_dim: Length of the condition vectors, which scale and shift each stage back. Defaults to 16.
        width: Channels of the first stage; each further one has twice as many. Defaults to 48.
        max_width: Upper limit of the channels of a stage. Defaults to 384.
        dropout: Share of features dropped in the first stage back, in training. Defaults to 0.5.
        source_skip: Whether the picture that came in stands beside a last map of its own size, so that edges can follow
            it pixel by pixel. The paper has none. Defaults to False.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `TranslatingGenerator`.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        source_channels=1,
        embedding_dim=16,
        width=48,
        max_width=384,
        dropout=0.5,
        source_skip=False,
        **kwargs,
    ):
        _check(image_size, embedding_dim=embedding_dim, width=width, max_width=max_width)
        super().__init__(num_ids, image_size, channels, source_channels, **kwargs)
        self.width, self.max_width, self.dropout, self.source_skip = width, max_width, dropout, source_skip
        self.embedding_dim = embedding_dim
        self.embedding = self.make_embedding(embedding_dim)
        widths = [min(max_width, width * 2**k) for k in range(num_doublings(image_size))]
        shapes = self._make_down(widths)
        self._make_up(widths, shapes)
        self.built = True

    def _make_down(self, widths):
        """Make the way down; returns the shapes on it, that of the picture first."""
        policy = self.dtype_policy
        shapes = [(None, self.image_size, self.image_size, self.source_channels)]
        self.down, self.down_norms = [], []
        for stage, filters in enumerate(widths):
            conv = _conv(filters, 2, f"down_{stage}", policy)
            shapes.append(build(conv, shapes[-1]))
            norm = _norm(f"down_norm_{stage}", policy) if stage else None
            if norm is not None:
                norm.build(shapes[-1])
            self.down.append(conv)
            self.down_norms.append(norm)
        return shapes

    def _make_up(self, widths, shapes):
        policy = self.dtype_policy
        shape = shapes[-1]
        self.up, self.up_norms, self.gains_and_biases, self.dropouts = [], [], [], []
        for stage, (filters, beside) in enumerate(zip(widths[-2::-1], shapes[-2:0:-1], strict=True)):
            conv = _conv(filters, 2, f"up_{stage}", policy, transposed=True)
            norm = _norm(f"up_norm_{stage}", policy)
            shape = build(conv, shape)
            norm.build(shape)
            if self.conditional:
                dense = layers.Dense(2 * filters, name=f"gain_and_bias_{stage}", dtype=policy)
                dense.build((None, self.embedding_dim))
                self.gains_and_biases.append(dense)
            shape = (*shape[:-1], shape[-1] + beside[-1])
            # the paper drops features of maps of up to 8 pixels a side, and larger ones only follow here
            dropped = self.dropout and not stage
            self.dropouts.append(
                layers.Dropout(self.dropout, name=f"dropout_{stage}", dtype=policy) if dropped else None
            )
            self.up.append(conv)
            self.up_norms.append(norm)
        self.up_to_source = None
        if self.source_skip:
            self.up_to_source = _conv(max(1, self.width // 2), 2, "up_to_source", policy, transposed=True)
            shape = build(self.up_to_source, shape)
            shape = (*shape[:-1], shape[-1] + self.source_channels)
        # float32, for smooth colours
        stride = 1 if self.source_skip else 2
        self.to_picture = _conv(self.channels, stride, "to_picture", "float32", transposed=not self.source_skip)
        self.to_picture.build(shape)

    def call(self, inputs, training=False):
        """Make pictures."""
        source = x = ops.cast(inputs["source"], self.compute_dtype)
        maps = []
        for conv, norm in zip(self.down, self.down_norms, strict=True):
            x = conv(x)
            x = ops.leaky_relu(x if norm is None else norm(x), 0.2)
            maps.append(x)
        x = maps.pop()
        vectors = self.embedding(inputs["conditions"]) if self.conditional else None
        for stage, (conv, norm, dropout) in enumerate(zip(self.up, self.up_norms, self.dropouts, strict=True)):
            x = norm(conv(x))
            if vectors is not None:
                x = modulated(x, self.gains_and_biases[stage](vectors)[:, None, None, :])
            x = x if dropout is None else dropout(x, training=training)
            x = ops.concatenate([ops.relu(x), maps.pop()], axis=-1)
        if self.up_to_source is not None:
            x = ops.concatenate([ops.relu(self.up_to_source(x)), source], axis=-1)
        return ops.tanh(self.to_picture(x))


@keras.saving.register_keras_serializable(package="tfproductgan")
class PatchGANDiscriminator(PatchDiscriminator):
    """Strided convolutions over both pictures of a pair, then a logit a patch.

    Args:
        num_ids, channels, source_channels: See `PatchDiscriminator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        embedding_dim: Length of the condition vectors, which stand beside the last map. Defaults to 16.
        width: Channels of the first stage; each further one has twice as many. Defaults to 48.
        max_width: Upper limit of the channels of a stage. Defaults to 384.
        num_halvings: Number of strided convolutions. With 3 patches are 70 x 70 pixels, with 2 they are 34 x 34.
            Defaults to 3 from 128 pixels on, else to 2.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `PatchDiscriminator`.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        source_channels=1,
        embedding_dim=16,
        width=48,
        max_width=384,
        num_halvings=None,
        **kwargs,
    ):
        num_halvings = (3 if image_size >= 128 else 2) if num_halvings is None else num_halvings
        _check(image_size, embedding_dim=embedding_dim, width=width, max_width=max_width, num_halvings=num_halvings)
        super().__init__(num_ids, image_size, channels, source_channels, **kwargs)
        self.width, self.max_width, self.num_halvings = width, max_width, num_halvings
        self.embedding_dim = embedding_dim
        policy = self.dtype_policy
        shape = (None, image_size, image_size, source_channels + channels)
        self.convs, self.norms = [], []
        for stage in range(num_halvings + 1):
            filters = min(max_width, width * 2**stage)
            conv = _conv(filters, 2 if stage < num_halvings else 1, f"conv_{stage}", policy)
            shape = build(conv, shape)
            norm = _norm(f"norm_{stage}", policy) if stage else None
            if norm is not None:
                norm.build(shape)
            self.convs.append(conv)
            self.norms.append(norm)
        self.to_logits = _conv(1, 1, "to_logits", "float32")
        self.embedding = self.make_embedding(embedding_dim)
        if self.conditional:
            shape = (*shape[:-1], shape[-1] + embedding_dim)
        self.to_logits.build(shape)
        self.built = True

    def call(self, inputs, training=False):
        """Judge pairs, patch by patch."""
        pair = [ops.cast(inputs[name], self.compute_dtype) for name in ("source", "images")]
        x = ops.concatenate(pair, axis=-1)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = conv(x)
            x = ops.leaky_relu(x if norm is None else norm(x), 0.2)
        if self.conditional:
            vectors = self.embedding(inputs["conditions"])[:, None, None, :]
            x = ops.concatenate([x, ops.tile(vectors, (1, *x.shape[1:3], 1))], axis=-1)
        return self.to_logits(x)[..., 0]


NETWORKS = {"generator": UNetGenerator, "discriminator": PatchGANDiscriminator}
