"""How to train one model, of whatever kind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfproductgan.errors import RecipeError, nearest
from tfproductgan.recipes.checks import (
    check,
    check_choice,
    check_count,
    check_least,
    check_mapping,
    check_name,
    check_share,
    is_finite,
    is_whole,
)
from tfproductgan.recipes.objectives import GANObjective
from tfproductgan.registry import KINDS, kind_named

PRECISIONS = ("auto", "float32", "mixed_bfloat16")
SCHEDULES = ("cosine", "linear", "constant")

FORMAT = 2
"""Of the JSON form; 1 held fields of GANs side by side with all others."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A network of a recipe.

    Args:
        family: Its family, see `tfproductgan.registry.families`.
        options: Options of its constructor.
    """

    family: str = "dcgan"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """Adam, as a recipe sets it.

    Args:
        learning_rate: `None` takes what suits the size of the pictures, see `Recipe.for_size`.
        beta_1: First decay.
        beta_2: Second decay.
        final_beta_2: What the second decay has become at the end of the training, along a cosine. `None` leaves it.
    """

    learning_rate: float | None = None
    beta_1: float = 0.0
    beta_2: float = 0.9
    final_beta_2: float | None = None


_ADAM = tuple(field.name for field in dataclasses.fields(Optimizer))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train one model. Durations are counted in images, so they do not depend on the batch size.

    Args:
        name: What the recipe is called.
        kind: Kind of model, one of `tfproductgan.registry.KINDS`.
        networks: A `Network` for each role of the kind.
        optimizers: An `Optimizer` for each role that has one of its own.
        objective: What is learnt: an object of `tfproductgan.recipes.objectives` that belongs to the kind.
        label_dropout: With which probability an attribute is hidden in training, so that partial conditions work. The
            only attribute of a schema is never hidden: a request without it draws its value too.
        fade_conditions: Share of the training until which conditions fade in, for values of few photos: all are hidden
            in its first half, then given more and more often. 0 gives them from the start, and so does a training that
            begins with the weights of another. After Shahbazi et al. 2022, "Collapse by Conditioning: Training
            Class-conditional GANs with Limited Data", https://arxiv.org/abs/2201.06578
        balance: 0 draws photos as often as they are; 1 draws every value of an attribute equally often; 0.5
            lies between.
        batch_size: Real images of one update, over all replicas.
        microbatches: In how many parts each replica takes its share of `batch_size`, one after the other, penalties
            included: about a third less memory with two, half with four. The result is that of the whole share, up to
            rounding, if each picture counts by itself. Batch normalisation, `"dragan"` and the deviation within a
            batch take a part's statistics instead, spectral normalisation iterates once a part, and dropout draws anew.
        images: Length of the training in real images.
        gradient_clip: Gradients of a larger global norm are scaled down to it; 0 for no limit. Penalised
            discriminators now and then meet a photo whose gradient is ten times the usual one.
        schedule: `"cosine"` lets learning rates fall to `final_learning_rate` of themselves at the end of
            `images`, `"linear"` so in the second half of them, in a straight line, `"constant"` leaves them.
        final_learning_rate: Share of the learning rates left at the end.
        ema_half_life: Half-life of averaged networks in images, once the ramp is over.
        ema_ramp: The half-life is at most this share of the images seen so far.
        ema_warm_up: Share of the training over which `ema_half_life` rises from 0 along a cosine.
        precision: `"auto"` computes in bfloat16 where the machine is faster so, `"float32"`, `"mixed_bfloat16"`.
        seed: Seed of everything random, 0 to 2**63 - 1.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    name: str = "dcgan"
    kind: str = "gan"
    networks: Mapping[str, Network] = dataclasses.field(
        default_factory=lambda: {"generator": Network(), "discriminator": Network()}
    )
    optimizers: Mapping[str, Optimizer] = dataclasses.field(
        default_factory=lambda: {"generator": Optimizer(), "discriminator": Optimizer()}
    )
    objective: Any = dataclasses.field(default_factory=GANObjective)
    label_dropout: float = 0.1
    fade_conditions: float = 0.0
    balance: float = 0.0
    batch_size: int = 32
    microbatches: int = 1
    images: int = 400_000
    gradient_clip: float = 10.0
    schedule: str = "cosine"
    final_learning_rate: float = 0.1
    ema_half_life: int = 10_000
    ema_ramp: float = 0.05
    ema_warm_up: float = 0.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        check_name("name", self.name)
        kind = kind_named(self.kind)
        made_of = kind.find("objective")
        if not isinstance(self.objective, made_of):
            raise RecipeError(f"A {self.kind!r} learns a {made_of.__name__}. Received: {self.objective!r}")
        self._check_networks(kind.roles)
        self._check_optimizers(kind.optimizers)
        for field in ("batch_size", "microbatches", "images", "ema_half_life"):
            check_count(field, getattr(self, field))
        check_least("gradient_clip", self.gradient_clip)
        shares = ("label_dropout", "fade_conditions", "balance", "final_learning_rate", "ema_ramp", "ema_warm_up")
        for field in shares:
            check_share(field, getattr(self, field))
        right = "be a whole number from 0 to 2**63 - 1"
        check("seed", self.seed, lambda v: is_whole(v) and 0 <= v < 2**63, right)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("precision", self.precision, PRECISIONS)

    def _check_networks(self, roles):
        self._check_roles("networks", roles)
        for role, network in self.networks.items():
            check_name(f"{role}_family", network.family)
            object.__setattr__(network, "options", check_mapping(role, network.options))

    def _check_optimizers(self, names):
        self._check_roles("optimizers", names)
        for role, adam in self.optimizers.items():
            rate = f"{role}_learning_rate"
            check(rate, adam.learning_rate, lambda v: v is None or (is_finite(v) and v > 0), "be above 0")
            for field in ("beta_1", "beta_2", *(["final_beta_2"] if adam.final_beta_2 is not None else [])):
                right = "be at least 0 and below 1"
                check(f"{role}_{field}", getattr(adam, field), lambda v: is_finite(v) and 0 <= v < 1, right)

    def _check_roles(self, field, names):
        given = check_mapping(field, getattr(self, field))
        if set(given) != set(names):
            raise RecipeError(f"{field} of a {self.kind!r} are for {', '.join(names)}. Received: {', '.join(given)}")
        object.__setattr__(self, field, {name: given[name] for name in names})

    @property
    def step_images(self) -> int:
        """Images of one training step, over all replicas."""
        return self.batch_size * self.objective.parts

    # === Changing ===

    def replace(self, **overrides: Any) -> Recipe:
        """A copy with some fields changed, each under any name that `settings` gives or `change` takes.

        Raises:
            RecipeError: If there is no such field; the message lists the nearest names.
        """
        return self.change(((name,), value) for name, value in overrides.items())

    def change(self, assignments: Iterable[tuple[Sequence[str], Any]]) -> Recipe:
        """A copy with some values changed.

        Args:
            assignments: Pairs of a path and a value. A path follows the JSON form, such as
                `("networks", "generator", "options", "width")`; `("generator", "width")`, `("generator_beta_1",)`,
                `("loss",)` and `("penalties", "r1")` are short for what is found further inside. `("learning_rate",)`
                and `("family",)` set those of all networks.

        Raises:
            RecipeError: If there is no such field or its value cannot be.
        """
        data = self.to_dict()
        given = [(full, value) for path, value in assignments for full in self._full_paths(tuple(path))]
        # families first: options of one are not those of another
        for full, value in sorted(given, key=lambda pair: pair[0][-1] != "family"):
            if full[-1] == "family" and value != self.networks[full[1]].family:
                data["networks"][full[1]]["options"] = {}
            _assign(data, full, _plain(value))
        return self.from_dict(data)

    def settings(self) -> dict[str, Any]:
        """All fields side by side under their short names, JSON-ready; `replace` takes them."""
        data = self.to_dict()
        del data["format"]
        networks, optimizers, objective = (data.pop(name) for name in ("networks", "optimizers", "objective"))
        for role, network in networks.items():
            data |= {role: network["options"], f"{role}_family": network["family"]}
        for role, adam in optimizers.items():
            data |= {f"{role}_{field}": value for field, value in adam.items()}
        return {**data, **objective}

    def _full_paths(self, path):
        """Where the values lie that a path, short or in full, speaks of."""
        first, rest = path[0], path[1:]
        if first in self.networks:
            return [("networks", first, "family")] if rest == ("family",) else [("networks", first, "options", *rest)]
        if first in {field.name for field in dataclasses.fields(self.objective)}:
            return [("objective", *path)]
        if first == "family":
            return [("networks", role, *path) for role in self.networks]
        if first in _ADAM:
            return [("optimizers", role, *path) for role in self.optimizers]
        for role in {**self.networks, **self.optimizers}:
            field = first.removeprefix(f"{role}_")
            if field in _ADAM and role in self.optimizers:
                return [("optimizers", role, field, *rest)]
            if field == "family" and role in self.networks:
                return [("networks", role, field, *rest)]
        fields = [field.name for field in dataclasses.fields(self)]
        if first not in fields or (rest and first not in ("networks", "optimizers", "objective")):
            name = ".".join(path)
            raise RecipeError(
                f"A recipe of kind {self.kind!r} has no field {name!r}: "
                f"{_kinds_with(first) or nearest(name, [*self.settings(), *fields, *_ADAM])}"
            )
        if first == "kind":
            raise RecipeError(f"A recipe keeps its kind, {self.kind!r}: start from one of the other kind.")
        return [path]

    def for_size(self, image_size: int) -> Recipe:
        """The recipe for pictures of one size: learning rates of `None` become 2e-3 up to 64 pixels, 8e-4 above.

        Narrow networks learn fastest so; larger pictures, drawn by wider ones, get grain and tints at that rate.

        Penalties of `None` weigh 2 at 64 pixels and eight and a half times as much at each doubling: what R3GAN's
        authors took for 64 and 256 pixels.

        Args:
            image_size: Height and width in pixels.
        """
        rate = 2e-3 if image_size <= 64 else 8e-4
        weight = float(f"{2 * (image_size / 64) ** 3.1:.2g}")
        missing: list[tuple[Sequence[str], float]] = [
            (("optimizers", role, "learning_rate"), rate)
            for role, adam in self.optimizers.items()
            if adam.learning_rate is None
        ]
        penalties = getattr(self.objective, "penalties", {})
        missing += [(("penalties", name), weight) for name, given in penalties.items() if given is None]
        return self.change(missing)

    # === JSON ===

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        return {"format": FORMAT, **_plain(dataclasses.asdict(self))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` wrote, of this version of the package or an earlier one.

        Raises:
            RecipeError: If a field is unknown or its value cannot be.
        """
        if not isinstance(data, Mapping):
            raise RecipeError(f"A recipe maps field names to values. Received: {data!r}")
        if "format" not in data:  # all fields lay side by side: as `replace` takes them
            return cls().replace(**data)
        readable = f"be {FORMAT} at most, or tfproductgan be updated"
        check("format", data["format"], lambda v: is_whole(v) and v <= FORMAT, readable)
        data = {name: value for name, value in data.items() if name != "format"}
        kind = kind_named(data.get("kind", "gan"))
        data["objective"] = _made(kind.find("objective"), data.get("objective", {}))
        for field, made in (("networks", Network), ("optimizers", Optimizer)):
            if field in data:
                data[field] = {role: _made(made, values) for role, values in check_mapping(field, data[field]).items()}
        return _made(cls, data)

    def to_json(self) -> str:
        """The recipe as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2)


def _assign(data, path, value):
    """Set a value deep inside a recipe's JSON form."""
    *way, last = path
    for step in way:
        data = data.setdefault(step, {})
        if not isinstance(data, dict):
            raise RecipeError(f"{step} maps names to values, as in --set {step}.NAME=VALUE. Received: {data!r}")
    # of a network, whose role people know
    data[last] = check_mapping(path[-2], value) if last == "options" else value


def _made(made, values):
    """A dataclass from its JSON form."""
    fields = [field.name for field in dataclasses.fields(made)]
    for name in check_mapping(made.__name__, values):
        if name not in fields:
            raise RecipeError(f"A recipe has no field {name!r}: {nearest(name, fields)}")
    return made(**values)


def _kinds_with(field):
    """Words for the kinds of recipes whose objective has a field, if any has."""
    having = [
        repr(kind.name)
        for kind in KINDS.values()
        if field in {each.name for each in dataclasses.fields(kind.find("objective"))}
    ]
    return f"recipes of kind {', '.join(having)} have it" if having else ""


def _plain(value):
    """A value with lists in the place of tuples, as JSON has them, and mappings that can be changed."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
