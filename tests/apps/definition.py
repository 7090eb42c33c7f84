"""Definitions of the applications as they come with the package, for the address that an application runs at."""

from importlib.resources import files
from typing import Final

import tomlkit
from tomlkit.items import Table

_TEMPLATES: Final = files("aura_browser.site").joinpath("templates.toml").read_text("utf-8")


def read_definition(application: str, url: str) -> str:
    """Return the table of *application* with another *url*, as TOML."""
    table = tomlkit.parse(_TEMPLATES)[application]
    assert isinstance(table, Table)
    table["url"] = url
    alone = tomlkit.document()
    alone.add(application, table)
    return tomlkit.dumps(alone)
