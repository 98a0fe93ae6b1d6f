"""A SavedModel as anybody may have it: strings in, PNG out, a version number in every answer."""

import tensorflow as tf

NAMES = ("Ring", "Mug")
STRINGS = tf.TensorSpec([None], tf.string)
SEEDS = tf.TensorSpec([None], tf.int64)


class Toy(tf.Module):
    def __init__(self, number):
        super().__init__()
        self.number = tf.Variable(number, dtype=tf.int64)

    @tf.function(input_signature=[STRINGS, SEEDS])
    def draw(self, category, seed):
        known = tf.reduce_any(category[:, None] == tf.constant(["", *NAMES]), axis=1)
        with tf.control_dependencies(
            [tf.debugging.assert_equal(tf.reduce_all(known), True, "Unknown category; valid: Ring, Mug")]
        ):
            levels = tf.cast(tf.math.floormod(seed, 256), tf.uint8)
        images = tf.tile(levels[:, None, None, None], [1, 4, 4, 3])
        pngs = tf.map_fn(lambda image: tf.io.encode_png(image), images, fn_output_signature=tf.string)
        return {"image_bytes": pngs}

    @tf.function(input_signature=[STRINGS, SEEDS])
    def describe(self, category, seed):
        images = tf.tile(tf.cast(seed, tf.uint8)[:, None, None], [1, 2, 3])
        return {"images": images, "name": category, "number": tf.fill(tf.shape(seed), self.number)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def double(self, values):
        return {"doubled": 2 * values}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32), tf.TensorSpec([None], tf.float32)])
    def scale(self, factor, values):
        return {"scaled": factor * values, "total": tf.reduce_sum(values)}


def save(folder, number=1):
    toy = Toy(number)
    names = {"serving_default": "draw", "describe": "describe", "double": "double", "scale": "scale"}
    tf.saved_model.save(
        toy, str(folder), {key: getattr(toy, name).get_concrete_function() for key, name in names.items()}
    )
