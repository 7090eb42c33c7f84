"""Which mutants a seed stands for: lines of the whole package, each with the same chance, and one mutant of each."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from tests.mutation.mutants import Mutant, find_mutants, is_other_program
from tests.mutation.source import Source


def sample(sources: Mapping[str, Source], seed: str, count: int) -> list[Mutant]:
    """Return *count* mutants of as many lines of some modules, always the same for a seed.

    A change of one line of the package changes the choice there only, so that a run can go on after it. With a larger
    count the first ones stay the same.
    """
    return list(islice(_in_order(sources, seed), count))


def _in_order(sources: Mapping[str, Source], seed: str) -> Iterator[Mutant]:
    lines: defaultdict[tuple[str, int], list[Mutant]] = defaultdict(list)
    for source in sources.values():
        for mutant in find_mutants(source):
            lines[mutant.file, mutant.line].append(mutant)
    for line in sorted(lines.values(), key=lambda each: _rank(seed, each[0].key)):
        ranked = sorted(line, key=lambda each: _rank(f"{seed} in the line", each.key))
        yield from islice((each for each in ranked if is_other_program(sources[each.file], each)), 1)


def _rank(seed: str, key: str) -> str:
    return hashlib.sha256(f"{seed}\0{key}".encode()).hexdigest()
