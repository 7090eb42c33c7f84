"""Another order of the tests, which a seed brings back."""

from collections import defaultdict
from random import Random

import pytest


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Change the order of files, and of the tests in each; those with the same shared fixture stay together."""
    random = Random(seed)  # noqa: S311 - an order
    groups: defaultdict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[item.path, _shared_parameters(item)].append(item)
    files: defaultdict[object, list[list[pytest.Item]]] = defaultdict(list)
    for group in groups.values():
        random.shuffle(group)
        files[group[0].path].append(group)
    order = list(files.values())
    random.shuffle(order)
    items[:] = [item for file in order for group in file for item in group]


def _shared_parameters(item: pytest.Item) -> object:
    """Return which parameters of fixtures the test has that live longer than a test, such as a browser."""
    callspec = getattr(item, "callspec", None)
    scopes = getattr(callspec, "_arg2scope", {})
    return tuple(sorted((name, callspec.indices[name]) for name, scope in scopes.items() if scope.value != "function"))  # type: ignore[union-attr]
