"""Networks by name: a family registers its generator and discriminator once, recipes refer to it by name."""

from __future__ import annotations

import importlib
from typing import Any

from tfproductgan.errors import RecipeError, nearest

# Module of each family, imported when the family is first asked for: `import tfproductgan` stays instant.
FAMILIES = {
    "mlp": "tfproductgan.networks.mlp",
    "dcgan": "tfproductgan.networks.dcgan",
}


def import_families() -> None:
    """Import every family, so that Keras can find the networks that a `.keras` file refers to."""
    for module in FAMILIES.values():
        importlib.import_module(module)


def network_class(family: str, role: str) -> Any:
    """The class of a network.

    Args:
        family: A registered family, such as `"dcgan"`.
        role: `"generator"` or `"discriminator"`.

    Raises:
        RecipeError: If there is no such family or the family has no such role.
    """
    if family not in FAMILIES:
        raise RecipeError(f"Unknown network family {family!r}: {nearest(family, FAMILIES)}")
    roles = importlib.import_module(FAMILIES[family]).NETWORKS
    if role not in roles:
        raise RecipeError(f"The {family!r} family has no {role!r}; it has {', '.join(map(repr, roles))}")
    return roles[role]
