"""The generator that comes along is the same in both of its forms."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfproductgan

ROOT = Path(__file__).parents[2] / "saved_models"


def test_the_exported_demo_is_the_generator_beside_it():
    if not (ROOT / "studio.keras").is_file() or not (ROOT / "studio" / "1").is_dir():
        pytest.skip("this checkout holds no models")
    generator = tfproductgan.load(ROOT / "studio.keras")
    signatures = tf.saved_model.load(str(ROOT / "studio" / "1")).signatures
    description = json.loads(signatures["describe"](request=tf.constant([""]))["description"].numpy()[0])
    card = json.loads((ROOT / "studio" / "1" / "model_card.json").read_text(encoding="utf-8"))
    assert description["model_id"] == card["model_id"] == generator.model_id
    judged = json.loads((ROOT / "studio.judgement.json").read_text(encoding="utf-8"))
    assert description["card"]["evaluation"] == card["evaluation"] == judged
    names = {name: tf.constant(["Ring" if name == "category" else ""]) for name in generator.schema.names}
    images = signatures["generate"](**names, seed=tf.constant([7], tf.int64), truncation=tf.ones(1))["images"].numpy()
    assert np.abs(images.astype(int) - generator.generate({"category": "Ring"}, seed=7)).max() <= 1
