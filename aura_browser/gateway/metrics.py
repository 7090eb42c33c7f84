"""Counts and times, in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

The names beginning with ``gen_ai_server`` are OpenTelemetry's for servers of generative models. Usage in tokens is not
among them, since it is an estimate.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

_DURATIONS: Final = tuple(0.01 * 2**power for power in range(14))
_FIRST_TOKENS: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_PER_TOKEN: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """Times in seconds, by labels.

    Args:
        name: its name.
        words: what it counts.
        bounds: the upper bounds of its buckets.
    """

    def __init__(self, name: str, words: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._words = words
        self._bounds = bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: defaultdict[Labels, float] = defaultdict(float)

    def record(self, seconds: float, labels: Labels) -> None:
        """Count one time."""
        counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[labels] += seconds

    def lines(self) -> Iterator[str]:
        """Yield its lines."""
        yield from _head(self._name, self._words, "histogram")
        for labels, counts in self._counts.items():
            total = 0
            for bound, count in zip((*map(_number, self._bounds), "+Inf"), counts, strict=True):
                total += count
                yield _line(f"{self._name}_bucket", (*labels, ("le", bound)), total)
            yield _line(f"{self._name}_sum", labels, self._sums[labels])
            yield _line(f"{self._name}_count", labels, total)


class Metrics:
    """All counts of one gateway.

    Args:
        provider: the site's host, which is the provider's name.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._durations = Histogram(
            "gen_ai_server_request_duration_seconds", "Time of a request in seconds.", _DURATIONS
        )
        self._firsts = Histogram(
            "gen_ai_server_time_to_first_token_seconds", "Time to the first text in seconds.", _FIRST_TOKENS
        )
        self._rates = Histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Time per estimated token after the first text, in seconds.",
            _PER_TOKEN,
        )
        self._errors: Counter[str] = Counter()
        self._disconnects: Counter[str] = Counter()

    def record_request(self, model: str, seconds: float, *, error: str = "", is_clients: bool = False) -> None:
        """Count a request; *error* is the code of its problem, *is_clients* whether it was the client's mistake."""
        labels = self._labels(model) + ((("error_type", error),) if error else ())
        self._durations.record(seconds, labels)
        if error and not is_clients:
            self._errors[error] += 1

    def record_text(self, model: str, first_s: float, rest_s: float, tokens: int) -> None:
        """Count an answer's times: to its first text, and from there to its end."""
        labels = self._labels(model)
        self._firsts.record(first_s, labels)
        if tokens > 1:
            self._rates.record(rest_s / (tokens - 1), labels)

    def record_disconnect(self, phase: str) -> None:
        """Count a client that left before the end: ``waiting`` or ``streaming``."""
        self._disconnects[phase] += 1

    def write(self, gauges: Mapping[str, tuple[str, float | None]], harvests: Mapping[str, int]) -> str:
        """Return everything as text.

        Args:
            gauges: name to words and value, of what is counted elsewhere; None for a value that is not known.
            harvests: renewals of the session by cause.
        """
        lines = [*self._durations.lines(), *self._firsts.lines(), *self._rates.lines()]
        for name, (words, value) in gauges.items():
            if value is not None:
                lines += [*_head(name, words, "gauge"), _line(name, (), value)]
        lines += _counter(
            "aura_upstream_errors_total", "Requests that the site or its session failed, by code.", "code", self._errors
        )
        lines += _counter("aura_client_disconnects_total", "Clients that left early.", "phase", self._disconnects)
        lines += _counter("aura_harvests_total", "Sessions replaced, by cause.", "cause", harvests)
        return "\n".join(lines) + "\n"

    def _labels(self, model: str) -> Labels:
        return (
            ("gen_ai_operation_name", "chat"),
            ("gen_ai_provider_name", self._provider),
            ("gen_ai_request_model", model),
        )


def _head(name: str, words: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"


def _counter(name: str, words: str, label: str, counts: Mapping[str, int]) -> Iterable[str]:
    return [*_head(name, words, "counter"), *(_line(name, ((label, key),), count) for key, count in counts.items())]


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
    return f"{name}{{{shown}}} {_number(value)}" if shown else f"{name} {_number(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{value:.10g}"
