"""What a run prints: a line for each mutant, a table by module and one by kind of fault, and the survivors."""

from collections import Counter
from collections.abc import Callable, Sequence

from tests.mutation.explained import Explained
from tests.mutation.trial import Trial

_WIDTH = 200


def trial_line(trial: Trial) -> str:
    """Return one line about a mutant."""
    mutant = trial.mutant
    end = f"by {trial.by}" if trial.by else f"{trial.tests} of {trial.covering} tests"
    place = f"{mutant.file}:{mutant.line}"
    return f"{trial.outcome:<9} {place} {mutant.operator}: {_change(trial)} ({end}, {trial.seconds:.0f} s)"


def report_text(trials: Sequence[Trial], explained: Sequence[Explained]) -> str:
    """Return the tables and the survivors that nobody has explained."""
    lines = _table("module", trials, explained, lambda trial: trial.mutant.file)
    lines += ["", *_table("kind of fault", trials, explained, lambda trial: trial.mutant.operator), ""]
    open_ones = [trial for trial in trials if word_of(trial, explained) == "survived"]
    lines += [f"{trial.mutant.file}:{trial.mutant.line} {_change(trial)}" for trial in open_ones]
    total = _counts(trials, explained)
    return "\n".join([*lines, "", f"{len(trials)} mutants: {_summary(total)}"])


def word_of(trial: Trial, explained: Sequence[Explained]) -> str:
    """Return what a trial counts as: killed, survived, unclear, or explained if the list of survivors has it."""
    if trial.is_killed:
        return "killed"
    if trial.outcome == "unclear":
        return "unclear"
    return "explained" if any(each.matches(trial.mutant) for each in explained) else "survived"


def _counts(trials: Sequence[Trial], explained: Sequence[Explained]) -> Counter[str]:
    return Counter(word_of(trial, explained) for trial in trials)


def _summary(counts: Counter[str]) -> str:
    judged = counts["killed"] + counts["survived"]
    share = f"{100 * counts['killed'] / judged:.1f} % killed" if judged else "none to be killed"
    unclear = f", {counts['unclear']} unclear (the machine was busy; the next run tries again)" * bool(
        counts["unclear"]
    )
    return (
        f"{counts['killed']} killed, {counts['survived']} survived, {counts['explained']} explained{unclear}; {share}"
    )


def _table(
    title: str, trials: Sequence[Trial], explained: Sequence[Explained], group_of: Callable[[Trial], str]
) -> list[str]:
    groups = sorted({group_of(trial) for trial in trials})
    width = max(map(len, [title, *groups]))
    rows = [f"{title:<{width}}  killed survived explained"]
    for group in groups:
        counts = _counts([trial for trial in trials if group_of(trial) == group], explained)
        rows.append(f"{group:<{width}}  {counts['killed']:>6} {counts['survived']:>8} {counts['explained']:>9}")
    return rows


def _change(trial: Trial) -> str:
    """Return the line before and after, without what both begin and end with if they are long."""
    before, after = trial.mutant.before, trial.mutant.after
    text = f"{before} → {after}"
    return text if len(text) <= _WIDTH else f"{before[: _WIDTH // 2]}… → {after[: _WIDTH // 2]}…"
