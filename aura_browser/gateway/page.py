"""The chat page: one file without anything from elsewhere, and the headers that hold it to that."""

import base64
import re
from hashlib import sha256
from importlib.resources import files
from typing import Final

_POLICY: Final = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _make_headers(page: bytes) -> dict[str, str]:
    """Return the page's headers.

    Its script and style are allowed by their hashes alone (https://www.w3.org/TR/CSP3/), so that no text of an answer
    can become a script.
    """
    policy = _POLICY.format(script=_hash_element(page, b"script"), style=_hash_element(page, b"style"))
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _hash_element(page: bytes, name: bytes) -> str:
    found = re.search(rb"<%s>(.*?)</%s>" % (name, name), page, re.DOTALL)
    if found is None:
        raise RuntimeError(f"the page has no {name.decode()}")
    return f"sha256-{base64.b64encode(sha256(found[1]).digest()).decode()}"


PAGE: Final = files(__package__).joinpath("page.html").read_bytes()
PAGE_HEADERS: Final = _make_headers(PAGE)
