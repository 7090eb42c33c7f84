"""The package's surface: public names, and what importing it costs."""

import ast
import copy
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import aura_browser
from aura_browser import errors
from aura_browser.text import clean_text

ROOT = Path(aura_browser.__file__).parents[1]


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that *statement* loads in a new interpreter."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_root_loads_nothing_heavy() -> None:
    assert not {"selenium", "click", "rich", "redis", "aiohttp", "msgspec"} & loaded_by("import aura_browser")


def test_the_client_loads_no_browser_and_no_command_line() -> None:
    loaded = loaded_by("from aura_browser import Aura, AuraClient, SessionMiddleware")
    assert not {"selenium", "click", "rich", "publicsuffixlist"} & loaded
    assert "aiohttp" in loaded


def test_help_loads_no_browser_and_no_client() -> None:
    loaded = loaded_by("from aura_browser.cli import main\nmain(['--help'])")
    assert not {"selenium", "aiohttp", "rich"} & loaded
    assert "click" in loaded


def test_no_class_and_no_module_is_too_long_to_read_at_once() -> None:
    files = sorted((ROOT / "aura_browser").rglob("*.py"))
    lines = {file: file.read_text("utf-8").count("\n") for file in files if file.name != "errors.py"}
    classes = {
        f"{file}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert len(lines) > 100
    assert [file for file, length in lines.items() if length > 300] == []
    assert [name for name, length in classes.items() if length > 200] == []


def test_every_public_name_is_there_and_told() -> None:
    for name in aura_browser.__all__:
        thing = getattr(aura_browser, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
    assert sorted(aura_browser.__all__) == sorted(dir(aura_browser))
    assert aura_browser.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(aura_browser, "nothing")  # noqa: B009 - that is what is tested


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(aura_browser.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(aura_browser.__all__)


ALL_ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AuraError)]


@pytest.mark.parametrize("kind", ALL_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_drawn_tree_and_public(kind: type[errors.AuraError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__name__ in aura_browser.__all__


def test_errors_keep_their_facts_when_copied_and_pickled() -> None:
    error = errors.StreamInterrupted(url="https://x", reason="cut", partial="s3cret")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert isinstance(twin, errors.StreamInterrupted)
        assert (twin.url, twin.reason, twin.partial) == ("https://x", "cut", "s3cret")
    assert "s3cret" not in repr(error) + str(error)


@pytest.mark.parametrize(
    ("text", "clean"),
    [("a\x1b[31mb\x07", "a[31mb"), ("a\n\t b", "a b"), ("\u202eevil\ud800", "evil"), ("x" * 400, "x" * 299 + "…")],
)
def test_foreign_text_is_cleaned_for_a_terminal(text: str, clean: str) -> None:
    assert clean_text(text) == clean
