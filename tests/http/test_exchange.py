"""What goes wrong with an exchange, as real sockets make it go wrong."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from pathlib import Path
from traceback import format_exception
from types import SimpleNamespace

import aiohttp
import aiohttp_socks
import pytest
import yarl
from multidict import CIMultiDict

from aura_browser.errors import AnswerTimeout, AuraError, ConnectionFailed, SiteFailed
from aura_browser.http.exchange import check_proxy_answer, reason_phrase, typed_error, typed_errors
from aura_browser.proxy.address import PROXY_REFUSED
from tests.parts.servers import page, serving
from tests.parts.stream_server import stream_server
from tests.parts.tls import make_certificate, make_context

URL = "http://chat.example.com/api/chat"


@asynccontextmanager
async def saying(answer: bytes, *, stays: bool = False, after: bytes = b"\r\n\r\n") -> AsyncIterator[str]:
    """Serve *answer*, byte for byte, to whoever has sent what ends with *after*; then hang up unless it *stays*."""
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(after)
        writer.write(answer)
        await writer.drain()
        if stays:
            await left.wait()
        writer.close()

    async with stream_server(serve) as port:
        yield f"127.0.0.1:{port}"
        left.set()


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        yield f"127.0.0.1:{taken.getsockname()[1]}"


async def ask(url: str, *, read_timeout_s: float = 5.0, proxy: str | None = None, trusted: Path | None = None) -> str:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=read_timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        with typed_errors(URL, read_timeout_s):
            async with http.get(url, proxy=proxy, ssl=ssl.create_default_context(cafile=trusted)) as response:
                return await response.text()


async def failure(
    url: str, *, read_timeout_s: float = 5.0, proxy: str | None = None, trusted: Path | None = None
) -> AuraError:
    with pytest.raises(AuraError) as caught:
        await ask(url, read_timeout_s=read_timeout_s, proxy=proxy, trusted=trusted)
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert caught.value.url == URL  # type: ignore[attr-defined]
    return caught.value


async def test_nothing_is_changed_where_nothing_fails() -> None:
    async with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as place:
        assert await ask(f"http://{place}/") == "hi"


async def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), typed_errors(URL, 1.0):
        raise KeyError


async def test_a_refused_connection() -> None:
    async with nobody() as place:
        error = await failure(f"http://{place}/")
    assert isinstance(error, ConnectionFailed)
    assert error.reason


async def test_a_name_without_an_address() -> None:
    error = await failure("http://chat.invalid/")
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "its host name has no address"


async def test_no_tls() -> None:
    async with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", after=b"\x16") as place:
        error = await failure(f"https://{place}/", read_timeout_s=1.0)
    assert isinstance(error, ConnectionFailed)
    assert (error.reason, error.tls) == ("the TLS handshake failed", "handshake")
    assert "or only http" in str(error)


@pytest.mark.parametrize(
    ("certified", "fault", "reason", "advice"),
    [
        (("127.0.0.1", 1), "untrusted", "self-signed certificate", "the file that SSL_CERT_FILE names"),
        (("127.0.0.1", -1), "outdated", "certificate has expired", "Check this machine's clock"),
        (("other.example", 1), "other host", "IP address mismatch", "Check the host in the address."),
    ],
)
async def test_a_certificate_that_is_not_trusted(
    certified: tuple[str, float], fault: str, reason: str, advice: str, tmp_path: Path
) -> None:
    address, ends_in_days = certified
    certificate = make_certificate(tmp_path / "server.pem", address, ends_in_days=ends_in_days)
    async with serving(page(), make_context(certificate)) as (_server, origin):
        error = await failure(f"{origin}/", trusted=None if fault == "untrusted" else certificate)
    assert isinstance(error, ConnectionFailed)
    assert error.tls == fault
    assert error.reason.startswith(f"its TLS certificate is not trusted ({reason}")
    assert advice in str(error)
    assert "network" not in str(error)


async def test_a_connection_that_ends_before_the_answer() -> None:
    async with saying(b"") as place:
        error = await failure(f"http://{place}/")
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "the connection was closed before the response"


async def test_a_connection_that_ends_within_the_answer() -> None:
    async with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi") as place:
        error = await failure(f"http://{place}/")
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "the connection was closed during the response"


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"])
async def test_silence(begun: bytes) -> None:
    async with saying(begun, stays=True) as place:
        error = await failure(f"http://{place}/", read_timeout_s=0.1)
    assert isinstance(error, AnswerTimeout)
    assert error.read_timeout_s == 0.1


async def test_an_answer_that_is_no_http() -> None:
    async with saying(b"220 mail.example.com ESMTP\r\n\r\n") as place:
        error = await failure(f"http://{place}/")
    assert isinstance(error, SiteFailed)
    assert (error.status, error.message) == (0, "the response is not valid HTTP: bad status line")


async def test_a_proxy_that_is_away_keeps_its_password() -> None:
    async with nobody() as place:
        error = await failure("http://chat.invalid/", proxy=f"http://me:s3cret@{place}")
    assert isinstance(error, ConnectionFailed)
    assert error.reason == "the proxy can't be reached"
    assert "s3cret" not in f"{error} {error!r}"


async def test_a_proxy_that_refuses_a_tunnel() -> None:
    async with saying(b"HTTP/1.1 407 Log In\r\nContent-Length: 0\r\n\r\n") as place:
        error = await failure("https://chat.invalid/", proxy=f"http://me:s3cret@{place}")
    assert isinstance(error, ConnectionFailed)
    assert error.reason.endswith("(407)")
    assert "s3cret" not in "".join(format_exception(error))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"Slow down", "Slow down"),
        ("Schlüssel fehlt".encode(), "Schlüssel fehlt"),
        ("Schlüssel fehlt".encode("latin-1"), "Schlüssel fehlt"),
        ("Нет ключа".encode(), "Нет ключа"),
        (b"", ""),
        (b"x" * 400, "x" * 299 + "…"),
    ],
)
async def test_the_reason_phrase_of_a_real_answer(sent: bytes, shown: str) -> None:
    async with (
        saying(b"HTTP/1.1 500 " + sent + b"\r\nContent-Length: 0\r\n\r\n") as place,
        aiohttp.ClientSession() as http,
        http.get(f"http://{place}/") as response,
    ):
        assert reason_phrase(response) == shown


@pytest.mark.parametrize(
    ("reason", "shown"),
    [(None, ""), ("\x1b[31mred", "[31mred"), ("a\r\nb\tc", "a b c"), ("\u202eright", "right")],
)
def test_the_reason_phrase_is_fit_for_a_terminal(reason: str | None, shown: str) -> None:
    response = SimpleNamespace(reason=reason)
    assert reason_phrase(response) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "answered 404: No. Check the request."),
        (503, "answered 503: No. Try again later."),
        (0, "answered without a status: No. Try again later."),
        (302, "answered 302: No."),
    ],
)
def test_the_advice_fits_the_status(status: int, said: str) -> None:
    assert str(SiteFailed("https://a.example", status, "No")) == f"https://a.example {said}"


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (aiohttp.ConnectionTimeoutError(), "no connection within 30 s"),
        (aiohttp.ClientConnectionError("s3cret"), "ClientConnectionError"),
        (OSError(errno.EHOSTUNREACH, "s3cret"), "No route to host"),
    ],
)
def test_the_cause_is_told_by_the_kind_of_error(raised: Exception, reason: str) -> None:
    error = typed_error(raised, URL, 5.0)
    assert isinstance(error, ConnectionFailed)
    assert (error.reason, error.tls, error.is_proxys_reply) == (reason, None, False)


@pytest.mark.parametrize(("code", "is_proxys_reply"), [(4, True), (None, False)])
def test_a_socks_proxy_that_answers_is_told_from_one_that_does_not(code: int | None, *, is_proxys_reply: bool) -> None:
    error = typed_error(aiohttp_socks.ProxyError("s3cret", error_code=code), URL, 5.0)
    assert isinstance(error, ConnectionFailed)
    assert error.is_proxys_reply is is_proxys_reply


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Got more than 8190 bytes (9000) when reading b's3cret'.", ": it has a line of over 8190 bytes"),
        ("Bad status line:\n\n  b's3cret'", ": bad status line"),
        ("Data after `Connection: close`:\n\n  b's3cret'", ""),
        ("s3cret", ""),
    ],
)
def test_what_the_parser_did_not_take_is_told_without_its_bytes(message: str, told: str) -> None:
    raised = aiohttp.ClientResponseError(None, (), message=message)  # type: ignore[arg-type]
    error = typed_error(raised, URL, 5.0)
    assert isinstance(error, SiteFailed)
    assert (error.status, error.message) == (0, f"the response is not valid HTTP{told}")


@pytest.mark.parametrize(
    ("status", "server", "proxy", "scheme", "is_proxys"),
    [
        (407, "", "http://proxy:1", "http", True),
        (407, "", "https://proxy:1", "ws", True),
        (401, "Tinyproxy/1.11.1", "http://proxy:1", "http", True),
        (401, "nginx", "http://proxy:1", "http", False),
        (403, "tinyproxy/1.11.1", "http://proxy:1", "http", False),
        (407, "", None, "http", False),
        (401, "tinyproxy/1.11.1", None, "http", False),
        # What comes through a tunnel is the site's.
        (407, "", "http://proxy:1", "https", False),
        (407, "", "http://proxy:1", "wss", False),
        (407, "", "socks5://proxy:1", "http", False),
        (401, "tinyproxy/1.11.1", "socks5h://proxy:1", "http", False),
    ],
)
def test_a_refusal_is_the_proxys_only_if_it_can_answer(
    status: int, server: str, proxy: str | None, scheme: str, *, is_proxys: bool
) -> None:
    url = yarl.URL(f"{URL}?key=s3cret").with_scheme(scheme)
    response = SimpleNamespace(status=status, url=url, headers=CIMultiDict({"Server": server}))
    expectation = pytest.raises(ConnectionFailed) if is_proxys else nullcontext()
    with expectation as caught:
        check_proxy_answer(response, proxy)  # type: ignore[arg-type]
    if caught is not None:
        assert (caught.value.url, caught.value.reason) == (str(url.with_query(None)), f"{PROXY_REFUSED} ({status})")
