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


def list_sources(origin: URL) -> Iterator[URL]:
    """Yield the origins that may redirect a browser to *origin*, as :func:`list_moves` says it."""
    host = host_of(origin)
    for scheme in ("http", "https"):
        for name in filter(None, (host, host.removeprefix("www."))):
            source = origin_of(URL.build(scheme=scheme, host=name, port=origin.explicit_port))
            if origin in list_moves(source):
                yield source


def at_origin(url: URL, origin: str) -> URL:
    """Return *url* with the scheme, host and port of *origin*."""
    other = URL(origin)
    return url.with_scheme(other.scheme).with_host(other.host or "").with_port(other.explicit_port)


def find_origin(origin: str, harvested: str) -> str:
    """Return the origin that requests to *origin* go to, given that of its session: another one if the site moved."""
    return harvested if harvested != origin and URL(harvested) in list_moves(URL(origin)) else origin


def follow_move(url: URL, origin: str, harvested: str) -> URL:
    """Return *url* where the site of *origin* has moved to, given the origin of its session; else as it is."""
    current = find_origin(origin, harvested)
    return url if current == origin or str(origin_of(url)) != origin else at_origin(url, current)
