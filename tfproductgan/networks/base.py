"""What networks of one role have in common, whatever their family."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import ClassVar

import keras
from keras import ops

from tfproductgan.errors import RecipeError
from tfproductgan.layers.condition_embedding import ConditionEmbedding, multiply, split_ids


class _Network(keras.Model):
    """What all take: `num_ids`, as `ConditionEmbedding` does, `image_size`, `channels`, and arguments of `keras.Model`.

    A subclass keeps what its constructor takes in attributes of the same names, so that files hold it.
    """

    # conversions that the network cannot do, by name, and why; see `compression/`
    refuses: ClassVar[Mapping[str, str]] = {}

    def __init__(self, num_ids, image_size, channels, **kwargs):
        super().__init__(**kwargs)
        self.num_ids = tuple(num_ids)
        self.image_size = image_size
        self.channels = channels

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        return {"num_ids": schema.num_ids, "image_size": schema.image_size, "channels": schema.channels}

    def check_fits(self, schema):
        """Refuse a schema that the network was not made for.

        Raises:
            RecipeError: If it was made for other conditions or pictures.
        """
        wanted = self.arguments(schema)
        made_for = {name: getattr(self, name) for name in wanted}
        if made_for != wanted:
            raise RecipeError(f"{type(self).__name__} was made for {made_for}, the schema has {wanted}.")

    @property
    def conditional(self):
        """Whether there is anything to be conditioned on."""
        return bool(self.num_ids)

    def make_embedding(self, dim, name="embedding", **options):
        """A built `ConditionEmbedding` of the network's conditions, or `None` if there are none."""
        if not self.conditional:
            return None
        embedding = ConditionEmbedding(self.num_ids, dim, name=name, **{"dtype": self.dtype_policy, **options})
        embedding.build((None, len(self.num_ids)))
        return embedding

    @classmethod
    def argument_names(cls):
        """Names of what the constructor takes, those of `keras.Model` left out."""
        constructors = [each.__init__ for each in cls.__mro__ if issubclass(each, _Network)]
        found = [p for constructor in constructors for p in inspect.signature(constructor).parameters.values()]
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return list(dict.fromkeys(p.name for p in found if p.kind not in variadic and p.name != "self"))

    def get_config(self):
        """Everything the constructor takes."""
        values = {name: getattr(self, name) for name in self.argument_names()}
        return {
            **super().get_config(),
            **{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()},
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


# stages that may compute in bfloat16, counted from the largest map
_FAST_STAGES = 4


class Stages:
    """Mixin of networks with a `width` and a `max_width` whose channels double at each halving of the size."""

    @property
    def sides(self):
        """Height and width of each size, from the smallest map to the picture."""
        return tuple(smallest_map(self.image_size) << stage for stage in range(num_doublings(self.image_size) + 1))

    @property
    def stage_widths(self):
        """Channels of each size, from the smallest map to the picture."""
        return [min(self.max_width, self.width * 2**k) for k in range(num_doublings(self.image_size), -1, -1)]

    def stage_policy(self, stage):
        """Small maps are computed in float32, where it costs little."""
        fast = stage and stage >= len(self.stage_widths) - _FAST_STAGES
        return self.dtype_policy if fast else "float32"


class Generator(_Network):
    """Base of the generators: latents and condition ids in, pictures out.

    A subclass makes and builds its layers in `__init__`, then implements `synthesise`.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        latent_dim: Length of the latent vectors.
        embedding_dim: Length of the condition vectors.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"latents": [batch, latent_dim], "conditions": [batch, len(num_ids)]}`.
        training: Whether to normalise by the statistics of the batch.

    Output shape: `[batch, image_size, image_size, channels]`, float32 in -1 to 1.
    """

    # whether truncation is a factor of the latents; else `"truncation"`, `[batch]`, is an input that may be left out
    truncates_latents = True
    # how many styles a picture has, if layers can take theirs from different latents
    num_styles = 0

    def __init__(self, num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs):
        super().__init__(num_ids, image_size, channels, **kwargs)
        check_counts(latent_dim=latent_dim, embedding_dim=embedding_dim)
        self.latent_dim = latent_dim
        self.embedding_dim = embedding_dim
        # in training, what a text says is drawn from around it
        spreads = {"spreads": True} if split_ids(self.num_ids)[1] else {}
        self.embedding = self.make_embedding(embedding_dim, **spreads)

    @property
    def style_dim(self):
        """Length of latents and condition vector together."""
        return self.latent_dim + (self.embedding_dim if self.conditional else 0)

    @property
    def latent_layers(self):
        """All dense layers that take latents, alone or before a condition vector; none if nobody has said."""
        return []

    @property
    def style_kernels(self):
        """What multiplies the first part of a style where layers read it: `[its length, channels]` each."""
        return [layer.kernel[: self.latent_dim] for layer in self.latent_layers]

    def embed(self, conditions):
        """Condition ids `[batch, attributes]` to vectors `[batch, embedding_dim]` (width 0 if unconditional)."""
        if not self.conditional:
            return ops.zeros((ops.shape(conditions)[0], 0), self.compute_dtype)
        return self.embedding(conditions)

    def call(self, inputs, training=False):
        """Draw pictures."""
        style = self.style_of(inputs["latents"], self.embed(inputs["conditions"]))
        return self.synthesise(*style, training=training)

    def style_of(self, latents, embedding, truncation=None):
        """What `synthesise` takes: here latents, scaled by the truncation, and condition vectors as they are.

        Args:
            latents: `[batch, latent_dim]`.
            embedding: `[batch, embedding_dim]`, see `embed`.
            truncation: `[batch]`, from 0 for the most typical picture to 1 for the full variety and beyond; by default
                1.

        Returns:
            A tuple of tensors, a row a picture.
        """
        return (latents if truncation is None else latents * truncation[:, None], embedding)

    def between(self, first, second, fraction):
        """A style between two of `style_of`: latents move along the sphere, condition vectors in a straight line.

        Args:
            first: Style at fraction 0.
            second: Style at fraction 1.
            fraction: `[batch]`, 0 to 1.
        """
        fraction = fraction[:, None]
        latents, embeddings = zip(first, second, strict=True)
        straight = ops.cast(fraction, embeddings[0].dtype)
        return slerp(*latents, fraction), embeddings[0] + straight * (embeddings[1] - embeddings[0])

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors, which may lie between two ids."""
        raise NotImplementedError(f"{type(self).__name__} must implement synthesise.")

    def style(self, latents, embedding):
        """Latents and condition vector as one vector `[batch, style_dim]`, in the compute type."""
        latents = ops.cast(latents, self.compute_dtype)
        if not self.conditional:
            return latents
        return ops.concatenate([latents, ops.cast(embedding, self.compute_dtype)], axis=-1)


class Discriminator(_Network):
    """Base of the discriminators: pictures and condition ids in, one logit a picture out.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"images": [batch, image_size, image_size, channels], "conditions": [batch, len(num_ids)]}`,
            images in -1 to 1.
        training: Whether dropout, batch normalisation and spectral normalisation are in training mode.

    Output shape: `[batch]`, float32; the larger, the more real.

    One that looks at conditions last, in `project` (`conditions_last`), also takes several for each picture,
    `[batch, several, len(num_ids)]`, and gives `[batch, several]` logits. One that can say what it would be with all
    activations held has `judge` and `judge_linearly`, as `DCGANDiscriminator` does: gradient penalties then cost two
    thirds.
    """

    # whether a logit is a linear function of its own picture as long as no activation changes sides
    piecewise_linear = False
    # whether conditions come in at the head alone
    conditions_last = False

    @property
    def lowest_layers(self):
        """The layers, from the picture on, that a training can leave as they are; none if nobody has said."""
        return []


class Encoder(_Network):
    """Base of the encoders: pictures and condition ids in, a normal distribution of latents out.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        latent_dim: Length of the latent vectors.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"images": [batch, image_size, image_size, channels], "conditions": [batch, len(num_ids)]}`,
            images in -1 to 1.
        training: Whether dropout and normalisation are in training mode.

    Output: means and logarithms of variances, float32 `[batch, latent_dim]` each.
    """

    def __init__(self, num_ids, image_size, channels, latent_dim, **kwargs):
        super().__init__(num_ids, image_size, channels, **kwargs)
        check_counts(latent_dim=latent_dim)
        self.latent_dim = latent_dim


class TranslatingGenerator(_Network):
    """Base of the generators that make a picture of a picture.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels, of those that go in too.
        channels: Of the pictures that come out, 3 for colour, 1 for grey.
        source_channels: Of the pictures that go in.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"source": [batch, image_size, image_size, source_channels], "conditions": [batch, len(num_ids)]}`,
            pictures in -1 to 1.
        training: Whether dropout and normalisation are in training mode.

    Output shape: `[batch, image_size, image_size, channels]`, float32 in -1 to 1.
    """

    def __init__(self, num_ids, image_size, channels, source_channels, **kwargs):
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.source_channels = source_channels

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        if schema.source_channels is None:
            raise RecipeError(
                "The recipe makes pictures of pictures, and these photos have none that go in: give --sources, or "
                "--unpaired for two sets without pairs (in Python Catalogue.from_pairs, from_unpaired)."
            )
        return {**super().arguments(schema), "source_channels": schema.source_channels}


class PatchDiscriminator(TranslatingGenerator):
    """Base of the discriminators of pairs: the picture that went in, the one that came out, one logit a patch out.

    Args: See `TranslatingGenerator`.

    Call arguments:
        inputs: Those of `TranslatingGenerator` and `"images": [batch, image_size, image_size, channels]`.
        training: Whether dropout and normalisation are in training mode.

    Output shape: `[batch, rows, columns]`, float32; the larger, the more real.
    """


class UpscalingGenerator(_Network):
    """Base of the generators that make pictures larger: of any size in, of `scale` times the sides out.

    Args:
        num_ids: Empty: nothing is asked of them by name.
        image_size: Height and width in pixels of the photos to learn from, a multiple of `scale`.
        channels: 3 for colour, 1 for grey.
        scale: How many times as high and wide pictures become.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"source": [batch, height, width, channels]}`, pictures in -1 to 1.
        training: Whether dropout and normalisation are in training mode.

    Output shape: `[batch, scale * height, scale * width, channels]`, float32 around -1 to 1.

    Subclasses say by `reach` how many pixels of the source away a pixel can still have a say, in the worst case.
    """

    reach = 0

    def __init__(self, num_ids, image_size, channels, scale, **kwargs):
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.scale = scale

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        return {**super().arguments(schema), "num_ids": ()}


def slerp(start, end, fraction):
    """Between two sets of vectors `[batch, dim]` along the sphere, rows by a fraction `[batch, 1]` each."""
    given = start.dtype
    start, end, fraction = (ops.cast(part, "float64") for part in (start, end, fraction))
    norms = ops.norm(start, axis=1, keepdims=True) * ops.norm(end, axis=1, keepdims=True)
    cosine = ops.sum(start * end, axis=1, keepdims=True) / ops.maximum(norms, 1e-12)
    angle = ops.arccos(ops.clip(cosine, -1.0, 1.0))
    straight = ops.sin(angle) < 1e-4  # parallel, opposite or zero
    sine = ops.where(straight, ops.ones_like(angle), ops.sin(angle))
    first = ops.where(straight, 1 - fraction, ops.sin((1 - fraction) * angle) / sine)
    second = ops.where(straight, fraction, ops.sin(fraction * angle) / sine)
    return ops.cast(first * start + second * end, given)


def normalised(x):
    """Vectors along the last axis, brought to a mean square of 1."""
    square = ops.mean(ops.square(ops.cast(x, "float32")), axis=-1, keepdims=True)
    return x * ops.cast(ops.rsqrt(square + 1e-8), x.dtype)


def enlarged(x, factor=2):
    """Pictures whose pixels are repeated."""
    return x if factor == 1 else ops.repeat(ops.repeat(x, factor, axis=1), factor, axis=2)


def averaged(x, factor=2):
    """Pictures of means of so many by so many pixels."""
    return x if factor == 1 else ops.average_pool(x, factor, factor, "valid", data_format="channels_last")


def modulated(x, gain_and_bias):
    """Features scaled and shifted: by `[batch, 1, 1, 2 * channels]`, gains less 1, then biases; `None` for neither."""
    if gain_and_bias is None:
        return x
    gain, bias = ops.split(gain_and_bias, 2, axis=-1)
    return x * (1.0 + gain) + bias


def smallest_map(image_size):
    """Side of the smallest feature map of convolutional networks: 7 for 28 pixels, else 4."""
    return 7 if image_size == 28 else 4


def num_doublings(image_size):
    """How many doublings lie between the smallest feature map and the picture."""
    return (image_size // smallest_map(image_size)).bit_length() - 1


def build(layer, shape):
    """Build a layer for inputs of a shape; returns that of its outputs."""
    layer.build(shape)
    return layer.compute_output_shape(shape)


def check_image_size(family, image_size, smallest=32, largest=256, also=(28,)):
    """Refuse a size the family cannot make.

    Raises:
        RecipeError: If `image_size` is neither a power of two between `smallest` and `largest` nor in `also`.
    """
    power_of_two = image_size & (image_size - 1) == 0
    if not (image_size in also or (power_of_two and smallest <= image_size <= largest)):
        sizes = [*also, *(2**k for k in range(smallest.bit_length() - 1, largest.bit_length()))]
        raise RecipeError(
            f"{family} makes pictures of {', '.join(map(str, sizes))} pixels. Received: image_size={image_size}"
        )


def check_choice(option, value, choices):
    """Refuse an option value that does not exist.

    Raises:
        RecipeError: If `value` is not in `choices`.
    """
    if value not in choices:
        raise RecipeError(f"{option} must be one of {', '.join(map(repr, choices))}. Received: {value!r}")


def check_counts(least=1, **options):
    """Refuse options that count something and are no whole numbers of at least `least`.

    Raises:
        RecipeError: If one is not.
    """
    for option, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RecipeError(f"{option} must be a whole number of at least {least}. Received: {value!r}")


def make_head(num_ids, features):
    """The layers of a projection head, built: see `project`."""
    linear = keras.layers.Dense(1, name="head", dtype="float32")
    linear.build((None, features))
    if not num_ids:
        return linear, None
    embedding = ConditionEmbedding(num_ids, features, name="projection", dtype="float32")
    embedding.build((None, len(num_ids)))
    return linear, embedding


def project(features, conditions, linear, embedding, shares=None):
    """One logit a picture: a linear, unconditional term and the inner product with the condition's vector.

    Args:
        features: `[batch, features]`.
        conditions: `[batch, attributes]` ids, or `[batch, several, attributes]`.
        linear: Dense layer of one unit.
        embedding: `ConditionEmbedding` of as many dimensions as features, or `None` if unconditional.
        shares: `[batch]`, by which constants are multiplied; by default 1.

    Returns:
        Logits `[batch]`, float32, or `[batch, several]`.

    Reference:
        Miyato and Koyama, 2018, cGANs with Projection Discriminator, https://arxiv.org/abs/1802.05637
    """
    features = ops.cast(features, "float32")
    logits = linear(features)[:, 0]
    if shares is not None:
        logits = logits + (shares - 1.0) * linear.bias
    if embedding is None:
        return logits
    products = features.shape[-1] ** -0.5 * multiply(features, conditions, embedding)
    return products + (logits if len(products.shape) == 1 else logits[:, None])
