"""A trained sampler as TensorFlow graphs: pictures by name."""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.export.named_inputs import range_problem, row_problems, seed_problem, zero_unless
from tfproductgan.export.served_model import ServedModel, Signature, encode_png, stack_ids
from tfproductgan.models.pictures import to_uint8
from tfproductgan.models.sampler import style_of


class ServedSampler(ServedModel):
    """A trained `Sampler` that serves by name without Python; see `ServedModel`."""

    def own_facts(self):
        """The length of latents."""
        return {"latent_dim": self.network.latent_dim}

    def request_specs(self, prefix: str = "") -> dict[str, tf.TensorSpec]:
        """The inputs of one request."""
        return {
            **self.names.specs(prefix),
            f"{prefix}seed": tf.TensorSpec([None], tf.int64, f"{prefix}seed"),
            f"{prefix}truncation": tf.TensorSpec([None], tf.float32, f"{prefix}truncation"),
        }

    def request_problems(self, inputs, asked, prefix=""):
        """What can be wrong with one request."""
        yield from self.names.unknown(asked)
        yield seed_problem(f"{prefix}seed", inputs[f"{prefix}seed"])
        yield range_problem(f"{prefix}truncation", inputs[f"{prefix}truncation"])

    def style(self, inputs, asked, zero, prefix=""):
        """What the network synthesises for requests found good; see `Generator.style_of`."""
        seeds = inputs[f"{prefix}seed"] + zero
        truncation = inputs[f"{prefix}truncation"] + tf.cast(zero, tf.float32)
        ids = self.names.complete(stack_ids(asked, zero, seeds), seeds)
        return style_of(self.network, seeds, ids, truncation)

    def synthesise(self, style):
        """Pictures, uint8 `[N, image_size, image_size, channels]`."""
        return to_uint8(self.network.synthesise(*style, training=False))

    def own_signatures(self) -> dict[str, Signature]:
        request = self.request_specs()
        latents = tf.TensorSpec([None, self.network.latent_dim], tf.float32, "latents")
        ends = {**self.request_specs("first_"), **self.request_specs("second_")}
        fraction = tf.TensorSpec([None], tf.float32, "fraction")
        return {
            "serving_default": Signature("image_bytes", request, lambda inputs: _png_files(self._generate(inputs))),
            "generate": Signature("images", request, self._generate),
            "from_latents": Signature("images", {"latents": latents, **self.names.specs()}, self._from_latents),
            "interpolate": Signature("images", {**ends, "fraction": fraction}, self._interpolate),
        }

    def _generate(self, inputs):
        asked = self.names.asked(inputs)
        zero = zero_unless([*row_problems(inputs), *self.request_problems(inputs, asked)])
        return self.synthesise(self.style(inputs, asked, zero))

    def _from_latents(self, inputs):
        latents, asked = inputs["latents"], self.names.asked(inputs)
        not_finite = ~tf.reduce_all(tf.math.is_finite(latents))
        finite = (not_finite, lambda: tf.constant("latents must be finite numbers. Received: NaN or infinity"))
        zero = zero_unless([*row_problems(inputs), *self.names.unknown(asked), finite])
        latents = latents + tf.cast(zero, tf.float32)
        return self.synthesise(self.network.style_of(latents, self.network.embed(stack_ids(asked, zero, latents))))

    def _interpolate(self, inputs):
        ends = ("first_", "second_")
        asked = {prefix: self.names.asked(inputs, prefix) for prefix in ends}
        problems = [problem for prefix in ends for problem in self.request_problems(inputs, asked[prefix], prefix)]
        problems = [*row_problems(inputs), *problems, range_problem("fraction", inputs["fraction"], 1.0)]
        zero = zero_unless(problems)
        first, second = (self.style(inputs, asked[prefix], zero, prefix) for prefix in ends)
        fraction = inputs["fraction"] + tf.cast(zero, tf.float32)
        return self.synthesise(self.network.between(first, second, fraction))


def _png_files(images):
    return tf.map_fn(encode_png, images, fn_output_signature=tf.TensorSpec([], tf.string))
