"""What is not changed, since no test could or should notice: each rule with its reason."""

import ast
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.mutation.source import Node


class Rule(NamedTuple):
    """A kind of node that is left out, with all within it."""

    reason: str
    matches: Callable[[Node], bool]


def find_reason(node: Node) -> str:
    """Return why a node and all within it are left out; empty if they are not."""
    return next((rule.reason for rule in RULES if rule.matches(node)), "")


def name_of(node: ast.AST | None) -> str:
    """Return the last part of a dotted name, also of one that is called or subscripted; empty for other nodes."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_docstring(node: Node) -> bool:
    return isinstance(node.node, ast.Expr) and isinstance(node.node.value, ast.Constant)


def _is_hint(node: Node) -> bool:
    inner = node.node
    if node.role in {"annotation", "returns", "bases"}:
        return True
    if isinstance(inner, ast.Subscript) and name_of(inner) in {"Literal", "Annotated"}:
        return True
    if isinstance(inner, ast.BinOp) and node.role == "value" and not node.is_in_function:
        return isinstance(inner.op, ast.BitOr) and all(map(name_of, (inner.left, inner.right)))
    return isinstance(node.parent, ast.Call) and name_of(node.parent) in _TYPING and node.role == "args"


def _is_for_type_checkers(node: Node) -> bool:
    inner = node.node
    if isinstance(inner, ast.If) and name_of(inner.test) == "TYPE_CHECKING":
        return True
    if isinstance(inner, ast.ClassDef) and "Protocol" in _bases(inner):
        return True
    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
        return bool({"overload", "abstractmethod"} & set(map(name_of, inner.decorator_list)))
    return isinstance(inner, ast.Assert)


def _is_unreachable(node: Node) -> bool:
    return isinstance(node.node, ast.Raise) and name_of(node.node.exc) in {"NotImplementedError", "AssertionError"}


def _is_log(node: Node) -> bool:
    call = node.node.value if isinstance(node.node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and name_of(call.func.value) == "_log"


def _is_prose(node: Node) -> bool:
    inner = node.node
    if isinstance(inner, ast.JoinedStr):
        return True
    if not isinstance(inner, ast.Constant) or not isinstance(inner.value, str):
        return False
    return inner.value.count(" ") > 1 or node.function.rpartition(".")[2] in {"__repr__", "__str__"}


def _is_codec(node: Node) -> bool:
    return isinstance(node.node, ast.Constant) and node.node.value in _CODECS and node.role == "args"


def _is_names_list(node: Node) -> bool:
    if not isinstance(node.node, ast.Assign | ast.AnnAssign):
        return False
    targets = node.node.targets if isinstance(node.node, ast.Assign) else [node.node.target]
    return bool({"__all__", "__slots__", "__match_args__"} & set(map(name_of, targets)))


def _is_enum_member(node: Node) -> bool:
    return isinstance(node.node, ast.Assign) and isinstance(node.parent, ast.ClassDef) and "Enum" in _bases(node.parent)


def _bases(node: ast.ClassDef) -> set[str]:
    return set(map(name_of, node.bases))


def _is_start(node: Node) -> bool:
    inner = node.node
    return isinstance(inner, ast.If) and isinstance(inner.test, ast.Compare) and name_of(inner.test.left) == "__name__"


def _is_hidden_decorator(node: Node) -> bool:
    return node.role == "decorator_list" and name_of(node.node) in _HIDDEN_DECORATORS


def _is_hidden_keyword(node: Node) -> bool:
    return isinstance(node.node, ast.keyword) and node.node.arg in _HIDDEN_KEYWORDS


_CODECS: Final = {"ascii", "latin-1", "utf-8"}
_TYPING: Final = {"cast", "TypeVar", "NewType", "ParamSpec"}
_HIDDEN_DECORATORS: Final = {"override", "final", "wraps", "cache", "lru_cache"}
_HIDDEN_KEYWORDS: Final = {
    *("encoding", "frozen", "slots", "maxsize", "strict", "stacklevel", "exc_info", "kw_only"),
    *("help", "short_help", "epilog", "metavar"),
}

RULES: Final = (
    Rule("A docstring is for people.", _is_docstring),
    Rule("A type hint does nothing when the program runs; mypy looks at it.", _is_hint),
    Rule("It is for type checkers, or a subclass has its own; assertions go away with -O.", _is_for_type_checkers),
    Rule("It says that the line is never reached.", _is_unreachable),
    Rule("A log line is for people; tests look for secrets in it, and no program may depend on it.", _is_log),
    Rule("Prose, formatted text and what a repr adds to it are for people, who may be told in other words.", _is_prose),
    Rule('Python takes an encoding by many names, "utf-8~" too.', _is_codec),
    Rule("A list of names is for star imports and memory.", _is_names_list),
    Rule("A member of a plain Enum is compared itself; its value is a name for people.", _is_enum_member),
    Rule("A module started as a program is another program's test.", _is_start),
    Rule("Such a decorator saves time, or is for people and type checkers.", _is_hidden_decorator),
    Rule(
        "Such an argument saves memory, guards against a mistake in the same line or, frozen, against one that mypy "
        "finds, is for people, or is the default wherever tests run (UTF-8).",
        _is_hidden_keyword,
    ),
)
