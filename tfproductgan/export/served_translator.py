"""A trained translator as TensorFlow graphs: pictures in, pictures out."""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.export.named_inputs import held_back, row_problems, zero_unless
from tfproductgan.export.served_model import ServedModel, Signature, encode_png, stack_ids
from tfproductgan.models.pictures import to_float, to_uint8

# as in catalogue/photos.py, which does the same to photos that are trained on
_BORDER_SAMPLES = 64
_BACKGROUND_TOLERANCE = 16

PICTURES = "image_bytes"
"""Name of the input, and of the output, that holds pictures as files."""


class ServedTranslator(ServedModel):
    """A trained `Translator` that takes JPEG, PNG, GIF or BMP files of any size and gives PNG files of the same size.

    It does to each picture what `Translator.translate` does. The rotation that EXIF data of a JPEG ask for is not
    applied.
    """

    def own_facts(self):
        """The channels of pictures that go in."""
        return {"source_channels": self.schema.source_channels}

    def own_signatures(self):
        """Files in and out; squares of pixels in and out."""
        size, channels = self.schema.image_size, self.schema.source_channels
        files = tf.TensorSpec([None], tf.string, PICTURES)
        squares = tf.TensorSpec([None, size, size, channels], tf.uint8, "source")
        return {
            "serving_default": Signature(PICTURES, {PICTURES: files, **self.names.specs()}, self._translate_files),
            "translate": Signature("images", {"source": squares, **self.names.specs()}, self._translate_squares),
        }

    def _translate_files(self, inputs):
        zero, ids = self._checked(inputs, PICTURES)
        size, channels = self.schema.image_size, self.schema.source_channels

        def fitted(file):
            picture = decoded(file, channels)
            square, box = placed(picture, size)
            return square, box, tf.shape(picture)[:2]

        specs = (
            tf.TensorSpec([size, size, channels], tf.uint8),
            tf.TensorSpec([4], tf.int32),
            tf.TensorSpec([2], tf.int32),
        )
        files = held_back(inputs[PICTURES], zero)
        squares, boxes, sizes = tf.map_fn(fitted, files, fn_output_signature=specs)
        made = self._made(squares, ids)
        return tf.map_fn(_scaled_back, (made, boxes, sizes), fn_output_signature=tf.TensorSpec([], tf.string))

    def _translate_squares(self, inputs):
        zero, ids = self._checked(inputs, "source")
        return self._made(inputs["source"] + tf.cast(zero, tf.uint8), ids)

    def _checked(self, inputs, pictures):
        asked = self.names.asked(inputs)
        zero = zero_unless([*row_problems(inputs), *self.names.unknown(asked)])
        return zero, stack_ids(asked, zero, inputs[pictures])

    def _made(self, squares, ids):
        return to_uint8(self.network({"source": to_float(squares), "conditions": ids}, training=False))


def decoded(file, channels):
    """A picture file as uint8 `[H, W, channels]`, transparency laid on white."""
    picture = tf.io.decode_image(file, expand_animations=False)
    found = tf.shape(picture)[-1]
    has_alpha = (found == 2) | (found == 4)
    colours = picture[..., : tf.where(has_alpha, found - 1, found)]
    opacity = tf.where(has_alpha, tf.cast(picture[..., -1:], tf.float32), 255.0) / 255.0
    laid = tf.cast(colours, tf.float32) * opacity + 255.0 * (1.0 - opacity)
    rgb = tf.cond(tf.shape(laid)[-1] == 1, lambda: tf.repeat(laid, 3, axis=-1), lambda: laid)
    rgb = tf.ensure_shape(rgb, [None, None, 3])
    # the weights of Pillow's conversion
    wanted = rgb if channels == 3 else tf.reduce_sum(rgb * [0.299, 0.587, 0.114], axis=-1, keepdims=True)
    return tf.cast(tf.clip_by_value(tf.round(wanted), 0, 255), tf.uint8)


def placed(picture, size):
    """A picture fitted into a square with its own background continued, and where it lies: top, left, height, width."""
    shape = tf.cast(tf.shape(picture)[:2], tf.float64)
    inner = tf.maximum(1, tf.cast(tf.round(size * shape / tf.reduce_max(shape)), tf.int32))
    scaled = _resized(picture, inner)
    corner = (size - inner) // 2
    rest = size - inner - corner
    outside = tf.pad(tf.zeros(inner, tf.bool), tf.stack([corner, rest], axis=1), constant_values=True)
    padded = tf.pad(scaled, tf.concat([tf.stack([corner, rest], axis=1), [[0, 0]]], axis=0))
    square = tf.where(outside[..., None], _background(scaled), padded)
    return tf.ensure_shape(square, [size, size, picture.shape[-1]]), tf.concat([corner, inner], axis=0)


def _background(picture):
    """The colour most of a picture's border has, uint8 `[C]`; see `background_colour` of `catalogue/photos.py`."""
    border = tf.concat([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]], axis=0)
    border = tf.cast(border[:: tf.maximum(1, tf.shape(border)[0] // _BORDER_SAMPLES)], tf.int32)
    middle = _median(border)
    close = tf.reduce_all(tf.abs(border[:, None] - border[None]) <= _BACKGROUND_TOLERANCE, axis=2)
    most = tf.ensure_shape(tf.gather(close, tf.argmax(tf.reduce_sum(tf.cast(close, tf.int32), axis=1))), [None])
    mixed = tf.reduce_max(tf.abs(border - middle)) > _BACKGROUND_TOLERANCE
    colour = tf.cond(mixed, lambda: _median(tf.boolean_mask(border, most)), lambda: middle)
    return tf.cast(colour, tf.uint8)


def _median(colours):
    return tf.sort(colours, axis=0)[tf.shape(colours)[0] // 2]


def _resized(picture, shape):
    scaled = tf.image.resize(picture, shape, "lanczos3", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)


def _scaled_back(row):
    """The picture in a square, at its own size, as a PNG file."""
    square, box, size = row
    inner = tf.slice(square, [box[0], box[1], 0], [box[2], box[3], -1])
    return encode_png(_resized(inner, size))
