"""What an idle client and an open stream hold, beside aiohttp alone; each figure is of a fresh process."""

from typing import Final

from tests.bench.measure import Effort, Pair, alternate
from tests.bench.memory_client import Settings, Who
from tests.bench.processes import in_child
from tests.bench.raw import bytes_of, made_session, wire_request
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "memory"


def run(effort: Effort) -> list[Result]:
    """Measure both by the resident set, which is what an operator sees."""
    streams = effort.of(500, 5)
    with serve(Answer()) as origin:
        idle = _pairs(origin, 0, effort.of(7))
    with serve(Answer(endless=True)) as origin:
        held = _pairs(origin, streams, effort.of(7))
    return [
        make_row(NAME, "idle client, after one request", "aiohttp", "MiB", idle, goal=Goal("difference", 2.0)),
        make_row(NAME, f"each of {streams} open streams", "aiohttp", "KiB", held, goal=Goal("ratio", 1.1)),
    ]


def _pairs(origin: str, streams: int, count: int) -> list[Pair[float]]:
    session, wire = made_session(origin), wire_request(origin)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
    headers = {**session.headers, **wire.headers, "Cookie": cookies}

    def resident(who: Who) -> float:
        settings = Settings(
            who=who,
            url=origin + wire.url,
            streams=streams,
            session=session.to_json(),
            headers=headers,
            body=bytes_of(wire).decode(),
        )
        return float(in_child("memory_client", settings))

    return alternate(lambda: resident("client"), lambda: resident("aiohttp"), count)
