"""A site whose answer, or the reading of whose page, can be held for as long as a test wants."""

import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

# The page is busy from soon after it has loaded until it is answered: no script runs in it, the harvest's neither.
_PAGE: Final = b"""<!doctype html><title>A page</title><p>Hello</p><script>
const read = () => {
  const request = new XMLHttpRequest();
  request.open('GET', '/reading', false);
  request.send();
  if (request.status !== 200) location.href = 'http://127.0.0.1:1/';  // Chrome refuses that port
};
// In a tab that is not shown, Chrome lets timers wait.
addEventListener('load', () => document.hidden ? read() : setTimeout(read, 300));
</script>"""
_PAGES: Final = ("/", "/robots.txt")  # the latter is what a page is opened at that sends requests
_ASKED_AT: Final = {**dict.fromkeys(_PAGES, "navigation"), "/reading": "reading"}
_LONGEST_S: Final = 120.0


class HeldSite:
    """The site, on a free port of 127.0.0.1, for as long as the context lasts.

    Args:
        held: the moment at which it does not answer until it is released; None for none.
        page: another page than its own; every other address then is a download.
    """

    def __init__(self, held: str | None = None, *, page: str = "") -> None:
        self.reached = threading.Event()
        self._held = held
        self._page = page.encode()
        self._refused = False
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its page."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release(refuse=True)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def release(self, *, refuse: bool = False) -> None:
        """Answer; or hang up on who asks for the page, and answer who reads it with an error."""
        self._refused = refuse
        self._released.set()

    def _pass(self, path: str) -> bool:
        """Wait as a request for *path* has to, and tell whether it is answered."""
        if self._held is None or _ASKED_AT.get(path) != self._held:
            return True
        self.reached.set()
        self._released.wait(_LONGEST_S)
        return not self._refused

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # the name is http.server's
                with suppress(OSError):  # the browser may be dead by now
                    self._answer(passed=site._pass(self.path))

            def _answer(self, *, passed: bool) -> None:
                if self.path in _PAGES and not passed:
                    self.close_connection = True
                    return
                known = passed and (self.path in _ASKED_AT or bool(site._page))
                body = (site._page or _PAGE) if self.path == "/" else b""
                self.send_response(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)
                if site._page and self.path != "/":
                    self.send_header("Content-Disposition", "attachment; filename=x.bin")
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Set-Cookie", "sid=1; Path=/")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: browsers are killed in the middle of requests here."""
