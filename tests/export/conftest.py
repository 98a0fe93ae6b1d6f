import pytest
import tensorflow as tf

from tfproductgan.export.saved_model import export_saved_model


@pytest.fixture(scope="session")
def exported(generator, tmp_path_factory):
    """The folder of a version."""
    return export_saved_model(generator, tmp_path_factory.mktemp("saved_models") / "shop")


@pytest.fixture(scope="session")
def served(exported):
    """What the folder answers: `served("generate", seed=[1], ...)`, inputs that are left out are ordinary."""
    signatures = tf.saved_model.load(str(exported)).signatures

    def ask(signature, **inputs):
        function = signatures[signature]
        rows = max(len(value) for value in inputs.values())
        complete = {}
        for name, spec in function.structured_input_signature[1].items():
            ordinary = "" if spec.dtype == tf.string else 1.0 if "truncation" in name else 0
            complete[name] = tf.constant(inputs.get(name, [ordinary] * rows), spec.dtype)
        [answer] = function(**complete).values()
        return answer.numpy()

    return ask
