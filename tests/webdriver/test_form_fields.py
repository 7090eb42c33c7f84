"""The names of a form's fields, without what was typed."""

import pytest

from aura_browser.webdriver.form_fields import list_field_names

_FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_PARTS = "multipart/form-data; boundary=x"
_PARTS_BODY = """--x
Content-Disposition: form-data; name="token"

abc
--x
Content-Disposition: form-data; name="file"; filename="name.txt"

x name="no"
--x--""".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("kind", "body", "names"),
    [
        (_FORM, "sectok=abc&u=boss&p=correct+horse&u=again", ("sectok", "u", "p")),
        (_FORM, "empty=&a%5Bb%5D=1&=x&bad+name=1&%00=1", ("empty", "a[b]")),
        (
            _PARTS,
            _PARTS_BODY,
            ("token", "file"),
        ),
        ("application/json", '{"csrf": "x"}', ()),
        ("", "a=b", ()),
        (_FORM, "&".join(f"f{n}=v" for n in range(60)), tuple(f"f{n}" for n in range(50))),
        (_FORM, "a=" + "b" * 2**16, ()),
    ],
)
def test_names_are_read(kind: str, body: str, names: tuple[str, ...]) -> None:
    assert list_field_names({"Content-Type": kind}, body) == names
    assert list_field_names({"content-type": kind}, body) == names
