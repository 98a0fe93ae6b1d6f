"""The studio as a data set of TensorFlow Datasets; only import this module where that is installed.

Example:
    builder = StudioProducts(config="64px_10k", data_dir="data")
    builder.download_and_prepare()
    photos = builder.as_dataset(split="train")
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfproductgan.errors import require
from tfproductgan.studio.rendering import ATTRIBUTES, product, render

tfds = require("tensorflow_datasets", "tfds")

# tenths of the index range
_SPLITS = {"train": (0, 8), "validation": (8, 9), "test": (9, 10)}


@dataclasses.dataclass
class StudioConfig(tfds.core.BuilderConfig):
    """How many products, how large.

    Args:
        image_size: Pixels along the edge, 28 to 256. Default: 64.
        count: Number of products over all splits. Default: 10,000.
        seed: The studio's seed. Default: 0.
    """

    image_size: int = 64
    count: int = 10_000
    seed: int = 0


def _configs() -> list[StudioConfig]:
    return [
        StudioConfig(
            name=f"{size}px_{count // 1000}k",
            description=f"{count:,} products at {size} x {size} pixels.",
            image_size=size,
            count=count,
        )
        for size in (28, 32, 64, 128, 256)
        for count in (10_000, 50_000)
    ]


class StudioProducts(tfds.core.GeneratorBasedBuilder):
    """Drawn product photos with labels, mask, line drawing and description.

    Other sizes and counts: `StudioProducts(config=StudioConfig(name="mine", image_size=48, count=1000))`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 - the name and type TFDS asks for
    BUILDER_CONFIGS = _configs()

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.image_size
        labels = {name: tfds.features.ClassLabel(names=list(values)) for name, values in ATTRIBUTES.items()}
        return self.dataset_info_from_configs(
            description="Product photos drawn by a procedural studio; see tfproductgan.studio.",
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "image": tfds.features.Image(shape=(size, size, 3)),
                    "mask": tfds.features.Image(shape=(size, size, 1)),
                    "lines": tfds.features.Image(shape=(size, size, 1)),
                    "description": tfds.features.Text(),
                    **labels,
                }
            ),
            supervised_keys=("image", "category"),
            homepage="https://www.tensorflow.org/datasets",
        )

    def _split_generators(self, dl_manager):
        # nothing is downloaded: the manager stays unused
        count = self.builder_config.count
        splits = {}
        for name, (first, last) in _SPLITS.items():
            splits[name] = self._generate_examples(range(count * first // 10, count * last // 10))
        return splits

    def _generate_examples(self, indices: range):
        config = self.builder_config
        for index in indices:
            item = product(config.seed, index)
            pictures = render(item, config.image_size)
            name = f"studio_{config.seed}_{index:07d}"
            labels = {attribute: getattr(item, attribute) for attribute in ATTRIBUTES}
            yield (
                name,
                {
                    "id": name,
                    "image": pictures.image,
                    "mask": pictures.mask[..., np.newaxis],
                    "lines": pictures.lines[..., np.newaxis],
                    "description": item.description,
                    **labels,
                },
            )
