"""Which faults are made in a line, and which are not."""

from textwrap import dedent

import pytest

from tests.mutation.left_out import RULES, find_reason
from tests.mutation.mutants import find_mutants, is_other_program
from tests.mutation.source import Node, Source, children

HEAD = "from typing import Final\n"


def changes(text: str, operator: str = "") -> list[str]:
    """Return the lines that a module's text can become, by one kind of fault or by all."""
    source = Source("aura_browser/x.py", dedent(text))
    found = [each for each in find_mutants(source) if is_other_program(source, each)]
    return [each.after for each in found if each.operator == operator or not operator]


@pytest.mark.parametrize(
    ("line", "operator", "after"),
    [
        ("x = 3", "constant", ["x = 4"]),
        ("x = 1.5", "constant", ["x = 3.0"]),
        ("x = 0.0", "constant", ["x = 1.0"]),
        ("x = True", "constant", ["x = False"]),
        ("x = 'é'", "constant", ["x = 'é~'"]),
        ("x = b'a'", "constant", ["x = b'a~'"]),
        ("y = x.decode('ascii', 'replace')", "constant", ["y = x.decode('ascii', 'replace~')"]),
        ("y = x < 3", "comparison", ["y = (x <= 3)"]),
        ("y = 1 < x != 3", "comparison", ["y = (1 <= x != 3)", "y = (1 < x == 3)"]),
        ("y = x < _MAX_BYTES", "comparison", []),
        ("y = x == _MAX_BYTES", "comparison", ["y = (x != _MAX_BYTES)"]),
        ("y = x is not z", "comparison", ["y = (x is z)"]),
        ("y = a and b", "and/or", ["y = (a or b)", "y = (b)", "y = (a)"]),
        ("if x: pass", "negation", ["if (not x): pass"]),
        ("if x == 1: pass", "negation", []),
        ("if x < 1: pass", "negation", ["if (not x < 1): pass"]),
        ("if not x: pass", "negation", ["if (x): pass"]),
        ("y = [z for z in x if z]", "negation", ["y = [z for z in x if (not z)]"]),
        ("y = a if b else c", "negation", ["y = a if (not b) else c"]),
        ("y = a + b", "arithmetic", ["y = (a - b)"]),
        ("y = 'a' + b", "arithmetic", []),
        ("f(x)", "removed call", ["pass"]),
        ("f(x, y=z, **w)", "keyword argument", ["f(x, **w)"]),
        ("with suppress(OSError): pass", "exception type", ["with suppress(): pass"]),
        ("raise KeyError", "removed raise", ["pass"]),
        ("del x[y]", "removed assignment", ["pass"]),
        ("_WAIT_S: Final = 30.0", "limit", ["_WAIT_S: Final = 0"]),
        ("_POLL_INTERVAL_S: Final = 0.1", "limit", ["_POLL_INTERVAL_S: Final = 40 * (0.1)"]),
        ("MAX_BYTES: Final = 2**9", "limit", ["MAX_BYTES: Final = 0", "MAX_BYTES: Final = 1000 * (2 ** 9)"]),
        ("MAX_BYTES: Final = 2**9", "constant", []),
    ],
)
def test_a_line_has_these_faults(line: str, operator: str, after: list[str]) -> None:
    assert changes(line, operator) == after


@pytest.mark.parametrize(
    ("body", "operator", "after"),
    [
        ("x = g()", "removed assignment", ["x = None"]),
        ("x: int = g()", "removed assignment", ["x: int = None"]),
        ("x.y = g()", "removed assignment", ["pass"]),
        ("x, y = g()", "removed assignment", []),
        ("x += 1", "removed assignment", ["pass"]),
        ("x = None", "removed assignment", []),
        ("return x", "returned None", ["return None"]),
        ("return None", "returned None", []),
        ("return", "returned None", []),
        ("await x()", "removed call", ["pass"]),
        ("while x: break", "loop", ["while x: continue"]),
        ("while x: continue", "loop", ["while x: break"]),
    ],
)
def test_a_line_of_a_function_has_these_faults(body: str, operator: str, after: list[str]) -> None:
    assert changes(f"async def f():\n    {body}\n", operator) == after


def test_exceptions_are_not_caught() -> None:
    text = """\
        try:
            pass
        except (KeyError, OSError):
            pass
        """
    assert changes(text, "exception type") == ["except ():", "except (OSError,):", "except (KeyError,):"]


def test_defaults_are_changed() -> None:
    assert changes("def f(a, b=1, *, c=True, d=None, e=D): pass", "default") == [
        "def f(a, b=2, *, c=True, d=None, e=D): pass",
        "def f(a, b=1, *, c=False, d=None, e=D): pass",
        "def f(a, b=1, *, c=True, d=None, e=None): pass",
    ]
    assert changes("class A:\n    x: int = 1\n", "default") == ["x: int = 2"]


def test_decorators_are_left_out() -> None:
    assert changes("@report_errors\n@property\n@click.option('--x')\ndef f(): pass", "decorator") == ["", ""]


LEFT_OUT = (
    '"""Says 3 things."""',
    "x: Literal['a']",
    "Source = A | B",
    "y = cast('A', x)",
    "if TYPE_CHECKING:\n    x = 3",
    "assert x == 3",
    "raise NotImplementedError(3)",
    "_log.info(f'{x}', 3)",
    "y = 'a text for people'",
    "y = f'{x + 1}'",
    "class A:\n    def __repr__(self):\n        y = 'A'",
    "__all__ = ['a']",
    "class A(Enum):\n    B = 'b'",
    "if __name__ == '__main__':\n    pass",
    "@cache\ndef f(): pass",
    "from io import open\ny = open(x, encoding='utf-8')",
    "y = f(x).decode('ascii')",
)


@pytest.mark.parametrize("text", LEFT_OUT)
def test_what_no_test_could_notice_is_left_out(text: str) -> None:
    assert [each for each in changes(text) if "None" not in each] == []


def test_each_rule_has_an_example_and_a_reason() -> None:
    nodes = [node for text in LEFT_OUT for node in _walk(Node(Source("x.py", text).tree, (), ""))]
    assert {find_reason(node) for node in nodes} - {""} == {rule.reason for rule in RULES}
    assert all(rule.reason.endswith(".") for rule in RULES)


def _walk(around: Node) -> list[Node]:
    return [each for node in children(around) for each in (node, *_walk(node))]


def test_a_fault_is_named_by_its_function_and_its_line_alone() -> None:
    text = "class A:\n    def f(self):\n        x()\n        x()\n"
    before, moved = (find_mutants(Source("a.py", each)) for each in (text, f"y = 1\n{text}"))
    calls = [each for each in before if each.operator == "removed call"]
    assert [(each.function, each.line, each.number) for each in calls] == [("A.f", 3, 0), ("A.f", 4, 1)]
    assert {each.key for each in before} < {each.key for each in moved}
    assert len({each.key for each in moved}) == len(moved)
