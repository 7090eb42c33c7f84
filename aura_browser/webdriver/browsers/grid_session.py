"""Ends a session on a Selenium Grid that nobody holds any more, found by its name.

The lifeline runs it, so it imports nothing but the standard library.
"""

import json
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_GLANCE_S: Final = 0.1
_CALL_S: Final = 5.0
_MOST_REFUSALS: Final = 10


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
    endings: dict[str, Thread] = {}
    while time.monotonic() < end:
        sessions = list(_sessions(_call(grid, "/status", authorization)))
        ours = [key for key, capabilities in sessions if capabilities.get("se:name") == name]
        for key in ours:
            if key not in endings:
                endings[key] = Thread(target=_end, args=(grid, authorization, key, within_s), daemon=True)
                endings[key].start()
        if not any(endings[key].is_alive() for key in ours) and all(key != "reserved" for key, _ in sessions):
            return
        time.sleep(_GLANCE_S)  # a Grid tells of no change by itself


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


def _end(grid: str, authorization: str | None, key: str, within_s: float) -> None:
    """End a session.

    It has all the time that there is: ChromeDriver does it after what it is busy with, and a Grid that is hung up on
    in the middle of it may keep the session (4.48). If ChromeDriver has ended it is refused again and again; then only
    the Grid can end it, once idle.
    """
    for _ in range(_MOST_REFUSALS):
        try:
            _call(grid, f"/session/{key}", authorization, "DELETE", within_s)
        except HTTPError as error:
            error.close()
        except OSError:
            return
        else:
            return
        time.sleep(_GLANCE_S)  # nothing tells when it would be taken


def _sessions(status: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    for node in status["value"]["nodes"]:
        for slot in node["slots"]:
            if session := slot["session"]:
                yield session["sessionId"], session["capabilities"]


def _call(grid: str, path: str, authorization: str | None, method: str = "GET", within_s: float = _CALL_S) -> Any:  # noqa: ANN401 - JSON
    headers = {"Authorization": authorization} if authorization else {}
    request = Request(f"{grid}{path}", headers=headers, method=method)  # noqa: S310 - http or https, checked before
    with build_opener(ProxyHandler({})).open(request, timeout=within_s) as answer:
        return json.load(answer)
