"""A ChromeDriver that is not for the Chrome that is there."""

import json
import sys
from pathlib import Path
from typing import Final

from tests.parts.programs import program

_MESSAGE: Final = (
    "session not created: This version of ChromeDriver only supports Chrome version 120\n"
    "Current browser version is 156.0.8078.79 with binary path /usr/bin/chromium"
)
_SCRIPT: Final = """#!{python}
import http.server, json, sys, threading
port = int(next(a for a in sys.argv if a.startswith("--port=")).partition("=")[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, value):
        body = json.dumps({{"value": value}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, {{"ready": True}})
        if self.path == "/shutdown": threading.Thread(target=self.server.shutdown).start()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500, {{"error": "session not created", "stacktrace": "", "message": {message}}})
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
print(f"ChromeDriver was started successfully on port {{server.server_port}}.", flush=True)
server.serve_forever()
"""


def mismatched_driver(folder: Path) -> Path:
    """Return a program in *folder* that refuses each session, as a ChromeDriver for Chrome 120 does."""
    return program(folder, "driver", _SCRIPT.format(python=sys.executable, message=json.dumps(_MESSAGE)))
