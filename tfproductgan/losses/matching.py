"""A loss that tells what a picture shows from what others show."""

from __future__ import annotations

from keras import ops


def with_others(conditions, others, slices):
    """Each row's conditions, and behind them, for each attribute, those with that attribute of another photo.

    Args:
        conditions: Ids `[batch, columns]`.
        others: Ids `[batch, attributes, columns]`: for each attribute a photo's.
        slices: The columns of each attribute, as of a `ConditionSchema`.

    Returns:
        Ids `[batch, 1 + attributes, columns]`.
    """
    changed = [
        ops.concatenate([conditions[:, : at.start], others[:, place, at], conditions[:, at.stop :]], axis=1)
        for place, at in enumerate(slices)
    ]
    return ops.stack([conditions, *changed], axis=1)


def matching_loss(logits, conditions, slices, than=None):
    """How much a picture's logit for its own conditions lacks of a lead over those for others.

    With a projection discriminator each attribute's part of the logit becomes what tells its values apart: an auxiliary
    classifier without a head of its own. The mean, over pictures and attributes, of softplus(D(x, other) - D(x, own));
    0 where either is not given or both share a value.

    A generator that makes this as small as it can draws the plainest example of every value again and again, since
    nothing is won by one that is as hard to tell as many photos are. Beside photos of the same conditions it is only
    what pictures cost more than those.

    Args:
        logits: `[batch, 1 + attributes]`, of the conditions that `with_others` gives.
        conditions: Those.
        slices: As for `with_others`.
        than: Logits of photos for the same conditions, `[batch, 1 + attributes]`, or `None`.

    Returns:
        A scalar.

    Reference:
        Reed et al., 2016, Generative Adversarial Text to Image Synthesis, https://arxiv.org/abs/1605.05396, whose
        discriminators are shown photos with the captions of others; here as pairs, as in a relativistic loss. That
        auxiliary classifiers cost variety: Gong et al., 2019, Twin Auxiliary Classifiers GAN,
        https://arxiv.org/abs/1907.02690
    """
    total = 0.0
    for place, at in enumerate(slices, start=1):
        own, other = conditions[:, 0, at], conditions[:, place, at]
        given = ops.any(own > 0, axis=1) & ops.any(other > 0, axis=1)
        shared = ops.any((own[:, :, None] == other[:, None, :]) & (own[:, :, None] > 0), axis=(1, 2))
        costs = ops.softplus(logits[:, place] - logits[:, 0])
        if than is not None:
            costs = ops.relu(costs - ops.softplus(than[:, place] - than[:, 0]))
        total = total + ops.mean(ops.cast(given & ~shared, logits.dtype) * costs)
    return total / len(slices)
