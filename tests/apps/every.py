"""The applications, by their definitions' names."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.apps.app import App, Running, Visited
from tests.apps.chainlit import Chainlit
from tests.apps.directus import Directus
from tests.apps.django import Django
from tests.apps.dokuwiki import DokuWiki
from tests.apps.home_assistant import HomeAssistant
from tests.apps.jupyter import Jupyter
from tests.apps.mediawiki import MediaWiki
from tests.apps.mlflow import MLflow
from tests.apps.node_red import NodeRed

APPS: Final[dict[str, Callable[[Path], App]]] = {"django": Django, "node-red": NodeRed, "dokuwiki": DokuWiki}
"""Those that know two people."""

_LIGHT: Final[dict[str, Callable[[Path], Visited]]] = {**APPS, "jupyter": Jupyter, "chainlit": Chainlit}
# Too heavy to install each time: make test-apps-all.
_HEAVY: Final[dict[str, Callable[[Path], Visited]]] = {
    "mediawiki": MediaWiki,
    "directus": Directus,
    "home-assistant": HomeAssistant,
}
RUNNING: Final[dict[str, Callable[[Path], Running]]] = {**_LIGHT, **_HEAVY, "mlflow": MLflow}
"""All of them."""


def name_heavy(*names: str) -> list[object]:
    """Return the names of applications as parameters of tests, marked if they are heavy."""
    return [name if name in _LIGHT else pytest.param(name, marks=pytest.mark.heavy) for name in names]


VISITED: Final = name_heavy(*_LIGHT, *_HEAVY)
"""The names of those with a page on which a person logs in."""
