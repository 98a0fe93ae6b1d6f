"""What watches over a training: divergence, collapse, patterns, a discriminator that knows its photos
by heart.

Keras callbacks for the `fit` of a `TrainingModel`. Each measures at the end of every epoch, adds its numbers to the
epoch's logs (so put them before what writes logs or checkpoints) and, when something is wrong, says so and what to do;
see `OnAlarm` for what happens then.

```python
photos = products.stream("train", batch_size=256).take(8)
gan.fit(stream, ..., callbacks=[tpg.alarms.DivergenceAlarm(), tpg.alarms.CollapseAlarm(photos), ...])
```
They hold nothing that a training depends on: what lasts, the factor of the learning rates, is part of the model.
"""

from tfproductgan.training.alarms.collapse import CollapseAlarm
from tfproductgan.training.alarms.divergence import DivergenceAlarm
from tfproductgan.training.alarms.overfitting import OverfittingAlarm
from tfproductgan.training.alarms.responding import ACTIONS, Finding, OnAlarm
from tfproductgan.training.alarms.texture import TextureAlarm

__all__ = ["ACTIONS", "CollapseAlarm", "DivergenceAlarm", "Finding", "OnAlarm", "OverfittingAlarm", "TextureAlarm"]
