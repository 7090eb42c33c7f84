"""Ends a session on a Selenium Grid that nobody holds any more, found by its name.

The lifeline runs it, so it imports nothing but the standard library.
"""

import json
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_GLANCE_S: Final = 0.1
_CALL_S: Final = 5.0


def end_session(grid: str, authorization: str | None, name: str, within_s: float) -> None:
    """End the session called *name*, or the one that it is about to become.

    A session that is being created shows no name yet (Grid 4.48), so slots in that state are waited for.

    Args:
        grid: its address, without user and password.
        authorization: the value of that header, if the Grid asks for one.
        name: the capability ``se:name`` that the session was asked for with.
        within_s: seconds after which it is given up.

    Raises:
        OSError: if the Grid can't be reached; it ends what is idle by itself.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            if not _end_once(grid, authorization, name):
                return
        except HTTPError as error:
            error.close()  # the session has just ended by itself
        time.sleep(_GLANCE_S)


def browsers(grid: str, authorization: str | None) -> set[str]:
    """Return the names of the browsers that the nodes which are up have.

    Args:
        grid: as in :func:`end_session`.
        authorization: likewise.

    Raises:
        OSError: if nothing answers, or with an error.
        ValueError, KeyError, TypeError: if what answers is no Grid.
    """
    nodes = _call(grid, "/status", authorization)["value"]["nodes"]
    return {
        slot["stereotype"]["browserName"] for node in nodes if node["availability"] == "UP" for slot in node["slots"]
    }


def _end_once(grid: str, authorization: str | None, name: str) -> bool:
    """End what is there, and tell whether to look again."""
    sessions = list(_sessions(_call(grid, "/status", authorization)))
    ours = [key for key, capabilities in sessions if capabilities.get("se:name") == name]
    for key in ours:
        _call(grid, f"/session/{key}", authorization, "DELETE")
    return bool(ours) or any(key == "reserved" for key, _ in sessions)


def _sessions(status: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    for node in status["value"]["nodes"]:
        for slot in node["slots"]:
            if session := slot["session"]:
                yield session["sessionId"], session["capabilities"]


def _call(grid: str, path: str, authorization: str | None, method: str = "GET") -> Any:  # noqa: ANN401 - JSON
    headers = {"Authorization": authorization} if authorization else {}
    request = Request(f"{grid}{path}", headers=headers, method=method)  # noqa: S310 - http or https, checked before
    with build_opener(ProxyHandler({})).open(request, timeout=_CALL_S) as answer:
        return json.load(answer)
