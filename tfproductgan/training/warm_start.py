"""Warm start: a new training that begins with the weights of an old one, for other photos or another class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.conditions import ConditionSchema, fold
from tfproductgan.errors import RecipeError, RunError
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.layers.text_encoder import TextEncoder
from tfproductgan.models.loading import load
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.networks.base import Generator
from tfproductgan.recipes import Recipe
from tfproductgan.registry import network_class
from tfproductgan.training.checkpoints import Checkpoints
from tfproductgan.training.run_directory import RunDirectory
from tfproductgan.writing import read_json

_SHOWN = 3


def open_start(
    path: str | Path | None, out: str | Path, recipe: Recipe, image_size: int
) -> TrainingModel | TrainedModel | None:
    """The model whose weights a new training begins with; `None` if it begins anew or has begun already.

    Args:
        path: A run directory, whose newest sound checkpoint is taken, or a `.keras` file. One of a trained model alone
            holds averaged networks; the networks that have none start anew. `None` begins anew.
        out: The run directory of the new training.
        recipe: Its recipe.
        image_size: Of its pictures.

    Raises:
        RunError: If there is no such file, it is none of ours, or the training began otherwise.
        RecipeError: If it is of another kind, another family of networks or another picture size.
    """
    run = RunDirectory(out)
    began = (read_json(run.warm_start) or {}).get("path")
    goes_on = bool(Checkpoints(run.checkpoints).files)
    if (goes_on and path is not None and began != str(path)) or (not goes_on and path is None and began is not None):
        start = "without --from" if began is None else f"with --from {began}"
        raise RunError(f"{run.path} began {start}. Repeat that command to go on, or choose another --out.")
    if goes_on or path is None:
        return None
    old = load(Checkpoints(RunDirectory(path).checkpoints).newest_sound() or path)
    networks = old.networks()
    differences: list[tuple[str, str | int, str | int, str]] = [
        ("the kind of model", old.kind_name, recipe.kind, "recipe")
    ]
    for role, spec in recipe.networks.items():
        if role in networks and type(networks[role]) is not network_class(spec.family, role):
            family = type(networks[role]).__module__.rpartition(".")[2]
            differences.append((f"the family of the {role}", family, spec.family, "recipe"))
    differences.append(("image_size", old.schema.image_size, image_size, "image-size"))
    for what, there, here, option in differences:
        if there != here:
            raise RecipeError(
                f"{str(path)!r} cannot be started from: there {what} is {there!r}, and here {here!r} (--{option})."
            )
    return old


def check_fits(model: TrainingModel, old: TrainingModel | TrainedModel, path: str | Path) -> None:
    """Refuse an old model none of whose layers have the shapes of the new one's.

    Args:
        model: A new model.
        old: What `open_start` returned.
        path: Where it was found.

    Raises:
        RecipeError: If a training would begin anew but for vectors of conditions and the like.
    """
    role, network = model.output_role, model.learning_network
    there = old.networks().get(role)
    if there is None:
        return  # `take_weights` says so
    found = dict(_named(there))
    kernels = [(name, weight.shape) for name, weight in _named(network) if name.endswith("kernel")]
    if any(name in found and found[name].shape == shape for name, shape in kernels):
        return
    mine, theirs = network.get_config(), there.get_config()
    options = [name for name in network.argument_names() if name not in network.arguments(model.schema)]
    differ = [name for name in options if mine[name] != theirs.get(name)]
    listed = ", ".join(f"{name} {theirs.get(name)!r}, here {mine[name]!r}" for name in differ)
    right = " ".join(f"{role}.{name}={json.dumps(theirs.get(name))}" for name in differ)
    raise RecipeError(
        f"{str(path)!r} cannot be started from: no layer of its {role} has the shape of one here. There it has "
        f"{listed}. Train with --set {right}, or begin anew."
    )


def take_weights(model: TrainingModel, old: TrainingModel | TrainedModel, path: str | Path) -> list[str]:
    """Begin with the weights of an old model, those of its networks and of its averages.

    Attributes and values are matched by name. A value that is new gets the mean of those its attribute had, an
    attribute that is new adds nothing at first, even if the old model knew none. Whatever else agrees in shape is
    taken. Optimisers and counters start anew.

    Args:
        model: A new model.
        old: What `open_start` returned.
        path: Where it was found, to be noted.

    Returns:
        Lines for people: where the weights are from, what is new, and what could not be taken.
    """
    averages = old.averages() if isinstance(old, TrainingModel) else old.networks()
    taken: list[str] = []
    lost: list[str] = []
    for mine, theirs in ((model.networks(), old.networks()), (model.averages(), averages)):
        for role, network in mine.items():
            if role in theirs:
                _take(network, theirs[role], model.schema, old.schema, taken, lost)
            else:
                lost.append(f"the {role}, which it does not hold")
    model.give_conditions()
    model.warm_start = {"path": str(path), "model_id": old.model_id}
    lines = [f"Starts with {len(taken)} weights of {old.model_id} in {path}.", *_news(model.schema, old.schema)]
    if lost:
        lines.append(f"Not taken: {_first(lost, '; ')}.")
    return lines


def _take(
    network: Any, old: Any, schema: ConditionSchema, old_schema: ConditionSchema, taken: list, lost: list
) -> None:
    """Give a network the weights of an old one that fit; names of those that do and do not are added to lists."""
    there = dict(_named(old))
    embeddings = [layer for layer in network._flatten_layers() if isinstance(layer, ConditionEmbedding)]
    tables = {id(layer.table) for layer in embeddings}
    of_texts = {id(layer.to_text) for layer in embeddings}
    of_pieces = {id(layer.text.table) for layer in embeddings if isinstance(layer.text, TextEncoder)}
    for name, weight in _named(network):
        found = there.get(name)
        if id(weight) in tables and (found is None or found.shape[1:] == weight.shape[1:]):
            weight.assign(0 * weight.numpy() if found is None else _rows(found.numpy(), old_schema, schema))
        elif id(weight) in of_texts and found is None:
            weight.assign(0 * weight.numpy())
        elif id(weight) in of_pieces and found is not None and found.shape[1:] == weight.shape[1:]:
            weight.assign(_pieces(found.numpy(), old_schema, schema))
        elif found is not None and found.shape == weight.shape:
            weight.assign(found.numpy())
        elif found is not None and _see_latents(network, weight, old, found):
            weight.assign(np.concatenate([found.numpy()[: old.latent_dim], weight.numpy()[old.latent_dim :]]))
        else:
            size = "not there" if found is None else f"{list(found.shape)} there, {list(weight.shape)} here"
            lost.append(f"{network.name}/{name} ({size})")
            continue
        taken.append(name)


def _see_latents(network: Any, weight: Any, old: Any, found: Any) -> bool:
    """Whether two kernels differ by vectors of conditions that go in behind the latents: one network knows none."""
    if not isinstance(network, Generator) or old.latent_dim != network.latent_dim:
        return False
    rows = (found.shape[0], weight.shape[0]) == (old.style_dim, network.style_dim)
    return rows and found.shape[1:] == weight.shape[1:]


def _named(network: Any) -> Iterator[tuple[str, Any]]:
    """The weights of a network with their names in it."""
    for weight in network.weights:
        yield weight.path.removeprefix(f"{network.name}/"), weight


def _rows(table: np.ndarray, old: ConditionSchema, new: ConditionSchema) -> np.ndarray:
    """The table of a `ConditionEmbedding` of one schema for another: a row an id, one attribute after another."""
    ends = np.cumsum([attribute.num_ids for attribute in old.attributes])
    known = {}
    for attribute, end in zip(old.attributes, ends, strict=True):
        rows = table[end - attribute.num_ids : end]
        values = dict(zip(map(fold, attribute.values), rows[1:], strict=True))
        known[fold(attribute.name)] = rows[0], values, rows[1:].mean(axis=0)
    made = []
    for attribute in new.attributes:
        nothing = np.zeros(table.shape[1:], table.dtype)
        not_given, values, mean = known.get(fold(attribute.name), (nothing, {}, nothing))
        made += [not_given, *(values.get(fold(value), mean) for value in attribute.values)]
    return np.stack(made)


def _pieces(table: np.ndarray, old: ConditionSchema, new: ConditionSchema) -> np.ndarray:
    """The vectors of the pieces of one vocabulary for those of another; one that is new begins as their mean."""
    assert old.vocabulary is not None and new.vocabulary is not None
    known = dict(zip(old.vocabulary.pieces, table[1:], strict=True))
    mean = table[1:].mean(axis=0)
    return np.stack([table[0], *(known.get(piece, mean) for piece in new.vocabulary.pieces)])


def _news(schema: ConditionSchema, old: ConditionSchema) -> Iterator[str]:
    """Words for what the schema of a new training has that the old one had not, and the other way round."""
    before = {fold(attribute.name): attribute for attribute in old.attributes}
    for attribute in schema.attributes:
        if fold(attribute.name) not in before:
            yield f"New attribute: {attribute.name}; it adds nothing at first."
            continue
        known = set(map(fold, before.pop(fold(attribute.name)).values))
        new = [value for value in attribute.values if fold(value) not in known]
        if new:
            more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
            listed = f"{', '.join(new[:_SHOWN])}{more}"
            yield f"New values of {attribute.name}: {listed}; each begins as the mean of the old ones."
    if schema.vocabulary is not None and old.vocabulary is None:
        yield "New: texts; they add nothing at first."
    if before:
        yield f"Gone: {', '.join(attribute.name for attribute in before.values())}."


def _first(words: list[str], separator: str) -> str:
    """The first of many words, and how many more there are."""
    return separator.join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")
