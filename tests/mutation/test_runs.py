"""A whole run over a small package of its own: which tests are chosen, what is killed, what goes on later."""

import tempfile
import time
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.mutation import collecting, trial
from tests.mutation.collecting import collect, read_collected
from tests.mutation.covering import Covering
from tests.mutation.explained import Explained, read_explained
from tests.mutation.mutants import Mutant, find_mutants
from tests.mutation.places import SURVIVORS, list_modules, list_test_files
from tests.mutation.report import report_text, word_of
from tests.mutation.results import add_trial, read_trials
from tests.mutation.running import choose_more, choose_tests, run_trials
from tests.mutation.sampling import sample
from tests.mutation.source import Source
from tests.mutation.trial import Trial, copied_tree, try_mutant
from tests.parts.pages import ROOT

pytestmark = pytest.mark.slow  # pytest runs in pytest, a few times

MODULE = """\
STEP = 2


def add(a: int, by: int = STEP) -> int:
    if a > 5:
        return a
    return a + by


def forget(a: dict[str, int]) -> None:
    a.clear()


def wait(a: int) -> int:
    while a > 0:
        a -= 1
    return a


def unused() -> int:
    return 1
"""

TESTS = """\
import subprocess
import sys

import pytest

from aura_browser.numbers import add, forget, wait


@pytest.fixture(scope="module")
def forgotten():
    a = {"x": 1}
    forget(a)
    return a


def test_add():
    assert add(1) == 3


def test_forget(forgotten):
    assert forgotten is not None


def test_forget_more(forgotten):
    assert not forgotten


def test_wait():
    subprocess.run([sys.executable, "-c", "from aura_browser.numbers import wait; wait(3)"], check=True)


def test_fails():
    assert add(9) == 0
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name, text in {
        "aura_browser/__init__.py": "",
        "aura_browser/numbers.py": MODULE,
        "aura_browser/playground/__init__.py": "",
        "aura_browser/playground/pytest_plugin.py": "",  # it is an entry point of pytest
        "tests/test_numbers.py": TESTS,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def data(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    collect(folder, tree, ["tests/test_numbers.py"])
    return folder


def covering_of(tree: Path, data: Path) -> Covering:
    collected = read_collected(data, tree, "tests/test_numbers.py")
    assert collected is not None
    return Covering(tree, data / "sources", {"tests/test_numbers.py": collected})


def mutant(tree: Path, before: str, after: str) -> Mutant:
    source = Source("aura_browser/numbers.py", (tree / "aura_browser/numbers.py").read_text("utf-8"))
    (found,) = [each for each in find_mutants(source) if (each.before, each.after) == (before, after)]
    return found


def chosen_for(tree: Path, data: Path, before: str, after: str) -> set[str]:
    chosen, _ = choose_tests(covering_of(tree, data), mutant(tree, before, after))
    return {name.partition("::")[2] for name in chosen}


EVERYONE = {"test_add", "test_forget", "test_forget_more", "test_wait"}


@pytest.mark.parametrize(
    ("before", "after", "tests"),
    [
        ("return a + by", "return None", {"test_add"}),
        # A fixture of several tests, and another process, count for all tests of the file; those that fail never do.
        ("a.clear()", "pass", EVERYONE),
        ("a -= 1", "pass", EVERYONE),
        # What runs at import counts for the tests that use it.
        ("STEP = 2", "STEP = 3", {"test_add"}),
        ("def add(a: int, by: int = STEP) -> int:", "def add(a: int, by: int = None) -> int:", {"test_add"}),
        # No test runs it: all tests of the module are tried.
        ("return 1", "return None", EVERYONE),
    ],
)
def test_the_tests_that_run_a_line_are_chosen(tree: Path, data: Path, before: str, after: str, tests: set[str]) -> None:
    assert chosen_for(tree, data, before, after) == tests


@pytest.mark.soak
def test_a_mutant_that_the_first_tests_miss_is_tried_with_more(
    tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mutation.running._TESTS_S", 0.0)
    trials: list[Trial] = []
    never = mutant(tree, "return 1", "return 2")
    run_trials([never], covering_of(tree, data), root=tree, processes=1, note=trials.append)
    assert [(trial.outcome, trial.tests, trial.covering) for trial in trials] == [("survived", 4, 4)]
    first, _ = choose_tests(covering_of(tree, data), never)
    assert len(first) == 1
    monkeypatch.setattr("tests.mutation.running._MORE_S", 0.0)
    assert choose_more(covering_of(tree, data), never, first) == []


@pytest.mark.parametrize("row", ["numbers.py", "./", "other.py"])
def test_the_tests_that_are_named_for_a_module_are_among_the_further_ones(tree: Path, data: Path, row: str) -> None:
    with copied_tree(tree) as copy:
        (copy / "tests/README.md").write_text(f"| `{row}` | `test_numbers.py` |\n", "utf-8")
        adds = mutant(copy, "return a + by", "return None")
        more = choose_more(covering_of(copy, data), adds, ["tests/test_numbers.py::test_add"])
    assert ("tests/test_numbers.py::test_wait" in more) == (row != "other.py")


def test_lines_are_found_again_after_a_change(tree: Path, data: Path) -> None:
    with copied_tree(tree) as copy:
        path = copy / "aura_browser/numbers.py"
        path.write_text(f"import os\n\n\n{path.read_text('utf-8')}", "utf-8")
        assert chosen_for(copy, data, "return a + by", "return None") == {"test_add"}


def test_a_changed_test_file_is_collected_anew(tree: Path, data: Path) -> None:
    with copied_tree(tree) as copy:
        (copy / "tests/test_numbers.py").write_text(f"# another\n{TESTS}", "utf-8")
        assert read_collected(data, copy, "tests/test_numbers.py") is None


def test_half_a_file_of_a_process_that_was_killed_takes_the_others_nothing(tmp_path: Path) -> None:
    whole = CoverageData(basename=str(tmp_path / "lines.ended"))
    whole.set_context("tests/test_numbers.py::test_add")
    whole.add_lines({str(tmp_path / "aura_browser/numbers.py"): [1]})
    whole.write()
    (tmp_path / "lines.killed").write_bytes(b"half of it")
    read = collecting._read_lines(tmp_path, sorted(tmp_path.glob("lines.*")))
    assert read == {"tests/test_numbers.py": {"aura_browser/numbers.py": {1: ["tests/test_numbers.py::test_add"]}}}


@pytest.mark.soak
def test_mutants_are_killed_or_survive_and_the_tree_is_left_alone(tree: Path, data: Path, tmp_path: Path) -> None:
    before = (tree / "aura_browser/numbers.py").read_bytes()
    mutants = [
        mutant(tree, "return a + by", "return (a - by)"),
        mutant(tree, "if a > 5:", "if (a >= 5):"),
        mutant(tree, "return 1", "return 2"),
    ]
    kept = tmp_path / "trials.jsonl"
    run_trials(mutants, covering_of(tree, data), root=tree, processes=2, note=lambda each: add_trial(kept, each))
    trials = read_trials(kept)
    assert [trials[each.key].outcome for each in mutants] == ["killed", "survived", "survived"]
    assert trials[mutants[0].key].by == "tests/test_numbers.py::test_add"
    assert (tree / "aura_browser/numbers.py").read_bytes() == before


@pytest.mark.soak
def test_tests_that_are_no_more_kill_nothing(tree: Path) -> None:
    with copied_tree(tree) as copy:
        wrong = mutant(tree, "return a + by", "return None")
        gone, known = "tests/test_numbers.py::test_add[2]", "tests/test_numbers.py::test_add"
        assert try_mutant(wrong, [gone], copy=copy, expected_s=1.0) == ("unclear", "")
        assert try_mutant(wrong, [gone, known], copy=copy, expected_s=1.0) == ("killed", known)


@pytest.mark.soak
def test_a_program_that_hangs_is_a_kill(tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutation.trial._START_S", 20.0)
    monkeypatch.setattr("tests.mutation.trial._SLOWER", 0.0)
    trials: list[Trial] = []
    hanging = mutant(tree, "a -= 1", "pass")
    run_trials([hanging], covering_of(tree, data), root=tree, processes=1, note=trials.append)
    assert [(trial.outcome, trial.is_killed) for trial in trials] == [("timeout", True)]


@pytest.mark.soak
def test_on_a_machine_that_is_busy_nothing_is_said_of_a_mutant(
    tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mutation.trial._START_S", 0.01)
    monkeypatch.setattr("tests.mutation.trial._SLOWER", 0.0)
    trials: list[Trial] = []
    survivor = mutant(tree, "if a > 5:", "if (a >= 5):")
    run_trials([survivor], covering_of(tree, data), root=tree, processes=1, note=trials.append)
    assert [(trial.outcome, trial.is_killed, word_of(trial, [])) for trial in trials] == [("unclear", False, "unclear")]
    assert "0 survived, 0 explained, 1 unclear" in report_text(trials, [])


@pytest.mark.soak
def test_an_end_in_the_middle_leaves_nothing(
    tree: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_trial: Trial) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mutants = [mutant(tree, "return a + by", "return None"), mutant(tree, "a -= 1", "pass")]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_trials(mutants, covering_of(tree, data), root=tree, processes=2, note=stop)
    assert time.monotonic() - began < trial._START_S, "it waits for no test that hangs"
    assert trial._running == set()
    assert list(tmp_path.glob("mutants-*")) == []


def test_a_seed_chooses_the_same_whatever_else_changes() -> None:
    one = {"aura_browser/numbers.py": Source("aura_browser/numbers.py", MODULE)}
    more = {**one, "aura_browser/a.py": Source("aura_browser/a.py", "x = f(1)\ny = f(2)\n")}
    first = [each.key for each in sample(one, "1", 5)]
    assert [each.key for each in sample(one, "1", 3)] == first[:3]
    assert [each.key for each in sample(one, "2", 5)] != first
    both = [each.key for each in sample(more, "1", 99) if each.file == "aura_browser/numbers.py"]
    assert both[:5] == first
    assert len({(each.file, each.line) for each in sample(more, "1", 99)}) == len(sample(more, "1", 99))


def test_the_report_counts_and_names_the_survivors_that_nobody_explained() -> None:
    source = Source("aura_browser/numbers.py", MODULE)
    first, second, third = sample({source.name: source}, "1", 3)
    trials = [
        Trial(mutant=first, outcome="killed", by="tests/test_numbers.py::test_add"),
        Trial(mutant=second, outcome="survived", tests=1, covering=1),
        Trial(mutant=third, outcome="uncovered"),
    ]
    known = Explained(second.file, second.function, second.before, second.after, "It is so.")
    assert [word_of(trial, [known]) for trial in trials] == ["killed", "explained", "survived"]
    text = report_text(trials, [known])
    assert "3 mutants: 1 killed, 1 survived, 1 explained; 50.0 % killed" in text
    assert f"{third.file}:{third.line} {third.before} → {third.after}" in text
    assert f"{second.file}:{second.line} " not in text


def test_each_explained_survivor_is_still_a_mutant_and_has_a_reason() -> None:
    for each in read_explained(SURVIVORS):
        path = ROOT / each.file
        assert path.exists(), each
        assert any(each.matches(one) for one in find_mutants(Source(each.file, path.read_text("utf-8")))), each
        assert len(each.reason) > len("It is equal.")


def test_all_modules_and_the_tests_that_suit_are_listed() -> None:
    assert "aura_browser/http/body.py" in list_modules(ROOT)
    files = list_test_files(ROOT, [])
    assert "tests/http/test_body.py" in files
    assert not [name for name in files if name.startswith(("tests/apps/", "tests/mutation/"))]
    assert list_test_files(ROOT, ["tests/http/test_body.py"]) == ["tests/http/test_body.py"]
