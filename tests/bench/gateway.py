"""What the gateway costs, beside reading the site directly and beside the smallest relay; on each wire."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from tests.bench.measure import Effort, Pair
from tests.bench.processes import ROOT, child_command, environment, in_child
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "gateway"
_WIRES: Final = ("/chat/completions", "/responses", "/messages", "/completions")
_STREAMS: Final = 1000
_PROCESSES: Final = 5  # as in streaming: a token's cost differs from process to process
_PAIRS: Final = 3
_DIRECT: Final = "reading the site directly"
_RELAY: Final = "the smallest relay"


@contextmanager
def serve_wire(who: str, origin: str) -> Iterator[tuple[str, int]]:
    """Run the gateway or the relay in a process of its own while the context lasts; give its origin and its pid."""
    served = msgspec.json.encode({"who": who, "origin": origin}).decode()
    with subprocess.Popen(
        [*child_command("gateway_server"), served],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.stdin.close()  # its sign to end


def run(effort: Effort) -> list[Result]:
    """Measure speed, first text, CPU, memory and hang-ups."""
    return [*_run_speed(effort), *_run_first(effort), *_run_memory(effort), *_run_hang_up(effort)]


def _run_speed(effort: Effort) -> list[Result]:
    """Compare tokens per second and CPU a token, of answers whose tokens come one at a time, as fast as they can."""
    answer = Answer(chunks=effort.of(50_000, 100), per_write=1)
    rounds = [_measure_speed(answer, effort) for _ in range(effort.of(_PROCESSES))]
    found = {row: [pair for each in rounds for pair in each[row]] for row in rounds[0]}
    rows = []
    for (what, path, beside), pairs in found.items():
        if what == "cpu":
            rows.append(_bound(f"CPU a token, {path}", "µs", pairs, 8.0))
        else:
            goal = Goal("ratio", 1 / 0.95) if beside == _DIRECT else None
            rows.append(make_row(NAME, f"{answer.chunks:,} tokens, {path}", beside, "s", pairs, goal=goal))
    return rows


def _measure_speed(answer: Answer, effort: Effort) -> dict[tuple[str, str, str], list[Pair[float]]]:
    """Measure each row with processes of its own for site, gateway, relay and client."""
    with serve(answer) as site, serve_wire("gateway", site) as (gateway, pid), serve_wire("relay", site) as other:
        facts: dict[str, Any] = {"gateway": gateway, "pid": pid, "characters": answer.characters}
        relay = {"other": other[0], "other_pid": other[1]}
        speed = facts | {"what": "speed", "pairs": effort.of(_PAIRS)}
        found = {("speed", path, _DIRECT): _measure(path=path, other=site, **speed) for path in _WIRES}
        found["speed", _WIRES[0], _RELAY] = _measure(path=_WIRES[0], **speed, **relay)
        for path in _WIRES:
            beside = relay if path == _WIRES[0] else {"other": gateway, "other_pid": pid}
            found["cpu", path, ""] = _measure(what="cpu", path=path, pairs=effort.of(2), **facts, **beside)
    return found


def _run_first(effort: Effort) -> list[Result]:
    """Compare when the first text is there; the smallest relay's row says what a second connection costs by itself."""
    answer, goal = Answer(), Goal("difference", 0.8)
    found: dict[tuple[str, str], list[Pair[float]]] = {(path, _DIRECT): [] for path in _WIRES}
    found[_WIRES[0], _RELAY] = []
    for _ in range(effort.of(_PROCESSES)):
        with serve(answer) as site, serve_wire("gateway", site) as (gateway, pid), serve_wire("relay", site) as relay:
            others = {_DIRECT: (site, 0), _RELAY: relay}
            facts: dict[str, Any] = {"gateway": gateway, "pid": pid, "pairs": effort.of(60), "what": "first"}
            for (path, beside), pairs in found.items():
                other, other_pid = others[beside]
                pairs.extend(
                    _measure(path=path, other=other, other_pid=other_pid, characters=answer.characters, **facts)
                )
    return [
        make_row(NAME, f"first text, {path}", beside, "ms", pairs, goal=goal if beside == _DIRECT else None)
        for (path, beside), pairs in found.items()
    ]


def _run_memory(effort: Effort) -> list[Result]:
    streams = effort.of(_STREAMS, 5)
    answer = Answer(chunks=effort.of(16, 3), per_write=1, pause_s=0.5)
    with serve(answer) as site, serve_wire("gateway", site) as (gateway, pid):
        found = _measure(
            what="memory",
            path=_WIRES[0],
            gateway=gateway,
            pid=pid,
            other=site,
            pairs=effort.of(2),
            characters=answer.characters,
            streams=streams,
        )
    return [_bound(f"{streams:,} paced streams, all complete: memory of the process", "MiB", found, 150.0)]


def _run_hang_up(effort: Effort) -> list[Result]:
    rows: list[Result] = []
    for path in _WIRES:
        found = _measure(what="hang-up", path=path, gateway="", pid=0, other="", pairs=effort.of(5), characters=0)
        rows.append(_bound(f"hang-up until the site sees it, {path}", "ms", found, 10.0))
    return rows


def _bound(name: str, unit: str, found: list[Pair[float]], most: float) -> Result:
    """Return the row of a figure that is bounded by itself, not by another."""
    alone = [(ours, 0.0) for ours, _ in found]
    note = f"beside it: {found[0][1]:.1f}" if found[0][1] else ""
    return make_row(NAME, name, "nothing", unit, alone, goal=Goal("difference", most), note=note)


def _measure(**settings: object) -> list[Pair[float]]:
    return msgspec.json.decode(in_child("gateway_client", settings), type=list[Pair[float]])
