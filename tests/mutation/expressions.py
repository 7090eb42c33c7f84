"""Faults in expressions: the text that takes the place of one, by kind of fault."""

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Final

from tests.mutation.left_out import find_reason, name_of
from tests.mutation.limits import is_boundary
from tests.mutation.source import Node, children

Fault = tuple[str, ast.stmt | ast.expr, str]
"""The kind of fault, what it takes the place of, and the text instead."""

_COMPARISONS: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ARITHMETIC: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


def expression_faults(node: Node) -> Iterator[Fault]:
    """Yield the faults that can be made in one expression, not in those within it."""
    inner = node.node
    match inner:
        case ast.Constant():
            kind = "default" if _is_default(node) else "constant"
            yield from ((kind, inner, text) for text in change_constant(inner.value))
        case ast.Compare():
            yield from (("comparison", inner, text) for text in _comparisons(inner))
        case ast.BoolOp():
            yield from (("and/or", inner, text) for text in _logic(inner))
        case ast.UnaryOp(op=ast.Not()):
            yield "negation", inner, _written(inner.operand)
        case ast.BinOp() if type(inner.op) in _ARITHMETIC and not _is_text(inner.left) and not _is_text(inner.right):
            changed = copy.copy(inner)
            changed.op = _ARITHMETIC[type(inner.op)]()
            yield "arithmetic", inner, _written(changed)
        case ast.Call():
            yield from _arguments(node, inner)
        case ast.Attribute() | ast.Name() | ast.Call() if _is_default(node):
            yield "default", inner, "None"
    if isinstance(inner, ast.expr) and node.role in {"test", "ifs"}:
        yield from _negated(inner)


def change_constant(value: object) -> Iterator[str]:
    """Yield another value of the same type; none for None and Ellipsis."""
    match value:
        case bool():
            yield repr(not value)
        case int():
            yield repr(value + 1)
        case float():
            yield repr(value * 2 or 1.0)
        case str():
            yield repr(f"{value}~")
        case bytes():
            yield repr(value + b"~")


def _is_default(node: Node) -> bool:
    if node.role in {"defaults", "kw_defaults"}:
        return True
    return (
        node.role == "value" and isinstance(node.parent, ast.AnnAssign) and isinstance(node.parents[-2], ast.ClassDef)
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _written(node: ast.AST) -> str:
    return f"({ast.unparse(node)})"


def _comparisons(node: ast.Compare) -> Iterator[str]:
    for index, operator in enumerate(node.ops):
        if isinstance(operator, _ORDER) and is_boundary(node):
            continue
        changed = copy.copy(node)
        changed.ops = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
        yield _written(changed)


def _logic(node: ast.BoolOp) -> Iterator[str]:
    changed = copy.copy(node)
    changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _written(changed)
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield _written(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))


def _negated(node: ast.expr) -> Iterator[Fault]:
    """Yield the opposite of a condition, where a change of its operator is not the same."""
    is_same = isinstance(node, ast.Compare) and len(node.ops) == 1 and not isinstance(node.ops[0], _ORDER)
    if not is_same and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        yield "negation", node, _written(ast.UnaryOp(ast.Not(), node))


def _arguments(node: Node, call: ast.Call) -> Iterator[Fault]:
    left_out = [each.node for each in children(node) if find_reason(each)]
    for keyword in [each for each in call.keywords if each.arg and each not in left_out]:
        rest = copy.copy(call)
        rest.keywords = [each for each in call.keywords if each is not keyword]
        yield "keyword argument", call, ast.unparse(rest)
    if name_of(call) == "suppress" and call.args:
        yield "exception type", call, f"{ast.unparse(call.func)}()"
