"""Networks that nobody has taken apart are converted by their own graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tfproductgan.compression.compression import Compressor
from tfproductgan.compression.conversions import CONVERSIONS
from tfproductgan.compression.own_graph import own_graph
from tfproductgan.compression.portable import PortableGenerator, PortableTranslator
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import ConversionError, RunError
from tfproductgan.models.trained import TrainedGenerator, TrainedTranslator
from tfproductgan.networks.base import Generator
from tfproductgan.networks.dcgan import DCGANGenerator
from tfproductgan.networks.mlp import MLPGenerator
from tfproductgan.networks.pix2pix import UNetGenerator
from tfproductgan.networks.vae import VAEDecoder

SMALL = {"latent_dim": 6, "embedding_dim": 4}
WIDTH = 8


@keras.saving.register_keras_serializable(package="tests")
class Other(Generator):
    """Made of what no other family here is made of."""

    def __init__(self, num_ids, image_size=16, channels=3, latent_dim=6, embedding_dim=4, **kwargs):
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        policy = self.dtype_policy
        self.stem = layers.Dense(4 * 4 * WIDTH, dtype=policy)
        self.stem.build((None, self.style_dim))
        self.tints = layers.Embedding(num_ids[0], WIDTH, dtype=policy) if num_ids else None
        if num_ids:
            self.tints.build((None,))
        self.doublings = []
        for side in (8, 16):
            shape = (None, side, side, WIDTH)
            made = [
                layers.UpSampling2D(interpolation="nearest", dtype=policy),
                layers.DepthwiseConv2D(3, padding="same", dtype=policy),
                layers.Conv2D(WIDTH, 1, dtype=policy),
                layers.GroupNormalization(4, dtype=policy),
            ]
            for layer in made:
                layer.build(shape)
            self.doublings.append(made)
        self.output_layer = layers.Conv2D(channels, 3, padding="same", activation="tanh", dtype="float32")
        self.output_layer.build((None, image_size, image_size, WIDTH))
        self.built = True

    def call(self, inputs, training=False):
        style = self.style(inputs["latents"], self.embed(inputs["conditions"]))
        x = ops.reshape(self.stem(style), (-1, 4, 4, WIDTH))
        if self.tints is not None:
            x = x + ops.tanh(self.tints(inputs["conditions"][:, 0]))[:, None, None, :]
        for made in self.doublings:
            for layer in made:
                x = layer(x)
            x = ops.silu(x)
        return self.output_layer(x)


class Strange(Other):
    """With what neither LiteRT nor ONNX has."""

    def call(self, inputs, training=False):
        return super().call(inputs) + ops.tanh(tf.math.digamma(inputs["latents"][:, :1, None, None] + 9.0))


NETWORKS = {
    "modern": lambda: DCGANGenerator((3, 4), 32, width=4, max_width=12, **SMALL),
    "nearest": lambda: DCGANGenerator((3, 4), 32, width=4, max_width=12, upsampling="nearest", **SMALL),
    "bilinear": lambda: DCGANGenerator((3, 4), 28, width=4, upsampling="bilinear", **SMALL),
    "classic": lambda: DCGANGenerator((), 32, width=4, form="classic", **SMALL),
    "mlp": lambda: MLPGenerator((3,), 6, widths=(8, 8), **SMALL),
    "vae": lambda: VAEDecoder((3,), 32, width=8, **SMALL),
    "other": lambda: Other((3, 4)),
    "unconditional": lambda: Other(()),
    "unet": lambda: UNetGenerator((3,), 32, width=4, max_width=8),
}


def varied(network, spread=0.2):
    rng = np.random.default_rng(0)
    for weight in network.weights:
        noise = rng.normal(0, spread, weight.shape)
        weight.assign(weight + (np.abs(noise) if "variance" in weight.path else noise))
    return network


def inputs(network, count=3):
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, ids, count) for ids in network.num_ids]
    conditions = np.array(columns, np.int32).reshape(len(columns), count).T
    if isinstance(network, UNetGenerator):
        side = network.image_size
        source = rng.uniform(-1, 1, (count, side, side, network.source_channels)).astype(np.float32)
        return {"source": source, "conditions": conditions}
    return {"latents": rng.normal(size=(count, network.latent_dim)).astype(np.float32), "conditions": conditions}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_draws_what_the_network_draws_without_slow_operations(name):
    network = varied(NETWORKS[name]())
    given = inputs(network)
    graph = own_graph(network)
    drawn = tf.function(graph.draw, autograph=False).get_concrete_function(
        {name: tf.TensorSpec([None, *values.shape[1:]], values.dtype) for name, values in given.items()}
    )
    np.testing.assert_allclose(
        drawn({name: tf.constant(values) for name, values in given.items()}), network(given), atol=1e-4
    )
    assert "Conv2DBackpropInput" not in {operation.type for operation in drawn.graph.get_operations()}


@keras.saving.register_keras_serializable(package="tests")
class Twice(Other):
    """Doubles size as the rewriting does not know it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.last = layers.Conv2DTranspose(3, 3, 2, "same", dtype=self.dtype_policy)
        self.last.build((None, 16, 16, 3))

    def call(self, inputs, training=False):
        return self.last(super().call(inputs))[:, ::2, ::2]


def test_another_transposed_convolution_stays_as_it_is():
    network = varied(Twice((3,)))
    given = inputs(network)
    np.testing.assert_allclose(own_graph(network).draw(given), network(given), atol=1e-5)


def sampler(network):
    attributes = [Attribute(f"a{n}", tuple(f"v{i}" for i in range(1, ids))) for n, ids in enumerate(network.num_ids)]
    return TrainedGenerator(varied(network), ConditionSchema(attributes, network.image_size), "other-1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("litert-float16", "^Strange cannot be converted to LiteRT: LiteRT has no Digamma.$"),
        ("onnx", "^ONNX has no Digamma, which Strange needs.$"),
    ],
)
def test_what_a_converter_refuses_is_refused_by_name(tmp_path, name, message):
    with pytest.raises(ConversionError, match=message):
        CONVERSIONS[name].write(sampler(Strange((3,))), tmp_path / CONVERSIONS[name].file, {})


def test_what_a_network_refuses_is_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(Other, "refuses", {"litert-int8": "its sums need more than eight bits"})
    found = Compressor(sampler(Other((3,)))).convert(CONVERSIONS["litert-int8"], tmp_path)
    assert found.error == "Other cannot be converted to litert-int8: its sums need more than eight bits"
    assert found.refused and found.file is None and list(tmp_path.iterdir()) == []


# === Pictures of pictures ===


class Pairs:
    """In the place of a catalogue: noise that goes in."""

    def size(self, split):
        return 40 if split == "train" else 20

    def stream(self, split, batch_size):
        rng = np.random.default_rng(len(split))
        rows = {
            "images": rng.integers(0, 256, (batch_size, 32, 32, 3)).astype(np.uint8),
            "source": rng.integers(0, 256, (batch_size, 32, 32, 1)).astype(np.uint8),
            "conditions": rng.integers(0, 3, (batch_size, 1)).astype(np.int32),
        }
        return tf.data.Dataset.from_tensors(rows).repeat()


@pytest.fixture(scope="module")
def translator():
    keras.utils.set_random_seed(0)
    schema = ConditionSchema([Attribute("class", ("Ring", "Mug"))], 32, source_channels=1)
    return TrainedTranslator(varied(UNetGenerator((3,), 32, width=4, max_width=8), 0.1), schema, "sketches-1")


def test_pictures_of_pictures_are_made_without_tensorflow_too(translator, tmp_path):
    compressor = Compressor(translator, Pairs(), extractor=None)
    assert compressor.num_pictures == 20 and compressor.num_photos == 0
    found = compressor.convert(CONVERSIONS["onnx"], tmp_path)
    assert found.error is None, found.error
    sources = np.random.default_rng(5).integers(0, 256, (3, 32, 32, 1)).astype(np.uint8)
    ids = [translator.schema.encode(each) for each in ({"class": "mug"}, {}, {"class": "Ring"})]
    made = PortableTranslator(tmp_path / found.file).translate_squares(sources, ids)
    expected = translator.translate_squares(sources, np.array(ids, np.int32))
    assert np.abs(made.astype(int) - expected).max() <= 1
    with pytest.raises(RunError, match="makes pictures of pictures: open it with PortableTranslator"):
        PortableGenerator(tmp_path / found.file)


def test_without_pictures_to_try_it_with_a_translator_is_no_subject(translator):
    with pytest.raises(ConversionError, match="sketches-1 makes pictures of pictures: give those"):
        Compressor(translator)


# === All conversions ===


@pytest.mark.slow
@pytest.mark.parametrize("network", ["other", "unconditional", "vae"])
@pytest.mark.parametrize("name", CONVERSIONS)
def test_every_form_of_another_generator_passes_its_gate(tmp_path, network, name):
    model = sampler(NETWORKS[network]())
    found = Compressor(model).convert(CONVERSIONS[name], tmp_path)
    assert found.error is None, found.error


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVERSIONS)
def test_every_form_of_a_translator_passes_its_gate(translator, tmp_path, name):
    found = Compressor(translator, Pairs(), extractor=None).convert(CONVERSIONS[name], tmp_path)
    assert found.error is None, found.error
