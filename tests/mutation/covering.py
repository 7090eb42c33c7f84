"""Which tests run the line of a mutant, in the order in which they are tried."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from tests.mutation.collecting import Collected, digest_of
from tests.mutation.mutants import Mutant
from tests.mutation.places import PACKAGE
from tests.mutation.tracing import SHARED

_MIN_S: Final = 0.02
"""What each test costs at least, its part of pytest's own work."""

_DEPTH: Final = 3
"""How far the users of a name are looked for: the users of their users, and once more."""

_WEIGHTS: Final = (1.0, 2.0, 4.0)
"""How much longer a test seems: of the files that tests/README.md names for the module, of its folder, of others."""


class Covering:
    """What was collected of all test files, for lookups by line.

    Args:
        root: the tree that mutants are made of.
        sources: the folder with the modules' texts at the time.
        collected: for each test file what it runs.
    """

    def __init__(self, root: Path, sources: Path, collected: dict[str, Collected]) -> None:
        self._root = root
        self._sources = sources
        self._lines: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._seconds: dict[str, float] = {}
        self._of_file: defaultdict[str, list[str]] = defaultdict(list)
        for file, one in collected.items():
            self._add(file, one)
        self._named = _read_table(root)

    def _add(self, file: str, one: Collected) -> None:
        passed = {name: outcome.seconds for name, outcome in one.tests.items() if outcome.is_passed}
        self._seconds |= passed
        self._of_file[file] += passed
        for module, lines in one.lines.items():
            moved = self._moves(module, one.modules[module])
            for line, tests in lines.items():
                if line in moved:
                    self._lines[module][moved[line]] |= set(self._spelled_out(tests))

    def _spelled_out(self, tests: Iterable[str]) -> Iterator[str]:
        for test in tests:
            names = self._of_file[test[1:].partition("::")[0]] if test.startswith(SHARED) else [test]
            yield from (name for name in names if name in self._seconds)

    @cache  # noqa: B019 - there is one for a run
    def _moves(self, module: str, digest: str) -> dict[int, int]:
        """Return where each line that a module had is now; lines that were changed are missing."""
        now = self._root / module
        if not now.exists():
            return {}
        old, new = ((path.read_text("utf-8").splitlines()) for path in (self._sources / digest, now))
        if digest == digest_of(now):
            return {number: number for number in range(1, len(old) + 1)}
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return {block.a + n + 1: block.b + n + 1 for block in blocks for n in range(block.size)}

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a mutant's line, those first that are quick and near.

        What runs at import counts for the tests that use it: the default of a parameter for those of the function, a
        name of a class or a module for those that run a line with that name. Failing both, all tests of the module do.
        """
        found = self._tests_at(mutant.file, mutant.line, _DEPTH)
        found = found or set().union(*self._lines[mutant.file].values())
        return sorted(found, key=lambda test: (self.seconds(test) * self._weight(mutant.file, test), test))

    def tests_named_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that tests/README.md names for a mutant's module, or its folder, whatever they run."""
        inner = PurePosixPath(mutant.file.removeprefix(f"{PACKAGE}/"))
        rows = (self._named.get(row) for row in (str(inner), *(f"{folder}/" for folder in inner.parents)))
        return [test for file in sorted(next(filter(None, rows), ())) for test in self._of_file[f"tests/{file}"]]

    def seconds(self, test: str) -> float:
        """Return how long a test took."""
        return max(self._seconds[test], _MIN_S)

    def _tests_at(self, file: str, line: int, depth: int) -> set[str]:
        """Return the tests that run the statement of a line; if it runs at import, those that run what uses it."""
        statement = _statement_at(self._tree(file), line)
        lines = _running_lines(statement, line) & self._lines_of_functions(file)
        found = set().union(*(self._lines[file].get(each, set()) for each in lines))
        return found if found or depth == 0 else self._tests_of_users(file, _names_in(statement), depth - 1)

    def _tests_of_users(self, file: str, names: frozenset[str], depth: int) -> set[str]:
        """Return the tests that run a line with one of some names, in the same file if there are any."""
        others = [each for each in self._lines if each != file]
        for group in ([file], others):
            uses = [(each, line) for each in group for line in _lines_with(self._tree(each), names)]
            if found := set().union(*(self._tests_at(each, line, depth) for each, line in uses)):
                return found
        return set()

    @cache  # noqa: B019 - there is one for a run
    def _tree(self, module: str) -> ast.Module:
        path = self._root / module
        return ast.parse(path.read_text("utf-8") if path.exists() else "")

    @cache  # noqa: B019 - there is one for a run
    def _lines_of_functions(self, module: str) -> set[int]:
        """Return the lines that don't run at import: which test's process it is that imports a module says nothing."""
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        around = [each for each in ast.walk(self._tree(module)) if isinstance(each, functions)]
        return {line for each in around for line in range(each.body[0].lineno, (each.end_lineno or 0) + 1)}

    def _weight(self, module: str, test: str) -> float:
        file = test.partition("::")[0].removeprefix("tests/")
        inner = module.removeprefix(f"{PACKAGE}/")
        if file in self._named.get(inner, ()):
            return _WEIGHTS[0]
        return _WEIGHTS[1] if file.partition("/")[0] == inner.partition("/")[0] else _WEIGHTS[2]


def _read_table(root: Path) -> dict[str, set[str]]:
    """Return for each module of tests/README.md the test files that it names."""
    page = root / "tests" / "README.md"
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", page.read_text("utf-8") if page.exists() else "", re.MULTILINE)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for modules, tests in rows:
        for module in re.findall(r"`([^`]+)`", modules):
            found[module] |= set(re.findall(r"`([^`]+)`", tests))
    return dict(found)


def _statement_at(tree: ast.Module, line: int) -> ast.stmt | None:
    """Return the innermost statement that a line belongs to, its decorators included."""
    around = [each for each in ast.walk(tree) if isinstance(each, ast.stmt) and line in _extent(each)]
    return max(around, key=lambda each: (each.lineno, -(each.end_lineno or 0)), default=None)


def _extent(statement: ast.stmt) -> range:
    first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
    return range(first, (statement.end_lineno or statement.lineno) + 1)


def _running_lines(statement: ast.stmt | None, line: int) -> set[int]:
    """Return the lines of a statement without those of the statements in it; for a function or class just those."""
    if statement is None:
        return {line}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return set(range(statement.body[0].lineno, (statement.end_lineno or 0) + 1))
    inner = [each for each in ast.walk(statement) if isinstance(each, ast.stmt) and each is not statement]
    return set(_extent(statement)) - {number for each in inner for number in _extent(each)}


def _names_in(statement: ast.stmt | None) -> frozenset[str]:
    """Return the names that a statement gives to something."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({statement.name})
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return frozenset()
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return frozenset(each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _lines_with(tree: ast.Module, names: frozenset[str]) -> set[int]:
    """Return the lines that use one of some names, also as an attribute or an argument."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.keyword(arg=name) if name in names:
                found.add(node.lineno)
    return found
