"""Faults in statements: one left out, a loop ended otherwise, an exception not caught, a decorator left out."""

import ast
from collections.abc import Iterator
from typing import Final

from tests.mutation.expressions import Fault
from tests.mutation.left_out import name_of
from tests.mutation.limits import change_limit, is_limit
from tests.mutation.source import Node

_KINDS_OF_METHOD: Final = {"property", "staticmethod", "classmethod"}  # without it each use of the method fails


def statement_faults(node: Node) -> Iterator[Fault]:
    """Yield the faults that can be made in one statement or handler, not in what is within it."""
    inner = node.node
    match inner:
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "removed call", inner, "pass"
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            yield from _assignment(node, inner)
        case ast.Raise():
            yield "removed raise", inner, "pass"
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "returned None", inner, "return None"
        case ast.Delete():
            yield "removed assignment", inner, "pass"
        case ast.Break():
            yield "loop", inner, "continue"
        case ast.Continue():
            yield "loop", inner, "break"
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield from _caught(caught)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _assignment(node: Node, inner: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[Fault]:
    if isinstance(inner, ast.AnnAssign) and is_limit(node) and inner.value is not None:
        yield from (("limit", inner.value, text) for text in change_limit(inner))
        return
    if not node.is_in_function or inner.value is None:
        return
    targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
    if isinstance(inner, ast.AugAssign) or not any(isinstance(each, ast.Name | ast.Tuple) for each in targets):
        yield "removed assignment", inner, "pass"
    elif isinstance(targets[0], ast.Name) and not _is_none(inner.value):
        yield "removed assignment", inner.value, "None"


def _caught(caught: ast.expr) -> Iterator[Fault]:
    yield "exception type", caught, "()"
    if isinstance(caught, ast.Tuple):
        for each in caught.elts:
            rest = [ast.unparse(other) for other in caught.elts if other is not each]
            yield "exception type", caught, f"({', '.join(rest)},)"


def decorator_fault(node: Node) -> Iterator[Fault]:
    """Yield the fault of a decorator left out."""
    inner = node.node
    if node.role == "decorator_list" and isinstance(inner, ast.expr) and name_of(inner) not in _KINDS_OF_METHOD:
        yield "decorator", inner, ""
