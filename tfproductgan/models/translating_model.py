"""What models have in common that learn to make one picture of another."""

from __future__ import annotations

from tfproductgan.models.trained import TrainedTranslator
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.models.translator import Translator


class TranslatingModel(Translator, TrainingModel):
    """Base of models whose `generator` makes a picture of a picture; translating uses `ema_generator`."""

    # what is not given is left to the picture, so the network must know that too
    hides_only_attribute = True
    trained_class = TrainedTranslator

    @property
    def translating_network(self):
        """The network that `translate` asks."""
        return self.ema_generator

    def trained(self):
        """The averaged generator alone, ready to be saved and asked: a `TrainedTranslator`."""
        return self.trained_class.of(self)


def inputs_of(batch):
    """What goes into networks, of a batch."""
    return {"source": batch["source"], "conditions": batch["conditions"]}
