"""A trained upscaler as TensorFlow graphs: pictures in, larger pictures out."""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.export.named_inputs import held_back, row_problems, zero_unless
from tfproductgan.export.served_model import ServedModel, Signature, encode_png
from tfproductgan.export.served_translator import PICTURES, decoded
from tfproductgan.models.pictures import to_float, to_uint8


class ServedUpscaler(ServedModel):
    """A trained `Upscaler` that takes JPEG, PNG, GIF or BMP files of any size and gives larger PNG files.

    Transparency is laid on white, and there are no tiles: `Upscaler.upscale` does more.
    """

    def own_facts(self):
        """How many times larger pictures become."""
        return {"scale": self.network.scale}

    def own_signatures(self):
        """Files in and out; pixels in and out."""
        files = tf.TensorSpec([None], tf.string, PICTURES)
        pixels = tf.TensorSpec([None, None, None, self.schema.channels], tf.uint8, "source")
        return {
            "serving_default": Signature(PICTURES, {PICTURES: files}, self._upscale_files),
            "upscale": Signature("images", {"source": pixels}, lambda inputs: self._made(inputs["source"])),
        }

    def _upscale_files(self, inputs):
        zero = zero_unless(row_problems(inputs))
        files = held_back(inputs[PICTURES], zero)
        return tf.map_fn(self._upscale_file, files, fn_output_signature=tf.TensorSpec([], tf.string))

    def _upscale_file(self, file):
        return encode_png(self._made(decoded(file, self.schema.channels)[None])[0])

    def _made(self, pixels):
        return to_uint8(self.network({"source": to_float(pixels)}, training=False))
