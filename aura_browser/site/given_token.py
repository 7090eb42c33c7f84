"""Finds the token against forgery in the answer that gives it out."""

from html.parser import HTMLParser

from aura_browser.site.json_path import read_path
from aura_browser.site.tokens import Csrf


def find_token(csrf: Csrf, body: bytes) -> str | None:
    """Return the token in the answer to ``csrf.get``; None if it is not there."""
    if csrf.json:
        return read_path(body, csrf.json) or None
    finder = _Finder("input" if csrf.input else "meta", csrf.input or csrf.meta)
    finder.feed(body.decode("utf-8", "replace"))
    return finder.found or None


class _Finder(HTMLParser):
    """Finds the value of the first element of a kind and a name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__()
        self.found: str | None = None
        self._kind = kind
        self._name = name

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the element's value, if it is the one."""
        named = dict(attrs)
        if self.found is None and tag == self._kind and named.get("name") == self._name:
            self.found = named.get("value" if tag == "input" else "content")
