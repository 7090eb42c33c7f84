"""A configuration for ``curl --config FILE`` (https://curl.se/docs/manpage.html#-K)."""

import re
from collections.abc import Iterator, Mapping

from aura_browser.formats.cookie_header import describe_limits
from aura_browser.formats.dumped import Dumped, DumpOptions, choose_url, describe_rest
from aura_browser.session import Session


def dump(session: Session, options: DumpOptions) -> Dumped:
    """Return a configuration with *session*'s headers and cookies.

    Without ``options.cookie_file`` it is for one request alone, whose ``url`` it names: curl would send a ``Cookie``
    header to any host. With it, curl chooses the cookies itself, and the address stands on curl's command line; a
    password is in ``options.netrc_file``, or left out.
    """
    if options.cookie_file is not None:
        headers = {name: value for name, value in session.headers.items() if name.lower() != "authorization"}
        lines = [*_write_headers(headers), f"cookie = {_quote(options.cookie_file)}"]
        lines += [f"netrc-file = {_quote(options.netrc_file)}"] if options.netrc_file else []
        if session.proxy:
            lines.append(f"proxy = {_quote(write_proxy(session.proxy))}")
        is_left_out = len(headers) < len(session.headers) and not options.netrc_file
        left_out = ["the header Authorization, which curl would send to any host"] if is_left_out else []
        return Dumped("\n".join([*lines, ""]), (*left_out, *describe_rest(session, headers=False, proxy=False)))
    url = choose_url(session, options)
    lines = list(_write_headers(session.headers_for(url)))
    lines += [f"header = {_quote('Cookie: ' + session.cookie_header(url, options.now))}", f"url = {_quote(str(url))}"]
    return Dumped("\n".join([*lines, ""]), tuple(describe_limits(session, url, options.now)))


def write_proxy(proxy: str) -> str:
    """Return the URL of a proxy as curl takes it: it resolves names itself with socks5, and the proxy with socks5h."""
    return re.sub(r"^socks5://", "socks5h://", proxy)


def _write_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() == "user-agent":
            yield f"user-agent = {_quote(value)}"
        else:
            # curl drops a header without a value, unless a semicolon stands in place of the colon.
            yield f"header = {_quote(f'{name}: {value}' if value else f'{name};')}"
    if any(name.lower() == "accept-encoding" for name in headers):
        return
    yield "compressed"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
