"""The text of a module: where its nodes lie, and the text with one of them replaced."""

import ast
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Source:
    """A module's text.

    Args:
        name: the module's path, relative to the root of the tree.
        text: as it is in the file.
    """

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @cached_property
    def _raw(self) -> bytes:
        return self.text.encode()

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins, in bytes, as ``ast`` counts columns; at last where the text ends."""
        return [0, *accumulate(map(len, self._raw.splitlines(keepends=True)))]

    def span_of(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return where *node* begins and ends, in bytes."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end_line - 1] + end_column

    def replaced(self, span: tuple[int, int], new: str) -> str:
        """Return the text with *new* in place of a span."""
        return (self._raw[: span[0]] + new.encode() + self._raw[span[1] :]).decode()

    def line_of(self, offset: int) -> int:
        """Return the number of the line that a byte is in."""
        return bisect_right(self._starts, offset)

    def change(self, span: tuple[int, int], new: str) -> tuple[str, str]:
        """Return the lines around a span, and what becomes of them with *new*, each as one line with single spaces."""
        start = self._starts[self.line_of(span[0]) - 1]
        end = self._starts[min(self.line_of(span[1]), len(self._starts) - 1)]
        before = self._raw[start:end]
        after = self._raw[start : span[0]] + new.encode() + self._raw[span[1] : end]
        return " ".join(before.decode().split()), " ".join(after.decode().split())


@dataclass(frozen=True)
class Node:
    """A node with those around it, the nearest last.

    Args:
        node: itself.
        parents: from the module down.
        role: the field of its parent that it is in, such as ``annotation``.
    """

    node: ast.AST
    parents: tuple[ast.AST, ...] = field(repr=False)
    role: str

    @property
    def parent(self) -> ast.AST:
        """The nearest node around it."""
        return self.parents[-1]

    @property
    def statement(self) -> ast.stmt:
        """The nearest statement around it, or itself."""
        return next(each for each in (self.node, *reversed(self.parents)) if isinstance(each, ast.stmt))

    @property
    def function(self) -> str:
        """The classes and the function around it, with dots; empty at the module's level."""
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return ".".join(each.name for each in (*self.parents, self.node) if isinstance(each, kinds))

    @property
    def is_in_function(self) -> bool:
        """Whether a function is around it."""
        return any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in self.parents)


def children(around: Node) -> Iterator[Node]:
    """Yield the nodes directly within one."""
    parents = (*around.parents, around.node)
    for role, value in ast.iter_fields(around.node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield Node(each, parents, role)
