"""Where a site may move by redirecting the browser, and still be the same site."""

from collections.abc import Iterator

from yarl import URL

from aura_browser.hosts import host_of, is_address, origin_of


def list_moves(origin: URL) -> Iterator[URL]:
    """Yield the origins that *origin* may redirect a browser to: from http to https, and from a bare host to ``www``.

    A session that was harvested there is that of *origin*. All other redirects lead to another site or to a login.
    """
    schemes = ["http", "https"] if origin.scheme == "http" else [origin.scheme]
    host = host_of(origin)
    hosts = [host] if is_address(host) or host.startswith("www.") else [host, f"www.{host}"]
    for scheme in schemes:
        for name in hosts:
            port = origin.explicit_port
            moved = origin_of(URL.build(scheme=scheme, host=name, port=port))
            if moved != origin:
                yield moved
