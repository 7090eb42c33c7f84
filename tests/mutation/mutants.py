"""Finds the mutants of a module: small faults, each made in one place of its text."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator

import msgspec

from tests.mutation.expressions import Fault, expression_faults
from tests.mutation.left_out import find_reason
from tests.mutation.limits import is_limit
from tests.mutation.source import Node, Source, children
from tests.mutation.statements import decorator_fault, statement_faults


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One fault.

    Args:
        file: the module, relative to the root.
        line: where the fault is; the first of them.
        function: the classes and the function around it, with dots.
        operator: the kind of fault.
        before: the line or lines, without what they are indented by.
        after: the same with the fault.
        number: which one it is of those that look the same in this function, from 0.
        span: what is replaced, in bytes of the module.
        new: the text instead.
    """

    file: str
    line: int
    function: str
    operator: str
    before: str
    after: str
    number: int
    span: tuple[int, int]
    new: str

    @property
    def key(self) -> str:
        """A name that stays the same while other lines change."""
        words = (self.file, self.function, self.operator, self.before, self.after, str(self.number))
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def find_mutants(source: Source) -> list[Mutant]:
    """Return all mutants of a module, in the order of its text; a few may be no other program."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for node, (operator, replaced, new) in _faults(Node(source.tree, (), "")):
        span = _span(source, operator, replaced)
        before, after = source.change(span, new)
        same = (node.function, operator, before, after)
        found.append(
            Mutant(
                file=source.name,
                line=source.line_of(span[0]),
                function=node.function,
                operator=operator,
                before=before,
                after=after,
                number=seen[same],
                span=span,
                new=new,
            )
        )
        seen[same] += 1
    return sorted(found, key=lambda mutant: (mutant.line, mutant.span))


def is_other_program(source: Source, mutant: Mutant) -> bool:
    """Return whether the module with the fault is Python, and another program than without."""
    try:
        return ast.dump(ast.parse(source.replaced(mutant.span, mutant.new))) != ast.dump(source.tree)
    except SyntaxError:
        return False


def _faults(around: Node) -> Iterator[tuple[Node, Fault]]:
    for node in children(around):
        if find_reason(node):
            continue
        yield from ((node, fault) for fault in decorator_fault(node))
        if isinstance(node.node, ast.expr):
            if is_limit(node):
                continue
            yield from ((node, fault) for fault in expression_faults(node))
        elif isinstance(node.node, ast.stmt | ast.ExceptHandler):
            yield from ((node, fault) for fault in statement_faults(node))
        yield from _faults(node)


def _span(source: Source, operator: str, replaced: ast.stmt | ast.expr) -> tuple[int, int]:
    start, end = source.span_of(replaced)
    return (start - 1 if operator == "decorator" else start), end  # with its @
