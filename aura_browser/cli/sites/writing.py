"""Changes ``sites.toml`` and keeps its comments and its order."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click
import tomlkit
from tomlkit.items import Item, Table

from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.site.config_folder import find_sites_file
from aura_browser.site.sites_file import check_name, parse_sites
from aura_browser.text import clean_text

_BEGINNING: Final = "# Sites of your own: https://toml.io, one table each. See: aura-browser sites --help\n"


def make_file() -> Path:
    """Return the path of ``sites.toml``; write one without sites if there is none.

    Raises:
        click.FileError: if it can't be written.
    """
    path = find_sites_file()
    if not os.path.lexists(path):
        _write(path, _BEGINNING.encode())
    return path


def add_site(name: str, table: Table) -> Path:
    """Add a site, and return the path of the file.

    Args:
        name: the site's name.
        table: its definition.

    Raises:
        InvalidInput: for a name that can't be one, or is taken; or if the definition can't work.
        InvalidConfiguration: if the file can't work as it is.
        click.FileError: if it can't be written.
    """
    path, document = _read()
    check_name(name)
    if name in document:
        raise InvalidInput("name", f"{name} is in {path} already; change it with: aura-browser sites edit")
    if len(document.body):
        document.add(tomlkit.nl())
    document.add(name, table)
    data = tomlkit.dumps(document).encode()
    try:
        parse_sites(data, path)
    except InvalidConfiguration as error:  # the file itself was read before
        raise InvalidInput(error.key, error.problem) from None
    _write(path, data)
    return path


def remove_site(name: str) -> Path:
    """Remove a site, and return the path of the file. Errors as :func:`add_site`."""
    path, document = _read()
    if name not in document:
        raise InvalidInput("name", f"{clean_text(name, 40)!r} is not in {path}")
    document.remove(name)
    _write(path, tomlkit.dumps(document).encode())
    return path


def read_table(name: str) -> str | None:
    """Return the table of a site as it stands in the file; None if it is not there. Errors as :func:`add_site`."""
    _, document = _read()
    if name not in document:
        return None
    alone = tomlkit.document()
    alone.add(name, document[name])
    return tomlkit.dumps(alone).strip()


def read_template(application: str) -> Table:
    """Return the definition of a well-known application, with its comments. *application* is one of APPLICATIONS."""
    text = files("aura_browser.site").joinpath("templates.toml").read_text("utf-8")
    table = tomlkit.parse(text)[application]
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    return table


def make_table(facts: Mapping[str, Any]) -> Table:
    """Return a table with *facts*, tables in it on one line each; what is empty is left out."""
    table = tomlkit.table()
    for key, value in facts.items():
        if value:
            table.add(key, make_item(value))
    return table


def make_item(value: object) -> Item:
    """Return *value* as TOML, on one line."""
    if not isinstance(value, Mapping):
        return tomlkit.item(list(value) if isinstance(value, tuple) else value)
    inline = tomlkit.inline_table()
    for key, part in value.items():
        inline.add(key, make_item(part))
    return inline


def _read() -> tuple[Path, tomlkit.TOMLDocument]:
    path = find_sites_file()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return path, tomlkit.document()
    except OSError as error:
        raise InvalidConfiguration(str(path), None, "", f"it can't be read: {error.strerror}") from None
    parse_sites(data, path)
    return path, tomlkit.parse(data.decode("utf-8-sig"))


def _write(path: Path, data: bytes) -> None:
    """Write the file with mode 0600; where it is a link, the file that it leads to."""
    from aura_browser.store.file import write_private

    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            raise click.FileError(clean_text(str(path)), "it is not a file")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, data)
    except OSError as error:
        raise click.FileError(clean_text(str(path)), error.strerror or "it can't be written") from None
