"""The DCGAN family: convolutional generator and discriminator for 28 pixels and powers of two up to 256.

In the modern form the generator is modulated by latents and condition at every size and the discriminator has
no normalisation, as relativistic losses with R1 and R2 penalties want. The classic form follows the paper:
transposed convolutions and batch normalisation in both networks, the condition as one more input; unlike there, a
3x3 convolution at full size makes the colours.

References:
    Radford et al., 2016, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
    Networks, https://arxiv.org/abs/1511.06434; Mirza and Osindero, 2014, Conditional Generative Adversarial
    Nets, https://arxiv.org/abs/1411.1784
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.layers.batch_normalization import BatchNormalization
from tfproductgan.layers.convolution import Conv2D
from tfproductgan.layers.initializers import UpsamplingKernel
from tfproductgan.layers.modulated_normalization import ModulatedNormalization
from tfproductgan.layers.spectral_normalization import SpectralNormalization
from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    build,
    check_choice,
    check_counts,
    check_image_size,
    make_head,
    num_doublings,
    project,
    smallest_map,
)

FORMS = ("modern", "classic")
UPSAMPLINGS = ("learned", "nearest", "bilinear")

_WITHOUT_INNER = {"inner_convs": 0}  # as in files from before there were any


def _checked(image_size, form, width, max_width, inner_convs):
    """Refuse what neither network can be; the number of inner convolutions, that of the form if none is given."""
    check_image_size("dcgan", image_size, 32, 256, also=(28,))
    check_choice("form", form, FORMS)
    check_counts(width=width, max_width=max_width)
    inner_convs = int(form == "modern") if inner_convs is None else inner_convs
    check_counts(0, inner_convs=inner_convs)
    return inner_convs


def _initialiser(form):
    """Of the kernels. One a layer: a Keras initialiser used twice gives the same numbers twice."""
    return keras.initializers.RandomNormal(stddev=0.02) if form == "classic" else "he_normal"


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class DCGANGenerator(Generator):
    """Dense stem, then one doubling of size a stage.

    Args:
        num_ids, channels, latent_dim, embedding_dim: See `Generator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the last stage; the stages before have two, four … times as many. Defaults to 32.
        max_width: Upper limit of the channels of a stage. Defaults to 320.
        form: `"modern"` or `"classic"`. Defaults to `"modern"`.
        inner_convs: Number of 3x3 convolutions at the smallest feature map. Defaults to 1, in the classic form to 0.
        upsampling: `"learned"` for transposed convolutions (in the modern form they start as upsampling and
            convolution), or `"nearest"` or `"bilinear"` for upsampling followed by a 3x3 convolution. Defaults to
            `"learned"`.
        latent_sizes: On how many sizes of feature map, from the smallest on, latents modulate as the condition does;
            on the others the condition does alone. `None` is all, `"auto"` three of pictures of 64 pixels and more and
            two of smaller ones; without conditions it is all as well. Defaults to `None`.
        l2: Weight of an L2 regulariser on the kernels. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`.

    Raises:
        RecipeError: If the size or form does not exist, or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        latent_dim=64,
        embedding_dim=64,
        width=32,
        max_width=320,
        form="modern",
        inner_convs=None,
        upsampling="learned",
        latent_sizes=None,
        l2=0.0,
        **kwargs,
    ):
        inner_convs = _checked(image_size, form, width, max_width, inner_convs)
        check_choice("upsampling", upsampling, UPSAMPLINGS)
        if latent_sizes == "auto":
            latent_sizes = 3 if image_size >= 64 else 2
        if latent_sizes is not None:
            check_counts(0, latent_sizes=latent_sizes)
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        self.width, self.max_width, self.form = width, max_width, form
        self.inner_convs, self.upsampling, self.latent_sizes, self.l2 = inner_convs, upsampling, latent_sizes, l2
        # from the smallest feature map to the picture's size: each doubling of size halves the channels
        widths = [min(max_width, width * 2**k) for k in range(num_doublings(image_size), -1, -1)]
        self._stem_shape = (smallest_map(image_size), smallest_map(image_size), widths[0])
        self._make_layers([widths[0]] * inner_convs + widths)
        self._build_layers()

    def _make_layers(self, widths):
        policy = self.dtype_policy
        regulariser = keras.regularizers.L2(self.l2) if self.l2 else None
        modern = self.form == "modern"
        options = {"use_bias": False, "kernel_regularizer": regulariser, "dtype": policy}
        side, _, channels = self._stem_shape
        self.stem = layers.Dense(
            side * side * channels, kernel_initializer=_initialiser(self.form), name="stem", **options
        )
        self.convs, self.norms = [], []
        for stage, filters in enumerate(widths):
            if stage:
                make = self._upsampling if stage > self.inner_convs else self._inner
                self.convs.append(make(filters, name=f"conv_{stage}", **options))
            self.norms.append(
                ModulatedNormalization(name=f"norm_{stage}", dtype=policy)
                if modern
                else BatchNormalization(name=f"norm_{stage}", dtype=policy)
            )
        # float32, for smooth colours and exact gradients
        self.to_rgb = Conv2D(
            self.channels,
            3,
            padding="same",
            activation="tanh",
            kernel_initializer="glorot_normal" if modern else _initialiser(self.form),
            kernel_regularizer=regulariser,
            dtype="float32",
            name="to_rgb",
            data_format="channels_last",
        )

    def _inner(self, filters, **options):
        return Conv2D(
            filters,
            3,
            padding="same",
            data_format="channels_last",
            kernel_initializer=_initialiser(self.form),
            **options,
        )

    def _upsampling(self, filters, **options):
        if self.upsampling != "learned":
            return UpsampleConv2D(filters, self.upsampling, **options)
        initialiser = UpsamplingKernel() if self.form == "modern" else _initialiser("classic")
        return layers.Conv2DTranspose(
            filters, 4, 2, "same", data_format="channels_last", kernel_initializer=initialiser, **options
        )

    def _latents_modulate(self, stage):
        """Whether latents have a say in a stage; the inner ones are all of the smallest size."""
        everywhere = self.latent_sizes is None or not self.conditional
        return everywhere or max(0, stage - self.inner_convs) < self.latent_sizes

    @property
    def latent_layers(self):
        """The stem, and what modulates where latents have a say."""
        modern = self.form == "modern"
        modulated = [n.to_gain_and_bias for i, n in enumerate(self.norms) if modern and self._latents_modulate(i)]
        return [self.stem, *modulated]

    def _build_layers(self):
        self.stem.build((None, self.style_dim))
        shape = (None, *self._stem_shape)
        for stage, norm in enumerate(self.norms):
            if stage:
                shape = build(self.convs[stage - 1], shape)
            if self.form == "modern":
                modulating = self.style_dim if self._latents_modulate(stage) else self.embedding_dim
                norm.build(shape, (None, modulating))
            else:
                norm.build(shape)
        self.to_rgb.build(shape)
        self.built = True

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors `[batch, embedding_dim]`."""
        style, condition = self.style(latents, embedding), ops.cast(embedding, self.compute_dtype)
        x = ops.reshape(self.stem(style), (-1, *self._stem_shape))
        for stage, norm in enumerate(self.norms):
            if stage:
                x = self.convs[stage - 1](x)
            if self.form == "modern":
                modulating = style if self._latents_modulate(stage) else condition
                x = norm(x, modulating, training=training)
            else:
                x = norm(x, training=training)
            x = ops.relu(x)
        return self.to_rgb(x)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The network that `get_config` describes."""
        return super().from_config(_WITHOUT_INNER | config, custom_objects)


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class DCGANDiscriminator(Discriminator):
    """Strided convolutions down to the smallest feature map, residual ones there if wanted, then one logit.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the first stage; each further one has twice as many. Defaults to 64.
        max_width: Upper limit of the channels of a stage. Defaults to 320.
        form: `"modern"` (no normalisation, projection head) or `"classic"` (batch normalisation, condition as
            one more input channel). Defaults to `"modern"`.
        inner_convs: Number of residual 3x3 convolutions at the smallest feature map. Defaults to 1, in the classic
            form to 0.
        spectral_normalization: Whether to normalise the kernels of the convolutions spectrally. Defaults to
            `False`.
        dropout: Share of features dropped after each stage. Defaults to 0.
        l2: Weight of an L2 regulariser on the kernels. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the size or form does not exist, or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        width=64,
        max_width=320,
        form="modern",
        inner_convs=None,
        spectral_normalization=False,
        dropout=0.0,
        l2=0.0,
        **kwargs,
    ):
        inner_convs = _checked(image_size, form, width, max_width, inner_convs)
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.width, self.max_width, self.form, self.inner_convs = width, max_width, form, inner_convs
        self.spectral_normalization, self.dropout, self.l2 = spectral_normalization, dropout, l2
        widths = [min(max_width, width * 2**k) for k in range(num_doublings(image_size))]
        self._make_layers(widths)
        self._build_layers()

    def _make_layers(self, widths):
        policy = self.dtype_policy
        classic = self.form == "classic"
        self.convs, self.norms, self.dropouts = [], [], []
        for stage, filters in enumerate(widths):
            self.convs.append(self._conv(filters, 4, 2, stage))
            # the paper leaves the first stage without normalisation
            self.norms.append(BatchNormalization(name=f"norm_{stage}", dtype=policy) if classic and stage else None)
            self.dropouts.append(
                layers.Dropout(self.dropout, name=f"dropout_{stage}", dtype=policy) if self.dropout else None
            )
        self.inner = [self._conv(widths[-1], 3, 1, len(widths) + index) for index in range(self.inner_convs)]

    def _conv(self, filters, side, strides, number):
        conv = Conv2D(
            filters,
            side,
            strides,
            "same",
            data_format="channels_last",
            use_bias=not self.spectral_normalization,
            kernel_initializer=_initialiser(self.form),
            kernel_regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
            name=f"conv_{number}",
            dtype=self.dtype_policy,
        )
        if self.spectral_normalization:
            return SpectralNormalization(conv, name=f"spectral_{number}", dtype=self.dtype_policy)
        return conv

    def _build_layers(self):
        shape = (None, self.image_size, self.image_size, self.channels)
        self.to_map = self.make_embedding(self.image_size**2, "condition_map") if self.form == "classic" else None
        if self.to_map is not None:
            shape = (*shape[:-1], shape[-1] + 1)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            shape = build(conv, shape)
            if norm is not None:
                norm.build(shape)
        for conv in self.inner:
            conv.build(shape)
        head_ids = self.num_ids if self.form == "modern" else ()
        self.head, self.projection = make_head(head_ids, shape[1] * shape[2] * shape[3])
        self.built = True

    def call(self, inputs, training=False):
        """Judge pictures."""
        return self.judge(inputs, training)[0]

    def judge(self, inputs, training=False):
        """Logits, and what went into each activation on the way to them."""
        x, before = ops.cast(inputs["images"], self.compute_dtype), []
        if self.to_map is not None:
            condition_map = ops.reshape(self.to_map(inputs["conditions"]), (-1, self.image_size, self.image_size, 1))
            x = ops.concatenate([x, condition_map], axis=-1)
        for conv, norm, dropout in zip(self.convs, self.norms, self.dropouts, strict=True):
            x = self._apply(conv, x, training)
            x = norm(x, training=training) if norm is not None else x
            before.append(x)
            x = self.activate(x)
            x = dropout(x, training=training) if dropout is not None else x
        for conv in self.inner:
            before.append(self._apply(conv, x, training))
            x = x + self.activate(before[-1])
        features = ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))
        return project(features, inputs["conditions"], self.head, self.projection), before

    def activate(self, x):
        """The activation."""
        return ops.leaky_relu(x, 0.2)

    @property
    def conditions_last(self):
        """Whether conditions come in at the head alone."""
        return self.form == "modern"

    @property
    def lowest_layers(self):
        """Convolutions, each with its normalisation after it if it has one."""
        stages = zip(self.convs, self.norms, strict=True)
        return [*(layer for stage in stages for layer in stage if layer is not None), *self.inner]

    @property
    def piecewise_linear(self):
        """Whether there is nothing but convolutions and leaky ReLU."""
        return self.form == "modern" and not self.spectral_normalization and not self.dropout

    def judge_linearly(self, inputs, shares, activations):
        """What `judge` would make of pictures if activations stayed on the sides on which other pictures put them.

        Args:
            inputs: As of a call.
            shares: `[batch]`, by which constants, that is biases, are multiplied.
            activations: In the place of each activation, a function that does as it did for those.

        Returns:
            Logits, and what went into each activation; derivatives of each reach the weights of one layer.
        """
        x, found = ops.cast(inputs["images"], self.compute_dtype), []
        share = ops.cast(shares, self.compute_dtype)[:, None, None, None]
        for stage, (conv, activate) in enumerate(zip([*self.convs, *self.inner], activations, strict=True)):
            kernel, bias = (ops.cast(weight, self.compute_dtype) for weight in (conv.kernel, conv.bias))
            found.append(conv.convolution_op(x, kernel) + share * bias)
            after = ops.stop_gradient(activate(found[-1]))
            x = after if stage < len(self.convs) else x + after
        features = ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))
        return project(features, inputs["conditions"], self.head, self.projection, shares), found

    def _apply(self, conv, x, training):
        return conv(x, training=training) if self.spectral_normalization else conv(x)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The network that `get_config` describes."""
        return super().from_config(_WITHOUT_INNER | config, custom_objects)


NETWORKS = {"generator": DCGANGenerator, "discriminator": DCGANDiscriminator}
