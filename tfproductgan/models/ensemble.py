"""Several trained generators as one: each picture is drawn by one of them, which one its seed decides.

Generators that were trained on the same photos from other seeds, or at other times of one training, leave out
different things; together they leave out less. What they draw is never averaged, which would only blur it.

Reference:
    Wang et al., 2016, Ensembles of Generative Adversarial Networks, https://arxiv.org/abs/1612.00991
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import statistics
from collections.abc import Sequence
from typing import ClassVar

import keras
from keras import ops

from tfproductgan.errors import RunError
from tfproductgan.models.sampler import Sampler
from tfproductgan.models.trained import TrainedGenerator, copy_of
from tfproductgan.networks.base import Generator


@keras.saving.register_keras_serializable(package="tfproductgan")
class Ensemble(Generator):
    """A generator that leaves each picture to one of several.

    Members see the same latents, as many as each takes; the last latent, which none of them sees, says whose picture
    it is. All members draw, and one picture of each row is taken, so a picture takes as long as one of each member.

    Args:
        members: Built generators of the same conditions and pictures.
        shares: Share of the pictures that each draws, positive; their sum is 1.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output: See `Generator`; `"truncation"`, `[batch]`, may be among the inputs.
    """

    truncates_latents = False
    refuses: ClassVar = {"litert-int8": "whose picture it is would be rounded as well"}

    def __init__(self, members, shares, **kwargs):
        first = members[0]
        latent_dim = 1 + max(member.latent_dim for member in members)
        embedding_dim = sum(member.embedding_dim for member in members)
        super().__init__(first.num_ids, first.image_size, first.channels, latent_dim, embedding_dim, **kwargs)
        self.members = list(members)
        self.shares = [float(share) for share in shares]
        latents, conditions = ops.zeros((1, latent_dim)), ops.zeros((1, len(self.num_ids)), "int32")
        self._parts = [len(style) for style in self._styles(latents, self.embed(conditions))]
        self.built = True

    def make_embedding(self, *args, **kwargs):
        """None: members have their own."""
        return

    @property
    def bounds(self):
        """Values of the last latent between which a member draws: each share of a normal distribution."""
        sums = list(itertools.accumulate(self.shares))[:-1]
        return [statistics.NormalDist().inv_cdf(min(total, 1 - 1e-12)) for total in sums]

    def embed(self, conditions):
        """Condition ids `[batch, attributes]` to the vectors of all members, side by side."""
        vectors = [ops.cast(member.embed(conditions), "float32") for member in self.members]
        return ops.concatenate(vectors, axis=-1)

    def call(self, inputs, training=False):
        """Draw pictures."""
        style = self.style_of(inputs["latents"], self.embed(inputs["conditions"]), inputs.get("truncation"))
        return self.synthesise(*style, training=training)

    def style_of(self, latents, embedding, truncation=None):
        """Which member draws, int32 `[batch]`, and the styles of all, one after the other; see `Generator`."""
        passed = latents[:, -1:] >= ops.convert_to_tensor([self.bounds], latents.dtype)
        chosen = ops.sum(ops.cast(passed, "int32"), axis=1)
        return (chosen, *itertools.chain(*self._styles(latents, embedding, truncation)))

    def between(self, first, second, fraction):
        """Each member's own way; if the ends are of two, the second takes over half way."""
        chosen = ops.where(fraction < 0.5, first[0], second[0])
        ends = zip(self.members, self._parted(first[1:]), self._parted(second[1:]), strict=True)
        return (chosen, *itertools.chain(*(member.between(*parts, fraction) for member, *parts in ends)))

    def synthesise(self, chosen, *styles, training=False):
        """Pictures of what `style_of` gives."""
        made = None
        for number, (member, style) in enumerate(zip(self.members, self._parted(styles), strict=True)):
            drawn = ops.cast(member.synthesise(*style, training=training), "float32")
            made = drawn if made is None else ops.where((chosen == number)[:, None, None, None], drawn, made)
        return made

    def _styles(self, latents, embedding, truncation=None):
        ends = itertools.accumulate(member.embedding_dim for member in self.members)
        return [
            member.style_of(
                latents[:, : member.latent_dim],
                embedding[:, end - member.embedding_dim : end] if self.conditional else embedding,
                truncation,
            )
            for member, end in zip(self.members, ends, strict=True)
        ]

    def _parted(self, styles):
        ends = list(itertools.accumulate(self._parts))
        return [styles[end - count : end] for count, end in zip(self._parts, ends, strict=True)]

    def get_config(self):
        """Everything the constructor takes."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "members": [keras.saving.serialize_keras_object(member) for member in self.members],
            "shares": self.shares,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The ensemble `get_config` describes; members compute in its type."""
        config = dict(config)
        members = []
        for member in config.pop("members"):
            member = {**member, "config": {**member["config"], "dtype": config["dtype"]}}
            members.append(keras.saving.deserialize_keras_object(member, custom_objects=custom_objects))
        return cls(members, **config)


def ensemble_of(models: Sequence[Sampler], shares: Sequence[float] | None = None) -> TrainedGenerator:
    """Several trained models as one, which is asked, saved, judged, exported and served as any other.

    Args:
        models: At least two samplers, such as `tfproductgan.load` gives, of the same attributes, values and pictures.
        shares: How often each draws, in any unit; alike by default. One with no share is left out.

    Returns:
        A `TrainedGenerator`. Its copies of the models compute in the number format of the first.

    Raises:
        RunError: If models cannot be asked for the same pictures, or shares are no such numbers.
    """
    models = list(models)
    for place, model in enumerate(models, 1):
        if model.asks != "sampler":
            raise RunError(f"{model.model_id} makes pictures of pictures: an ensemble is of models asked by name.")
        _check_alike(models[0], model, place)
    shares = [1.0] * len(models) if shares is None else [float(share) for share in shares]
    if len(shares) != len(models) or not all(0 <= share < math.inf for share in shares) or not sum(shares):
        raise RunError(f"An ensemble of {len(models)} needs as many shares, none negative. Received: {shares}")
    kept = [(model.trained(), share / sum(shares)) for model, share in zip(models, shares, strict=True) if share]
    if len(kept) < 2:
        raise RunError(f"An ensemble is of at least two models that draw. Received: {len(kept)}")
    policy = kept[0][0].sampling_network.dtype_policy
    members = [
        copy_of(model.sampling_network, name=f"member_{number}", dtype=policy)
        for number, (model, _) in enumerate(kept, 1)
    ]
    network = Ensemble(members, [share for _, share in kept], name="generator", dtype=policy)
    about = [{"model_id": model.model_id, "share": share, **model.provenance} for model, share in kept]
    seen = [model.provenance.get("images_seen") for model, _ in kept]
    provenance = {"members": about, **({} if None in seen else {"images_seen": sum(seen)})}
    key = hashlib.sha256(json.dumps([[model.model_id, share] for model, share in kept]).encode()).hexdigest()
    return TrainedGenerator(network, kept[0][0].schema, f"ensemble-{key[:8]}", provenance, trainable=False)


def _check_alike(first, other, place):
    """Refuse a model that cannot be asked for the same pictures as the first, and say in what they differ."""
    both = f"Models 1 and {place} ({first.model_id} and {other.model_id})"
    mine, its = ((model.schema.image_size, model.schema.channels) for model in (first, other))
    if mine != its:
        sizes = " and ".join(f"{size} x {size} pixels in {channels} channels" for size, channels in (mine, its))
        raise RunError(f"{both} draw pictures of {sizes}: train both alike.")
    mine, its = ({each.name: each for each in model.schema.attributes} for model in (first, other))
    differ = [name for name in dict.fromkeys([*mine, *its]) if mine.get(name) != its.get(name)]
    if first.schema.vocabulary != other.schema.vocabulary:
        differ.append("the words of titles")
    if differ or list(mine) != list(its):
        raise RunError(
            f"{both} cannot be asked for the same: they differ in "
            f"{', '.join(differ) or 'the order of their attributes'}. Train both on the same photos and labels."
        )
