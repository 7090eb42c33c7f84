"""Answers a shell that completes a command line, in milliseconds: no command is loaded, and no session is read.

What there is to complete is in ``completions.json``, which ``make docs`` writes.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from aura_browser.slugs import is_session

VARIABLE: Final = "_AURA_BROWSER_COMPLETE"
"""The variable by which a shell asks: ``bash_complete``, ``zsh_complete`` or ``fish_complete``."""
SHELLS: Final = ("bash", "zsh", "fish")
TABLE: Final = Path(__file__).with_name("completions.json")
"""Each command by its words: its ``commands`` and ``options`` with their help, and what its ``arguments`` are.

An option's or argument's kind is ``flag``, ``text``, ``file``, ``session``, ``site``, or a list of choices.
"""

_PROGRAM: Final = "aura-browser"
_SITE: Final = re.compile(r"^\[([a-z][a-z0-9-]*)\]", re.MULTILINE)


def build_script(shell: str) -> str:
    """Return the script for *shell*, one of :data:`SHELLS`."""
    return _open(shell).source()


def answer(instruction: str) -> str:
    """Return what to print for a shell that asks.

    Args:
        instruction: the value of :data:`VARIABLE`.

    Returns:
        The lines that the shell's script reads; empty if the shell is not known.
    """
    shell, _, what = instruction.partition("_")
    return _open(shell).complete() if shell in SHELLS and what == "complete" else ""


def list_items(words: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """Return what the word *incomplete* may become after *words*, the program's name left out."""
    table: Mapping[str, Any] = json.loads(TABLE.read_text("utf-8"))
    command, rest = _find_command(table, words)
    entry = table[command]
    before = rest[-1] if rest else ""
    kind = entry["options"].get(before, {}).get("kind", "flag")
    if kind != "flag":
        return list(_list_values(kind, incomplete, _read_store(rest)))
    if incomplete.startswith("-"):
        options = entry["options"].items()
        return [CompletionItem(name, help=each["help"]) for name, each in options if name.startswith(incomplete)]
    found = [CompletionItem(n, help=text) for n, text in entry["commands"].items() if n.startswith(incomplete)]
    count = _count_arguments(entry["options"], rest)
    kinds = entry["arguments"]
    if kinds:
        found += _list_values(kinds[min(count, len(kinds) - 1)], incomplete, _read_store(rest))
    return found


def _open(shell: str) -> ShellComplete:
    import click

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - for the type checker

    class _Quick(kind):  # type: ignore[misc, valid-type]
        """Click's protocol with this shell, with the answers from here."""

        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
            return list_items(args, incomplete)

    quick: ShellComplete = _Quick(click.Group(_PROGRAM), {}, _PROGRAM, VARIABLE)
    return quick


def _find_command(table: Mapping[str, Any], words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the command that *words* begin with, and the words behind it."""
    command = ""
    for number, word in enumerate(words):
        if word not in table[command]["commands"]:
            return command, words[number:]
        command = f"{command} {word}".strip()
    return command, []


def _count_arguments(options: Mapping[str, Any], words: Sequence[str]) -> int:
    """Return how many of *words* are arguments: neither options nor their values."""
    count, is_value = 0, False
    for word in words:
        is_option = word.startswith("-") and len(word) > 1
        count += not is_value and not is_option
        is_value = is_option and options.get(word, {}).get("kind", "flag") != "flag"
    return count


def _list_values(kind: str | list[str], incomplete: str, store: str | None) -> Iterator[CompletionItem]:
    if isinstance(kind, list):
        names: Sequence[str] = kind
    elif kind == "file":
        yield CompletionItem(incomplete, type="file")
        return
    else:
        names = {"session": lambda: _list_sessions(store), "site": _list_sites}.get(kind, list)()
    for name in names:
        if name.startswith(incomplete):
            yield CompletionItem(name)


def _read_store(words: Sequence[str]) -> str | None:
    """Return the store that the command line names, else that of the environment."""
    named = [value for option, value in pairwise(words) if option == "--store"]
    return named[-1] if named else os.environ.get("AURA_BROWSER_STORE")


def _list_sessions(store: str | None) -> list[str]:
    """Return the slugs of the sessions in a folder, by the names of their files; no other store is asked."""
    import platformdirs

    if store is not None and ("://" in store or store == "memory"):
        return []
    try:
        folder = Path(store) if store else platformdirs.user_state_path("aura-browser", appauthor=False) / "sessions"
        slugs = sorted(file.stem for file in folder.iterdir() if file.suffix == ".json")
    except (OSError, RuntimeError):
        return []
    return [slug for slug in slugs if is_session(slug)]


def _list_sites() -> list[str]:
    """Return the names of the sites in ``sites.toml``; a file that can't be read has none to offer."""
    import platformdirs

    try:
        folder = os.environ.get("AURA_BROWSER_CONFIG") or platformdirs.user_config_path("aura-browser", appauthor=False)
        text = (Path(folder) / "sites.toml").read_text("utf-8")
    except (OSError, RuntimeError, ValueError):
        return ["openchat"]
    return sorted({*_SITE.findall(text), "openchat"})
