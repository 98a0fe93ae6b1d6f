"""The Inception graph of 2015-12-05, with which FID and the inception score were defined, in TensorFlow 2.

A frozen TensorFlow 1 graph for one picture at a time. Pictures enter behind the decoder, at `ExpandDims`, so that any
number of them goes through; the graph itself resizes them to 299 x 299 as TensorFlow 1 did, bilinear without half-pixel
centres, and scales them. `pool_3` gives 2048 features. Scores take the last matrix product without its bias, as the
published ones do.
"""

from __future__ import annotations

import os
import tarfile
import urllib.request
from pathlib import Path

import tensorflow as tf

from tfproductgan.catalogue.cache import default_folder
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.feature_extractor import FeatureExtractor, existing_file, file_sha256, with_channels
from tfproductgan.writing import replace_file

VARIABLE = "TFPRODUCTGAN_INCEPTION"
"""Environment variable with the path of the graph or of the archive."""

URL = "https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
ARCHIVE_BYTES = 88_931_400
"""Size of the archive as it was published."""

GRAPH_FILE = "classify_image_graph_def.pb"

INPUT, FEATURES, PRODUCT = "ExpandDims", "pool_3", "softmax/logits/MatMul"
"""Nodes: where pictures enter, the features, and the product whose second factor is the classifier."""


class InceptionExtractor(FeatureExtractor):
    """The frozen graph as an extractor.

    Args:
        graph: A serialised GraphDef with the nodes above.
        sha256: Of the file it came from.

    Raises:
        JudgementError: If it is no such graph.
    """

    def __init__(self, graph: bytes, sha256: str):
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(graph)
        except Exception as error:  # DecodeError of whichever protobuf TensorFlow brought along
            raise JudgementError("This is no frozen TensorFlow graph: it cannot be parsed.") from error
        names = {node.name for node in definition.node}
        missing = [name for name in (INPUT, FEATURES, PRODUCT) if name not in names]
        if missing:
            raise JudgementError(f"This is not the Inception graph of 2015-12-05: it has no {' or '.join(missing)}.")
        self._network = tf.compat.v1.wrap_function(
            lambda pictures: _features_and_probabilities(definition, pictures),
            [tf.TensorSpec([None, None, None, 3], tf.float32)],
        )
        features, probabilities = self._network.outputs
        super().__init__(
            name="inception",
            sha256=sha256,
            dim=features.shape[-1],
            preprocessing="3 channels, resized by the graph (TF1 bilinear, 299 px)",
            num_classes=probabilities.shape[-1],
        )

    def _forward(self, images):
        return self._network(tf.cast(with_channels(images, 3), tf.float32))


def _features_and_probabilities(definition, pictures):
    features, product = tf.graph_util.import_graph_def(
        definition,
        input_map={f"{INPUT}:0": pictures},
        return_elements=[f"{FEATURES}:0", PRODUCT],
        name="",
    )
    features = tf.reshape(features, [-1, features.shape[-1]])
    return features, tf.nn.softmax(features @ product.inputs[1])


def inception_extractor(path: str | Path | None = None, sha256: str | None = None) -> InceptionExtractor:
    """The extractor named `inception`.

    Args:
        path: Of the graph (`classify_image_graph_def.pb`) or the archive (`inception-2015-12-05.tgz`). By default
            `$TFPRODUCTGAN_INCEPTION`, else the archive is downloaded once, over TLS, and checked for its size.
        sha256: What that file must have, if given.

    Raises:
        JudgementError: If it is not there, cannot be downloaded, or is another file.
    """
    path = path or os.environ.get(VARIABLE) or _downloaded(sha256)
    path = existing_file(path, sha256, ". Give the Inception graph of 2015-12-05, or its archive.")
    return InceptionExtractor(_graph(path), file_sha256(path))


def _graph(path):
    """The bytes of the graph in a file or an archive."""
    if not tarfile.is_tarfile(path):
        return path.read_bytes()
    try:
        with tarfile.open(path) as archive:
            member = next((name for name in archive.getnames() if Path(name).name == GRAPH_FILE), None)
            if member is None:
                raise JudgementError(f"{str(path)!r} is an archive without {GRAPH_FILE}.")
            return archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise JudgementError(f"{str(path)!r} is a damaged archive: {error}") from error


def _downloaded(sha256):
    """The archive in the cache, downloaded if it is not there."""
    where = f"Download it elsewhere and give its path, or set {VARIABLE}"

    def download(path):
        try:
            urllib.request.urlretrieve(URL, path)
        except OSError as error:
            raise JudgementError(f"The Inception graph cannot be downloaded from {URL}: {error}. {where}.") from error
        size = path.stat().st_size
        if size != ARCHIVE_BYTES:
            raise JudgementError(f"{URL} gave {size:,} bytes, and the archive has {ARCHIVE_BYTES:,}. {where}.")
        existing_file(path, sha256)

    folder = default_folder()
    if folder is None:
        raise JudgementError(f"There is no folder to download the Inception graph into. {where}.")
    path = folder / "extractors" / URL.rpartition("/")[2]
    return path if path.is_file() else replace_file(path, download)
