"""What is advised where TLS fails, by what Chrome and OpenSSL say of it."""

import pytest

from aura_browser.errors import ConnectionFailed, PageFailed
from aura_browser.tls import read_number

URL = "https://a.example/"
UNTRUSTED = "If you trust who signed it, add that certificate"
OUTDATED = "Check this machine's clock"
OTHER_HOST = "Check the host in the address."


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ERR_CERT_AUTHORITY_INVALID", UNTRUSTED),
        ("ERR_CERT_DATE_INVALID", OUTDATED),
        ("ERR_CERT_VALIDITY_TOO_LONG", OUTDATED),
        ("ERR_CERT_COMMON_NAME_INVALID", OTHER_HOST),
        ("ERR_SSL_PROTOCOL_ERROR", "Check the address: whether the site speaks TLS there"),
        ("ERR_CONNECTION_REFUSED", "Check the address, the network and the proxy."),
    ],
)
def test_what_chrome_says_leads_to_what_helps(code: str, advice: str) -> None:
    assert str(PageFailed(URL, code)).startswith(f"Chrome could not load {URL}: {code}. {advice}")


@pytest.mark.parametrize(
    ("number", "advice"), [(9, OUTDATED), (10, OUTDATED), (62, OTHER_HOST), (64, OTHER_HOST), (18, UNTRUSTED)]
)
def test_what_openssl_says_leads_to_what_helps(number: int, advice: str) -> None:
    failed = ConnectionFailed(URL, "certificate verify failed", tls=read_number(number))
    assert str(failed).startswith(f"No answer from {URL}: certificate verify failed. {advice}")
