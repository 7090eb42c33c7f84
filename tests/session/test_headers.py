"""Which headers a session may hold."""

import json

import pytest

from aura_browser.errors import SessionFormatError
from aura_browser.session import Session
from aura_browser.session.headers import is_lasting
from tests.parts.sessions import make_session

# RFC 9110 and its forerunners, RFC 2109, RFC 2965 and RFC 7540; frameworks read the last three.
_REFUSED = (
    *("Host", "Content-Length", "transfer-encoding", "Cookie", "Connection", "Upgrade", "Expect", "TE", "Trailer"),
    *("Keep-Alive", "Proxy-Authorization", "proxy-connection", "Content-Encoding", "Set-Cookie", "HTTP2-Settings"),
    *("Cookie2", "Set-Cookie2", "Content-Range", "Content-MD5", "Range", "If-Match", "If-None-Match", "Via", "Date"),
    *("If-Modified-Since", "If-Unmodified-Since", "If-Range", "Max-Forwards"),
    *("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"),
)


@pytest.mark.parametrize("name", _REFUSED)
def test_a_header_of_one_request_is_refused_by_name(name: str) -> None:
    facts = json.loads(make_session().to_json())
    facts["headers"][name] = "s3cret"
    with pytest.raises(SessionFormatError) as caught:
        Session.from_json(json.dumps(facts))
    assert caught.value.field == f"headers.{name}"
    assert "s3cret" not in str(caught.value)


def test_a_header_that_is_there_twice_is_refused() -> None:
    facts = json.loads(make_session().to_json())
    facts["headers"]["user-agent"] = "another"
    with pytest.raises(SessionFormatError, match=r"headers\.user-agent: is there twice"):
        Session.from_json(json.dumps(facts))


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "User-Agent", "sec-ch-ua-arch"])
def test_other_headers_are_the_sessions_own_matter(name: str) -> None:
    headers = {"Accept-Language": "de", name: "1"}
    session = make_session(headers=headers)
    assert Session.from_json(session.to_json()).headers == headers


def test_what_lasts_is_listed() -> None:
    kept = {"User-Agent", "accept-language", "sec-ch-ua", "Sec-CH-UA-Full-Version-List", "sec-ch-prefers-color-scheme"}
    others = {"RSC", "HX-Request", "Idempotency-Key", "X-CSRF-Token", "X-HTTP-Method-Override", "Content-Encoding"}
    others |= {"Accept", "Authorization", "Sec-Fetch-Mode", "Cookie", "Referer", "X-Requested-With"}
    assert {name for name in kept | others if is_lasting(name)} == kept
    extra = ("x-requested-with", "COOKIE", "Host")
    assert {name for name in others if is_lasting(name, extra)} == {"X-Requested-With"}
