"""Ends an orphaned session on a Selenium Grid, found by its name.

The lifeline runs this file, so it imports the standard library only.
"""

import json
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

_POLL_INTERVAL_S: Final = 0.1
_CALL_TIMEOUT_S: Final = 5.0
_MAX_TRIES: Final = 10
_MAX_ANSWER_BYTES: Final = 16 * 2**20  # a Grid's status takes some kilobytes for each session


def end_session(grid: str, authorization: str | None, name: str, within_s: float) -> None:
    """End the session called *name*, also if it is still being created.

    A session that is being created has no name yet (Grid 4.48), so this waits for slots in that state.

    Args:
        grid: the Grid's URL, without user and password.
        authorization: the value of the ``Authorization`` header; None for none.
        name: the capability ``se:name`` that the session was requested with.
        within_s: seconds after which to give up.

    Raises:
        OSError: if the Grid can't be reached; it ends idle sessions itself.
    """
    end = time.monotonic() + within_s
    threads: dict[str, Thread] = {}
    while time.monotonic() < end:
        sessions = list(_list_sessions(_call(grid, "/status", authorization)))
        matching = [key for key, capabilities in sessions if capabilities.get("se:name") == name]
        for key in matching:
            if key not in threads:
                threads[key] = Thread(target=_end, args=(grid, authorization, key, within_s), daemon=True)
                threads[key].start()
        if not any(threads[key].is_alive() for key in matching) and all(key != "reserved" for key, _ in sessions):
            return
        time.sleep(_POLL_INTERVAL_S)  # a Grid sends no notifications


def list_browsers(grid: str, authorization: str | None) -> set[str]:
    """Return the names of the browsers of all nodes that are up.

    Args:
        grid: as in :func:`end_session`.
        authorization: as in :func:`end_session`.

    Raises:
        OSError: if nothing answers, or the answer is an HTTP error.
        ValueError, KeyError, TypeError: if the server is not a Grid.
    """
    nodes = _call(grid, "/status", authorization)["value"]["nodes"]
    return {
        slot["stereotype"]["browserName"] for node in nodes if node["availability"] == "UP" for slot in node["slots"]
    }


def _end(grid: str, authorization: str | None, key: str, within_s: float) -> None:
    """End a session.

    The request gets all the time left: ChromeDriver first finishes its current command, and a Grid may keep the
    session if the connection is closed during the request (4.48). If ChromeDriver has exited, every request fails;
    then the Grid ends the session once it is idle.
    """
    for _ in range(_MAX_TRIES):
        try:
            _call(grid, f"/session/{key}", authorization, "DELETE", within_s)
        except HTTPError as error:
            error.close()
        except OSError:
            return
        else:
            return
        time.sleep(_POLL_INTERVAL_S)  # a Grid sends no notifications


def _list_sessions(status: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    for node in status["value"]["nodes"]:
        for slot in node["slots"]:
            if session := slot["session"]:
                yield session["sessionId"], session["capabilities"]


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: the password is for the Grid's own address. A redirect is an HTTPError then."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


def _call(
    grid: str, path: str, authorization: str | None, method: str = "GET", within_s: float = _CALL_TIMEOUT_S
) -> Any:  # noqa: ANN401 - JSON
    headers = {"Authorization": authorization} if authorization else {}
    request = Request(f"{grid}{path}", headers=headers, method=method)  # noqa: S310 - http or https, checked before
    with build_opener(ProxyHandler({}), _NoRedirects).open(request, timeout=within_s) as response:
        return json.loads(read_answer(response, within_s))


def read_answer(response: HTTPResponse, within_s: float) -> bytes:
    """Return the body of *response*.

    Raises:
        OSError: if it has not ended after *within_s* seconds, or is longer than any that is waited for.
    """
    end, body = time.monotonic() + within_s, bytearray()
    while data := response.read1():
        body += data
        if len(body) > _MAX_ANSWER_BYTES or time.monotonic() > end:
            raise OSError("its answer does not end")
    return bytes(body)
