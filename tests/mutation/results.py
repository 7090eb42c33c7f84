"""The trials of all runs, one a line in a file that the next run goes on from."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.mutation.trial import Trial


def read_trials(path: Path) -> dict[str, Trial]:
    """Return what became of each mutant, by its key; the last trial counts."""
    return {trial.mutant.key: trial for trial in _read(path)}


def add_trial(path: Path, trial: Trial) -> None:
    """Append a trial."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(trial) + b"\n")


def _read(path: Path) -> Iterator[Trial]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=Trial)
        except msgspec.DecodeError as error:
            raise ValueError(f"{path} has a line that is no trial; delete the file to begin anew.") from error
