"""Time-outs and other limits: constants that may be somewhat larger or smaller, so only a large change is one."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.mutation.left_out import name_of
from tests.mutation.source import Node

_LIMIT: Final = re.compile(
    r"(^_?(MAX|MIN)_|_(S|MS|MINUTES|HOURS|DAYS|BYTES|MIB|CHARS|LENGTH|SIZE|TRIES|WINDOW|BACKLOG)$)"
)
_AMOUNT: Final = re.compile(r"^_?[A-Z_]+_(S|BYTES|MIB|CHARS|SIZE)$")
_SIZE: Final = re.compile(r"_(BYTES|MIB|CHARS|LENGTH|SIZE)$")
_PAUSE: Final = re.compile(r"INTERVAL|PAUSE|POLL|EVERY|LOOK")
_SLOWER: Final = 40
_LARGER: Final = 1000


def is_boundary(node: ast.Compare) -> bool:
    """Return whether something is compared with a limit in bytes, characters or seconds: one more is as good."""
    return any(_AMOUNT.search(name_of(each)) for each in (node.left, *node.comparators))


def is_limit(node: Node) -> bool:
    """Return whether a node is the value of a ``Final`` that is named after a unit, or a part of it.

    No test may depend on such a number as it is: 31 seconds are as good as 30.
    """
    statement = node.statement
    return (
        isinstance(statement, ast.AnnAssign)
        and not node.is_in_function
        and name_of(statement.annotation) == "Final"
        and bool(_LIMIT.search(name_of(statement.target)))
    )


def change_limit(statement: ast.AnnAssign) -> Iterator[str]:
    """Yield the changes that a test has to notice: no time at all, 40 times as slow, 1,000 times as large."""
    name, value = name_of(statement.target), statement.value
    if not isinstance(value, ast.Constant | ast.BinOp | ast.Name):
        return
    text = ast.unparse(value)
    yield f"{_SLOWER} * ({text})" if _PAUSE.search(name) else "0"
    if _SIZE.search(name):
        yield f"{_LARGER} * ({text})"
