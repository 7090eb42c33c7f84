"""What is counted while a fleet runs, by the second: so the counts of fleets apart from each other add up."""

from array import array
from collections import Counter
from itertools import accumulate


class Tally:
    """Counts of one simulation.

    Args:
        seconds: how long it is.

    Attributes:
        began: harvests that began, by the second.
        ended: harvests that ended, by the second.
        redis: operations sent to the store, by kind.
        redis_by_second: the same, by the second.
        failures: what callers got instead of a session, by kind.
        renewals: sessions replaced, by cause.
        adopted: sessions of another machine that were used instead of a harvest.
        harvest_s: seconds of all harvests that ended.
        worst_wait_s: the longest that a caller waited for a session, or for an error.
        requests: of callers, as far as the manager could have had something to do for them.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.began = array("q", [0]) * (seconds + 1)
        self.ended = array("q", [0]) * (seconds + 1)
        self.redis_by_second = array("q", [0]) * (seconds + 1)
        self.redis: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.renewals: Counter[str] = Counter()
        self.adopted = 0
        self.harvest_s = 0.0
        self.worst_wait_s = 0.0
        self.requests = 0

    def add(self, other: "Tally") -> None:
        """Add the counts of a fleet that ran at the same time, and had nothing to do with this one."""
        for mine, its in (
            (self.began, other.began),
            (self.ended, other.ended),
            (self.redis_by_second, other.redis_by_second),
        ):
            for second, count in enumerate(its):
                if count:
                    mine[second] += count
        self.redis.update(other.redis)
        self.failures.update(other.failures)
        self.renewals.update(other.renewals)
        self.adopted += other.adopted
        self.harvest_s += other.harvest_s
        self.worst_wait_s = max(self.worst_wait_s, other.worst_wait_s)
        self.requests += other.requests

    def count_harvests(self, begin: int = 0, end: int | None = None) -> int:
        """Return how many harvests began from *begin* until *end*, in seconds."""
        return sum(self.began[begin:end])

    @property
    def mean_harvest_s(self) -> float:
        """Seconds that a harvest took in the mean; 0 if none ended."""
        ended = sum(self.ended)
        return self.harvest_s / ended if ended else 0.0

    def find_most_at_once(self) -> int:
        """Return how many harvests were under way at most, to the second."""
        return max(accumulate(now - before for now, before in zip(self.began, [0, *self.ended], strict=False)))


def find_peak(counts: "array[int]", window_s: int, begin: int = 0, end: int | None = None) -> int:
    """Return the most that was counted within any *window_s* seconds from *begin* until *end*."""
    sums = [0, *accumulate(counts[begin:end])]
    return max((late - early for early, late in zip(sums, sums[window_s:], strict=False)), default=sums[-1])
