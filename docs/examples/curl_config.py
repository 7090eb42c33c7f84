"""Print what curl needs to send one request with a session: its cookies and headers, as a curl configuration.

    python docs/examples/curl_config.py session.json https://example.com/api/me | curl --config -

They go through a pipe, since everybody on a machine can read command lines.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from yarl import URL

from aura_browser import Session


def configure(session: Session, url: str) -> Iterator[str]:
    """Yield the lines of the configuration; the cookies are those that a browser would send to *url*."""
    headers = {**session.headers, "Cookie": session.cookie_header(URL(url))}
    yield f'url = "{url}"'
    for name, value in headers.items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        yield f'header = "{name}: {escaped}"'


if __name__ == "__main__":
    file, address = sys.argv[1:]
    print("\n".join(configure(Session.from_json(Path(file).read_bytes()), address)))
