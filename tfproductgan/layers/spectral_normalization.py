"""A linear layer whose largest singular value is held at one."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.condition_embedding import ConditionEmbedding

_FIRST_ITERATIONS = 15
_SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="tfproductgan")
class SpectralNormalization(keras.layers.Layer):
    """Divides what a linear layer puts out by the largest singular value of its kernel, then adds a bias.

    Unlike `keras.layers.SpectralNormalization` it leaves the kernel as the optimiser made it: that one
    overwrites the kernel at each call, in mixed precision with values rounded to bfloat16, and its gradients
    leave out that the singular value depends on the kernel.

    Args:
        layer: A `Dense` or `Conv2D` layer without bias and activation, or a `ConditionEmbedding`.
        use_bias: Whether to add a bias. Defaults to `True`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Inputs of the layer.
        training: Whether to take one step of the power iteration that follows the kernel's singular vector.

    Output shape: that of the layer.

    Reference:
        Miyato et al., 2018, Spectral Normalization for Generative Adversarial Networks,
        https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.layer, self.use_bias = layer, use_bias

    def build(self, input_shape):
        """Make the layer's kernel, the singular vector and the bias."""
        self.layer.build(input_shape)
        units = self._kernel.shape[-1]
        # a vector of ones has a part along the singular vector of all but contrived kernels
        self.vector = self.add_weight(
            name="vector", shape=(1, units), initializer="ones", trainable=False, autocast=False
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        # a power iteration follows a kernel that changes slowly; here it has to find it
        for _ in range(_FIRST_ITERATIONS):
            self.vector.assign(self._next_vector(self._matrix()))
        self.built = True

    def call(self, inputs, training=False):
        """Apply the layer, normalised."""
        matrix = self._matrix()
        if training:
            self.vector.assign(self._next_vector(matrix))
        # the singular vectors are constants of the derivative: it is exact at a singular value
        scale = ops.norm(ops.matmul(matrix, ops.transpose(ops.stop_gradient(self.vector.value))))
        outputs = ops.cast(self.layer(inputs), self.compute_dtype)
        outputs = outputs / ops.cast(ops.maximum(scale, _SMALLEST), self.compute_dtype)
        return outputs + self.bias if self.use_bias else outputs

    def compute_output_shape(self, input_shape):
        """The shape of the layer's output."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """Everything the constructor takes."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "use_bias": self.use_bias}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer `get_config` describes."""
        layer = keras.saving.deserialize_keras_object(config["layer"], custom_objects=custom_objects)
        return cls(**{**config, "layer": layer})

    @property
    def _kernel(self):
        return self.layer.vectors if isinstance(self.layer, ConditionEmbedding) else self.layer.kernel

    def _matrix(self):
        """The kernel as a matrix, one column an output."""
        kernel = ops.cast(self._kernel, "float32")
        return ops.reshape(kernel, (-1, kernel.shape[-1]))

    def _next_vector(self, matrix):
        matrix = ops.stop_gradient(matrix)
        there = ops.matmul(self.vector.value, ops.transpose(matrix))
        back = ops.matmul(there, matrix)
        return back / ops.maximum(ops.norm(back), _SMALLEST)
