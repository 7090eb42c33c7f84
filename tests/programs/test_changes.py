"""What became of a session's cookies in a program's file."""

import time

from aura_browser.programs.changes import Changes, find_changes
from aura_browser.session import Cookie
from tests.parts.sessions import make_cookie, make_session

NOW = time.time()
SID = make_cookie("sid", "a", domain="app.example.com", http_only=True, same_site="Lax", priority="High")
THEME = make_cookie("theme", "dark", domain="app.example.com", expires=NOW + 60.25)
SESSION = make_session("https://app.example.com", cookies=(SID, THEME))
# As a cookies.txt holds them.
FILE = (
    make_cookie("sid", "a", domain="app.example.com", http_only=True, expires=NOW + 86400),
    make_cookie("theme", "dark", domain="app.example.com", expires=float(round(NOW + 60))),
)


def changed(*after: Cookie) -> Changes:
    return find_changes(SESSION, FILE, after, NOW)


def cookie(name: str, value: str, **facts: object) -> Cookie:
    return make_cookie(name, value, **({"domain": "app.example.com"} | facts))


def test_a_file_that_is_written_anew_with_the_same_cookies_changes_nothing() -> None:
    assert changed(*FILE) == Changes()


def test_a_changed_value_keeps_what_the_format_can_not_hold() -> None:
    (found,) = changed(cookie("sid", "b", expires=FILE[0].expires), FILE[1]).cookies
    assert (found.value, found.same_site, found.priority, found.expires) == ("b", "Lax", "High", None)


def test_a_changed_end_is_taken_and_a_rounded_one_is_not() -> None:
    (found,) = changed(FILE[0], cookie("theme", "dark", expires=NOW + 500)).cookies
    assert found.expires == NOW + 500
    (found,) = changed(FILE[0], cookie("theme", "light", expires=FILE[1].expires)).cookies
    assert (found.value, found.expires) == ("light", THEME.expires)


def test_what_a_program_took_for_latin_1_is_named_unless_it_is_the_old_value() -> None:
    wide, taken = cookie("wide", "h\u00e9 \u20ac"), "h\u00e9 \u20ac".encode().decode("latin-1")
    session = SESSION.with_cookies((*SESSION.cookies, wide))

    def become(value: str, before: str = wide.value) -> Changes:
        return find_changes(session, (*FILE, cookie("wide", before)), (*FILE, cookie("wide", value)), NOW)

    assert become(taken) == Changes()
    assert become(f"{taken}!") == Changes(garbled=("wide",))
    (found,) = become("\u20ac").cookies
    assert found.value == "\u20ac"
    new = find_changes(session, FILE, (*FILE, cookie("place", taken)), NOW)
    assert new == Changes(garbled=("place",))
    (found,) = become(f"{taken}!", before=taken).cookies
    assert found.value == f"{taken}!", "the site itself writes it so"


def test_a_cookie_of_a_file_that_does_not_say_whether_subdomains_get_it_is_the_same() -> None:
    wide = cookie("wide", "a", host_only=False)
    session = SESSION.with_cookies((*SESSION.cookies, wide))

    def become(*after: Cookie) -> Changes:
        return find_changes(session, (*FILE, wide), (*FILE, *after), NOW)

    assert become(cookie("wide", "a")) == Changes()
    (found,) = become(cookie("wide", "b")).cookies
    assert (found.value, found.host_only) == ("b", False)
    both = (*FILE, wide, cookie("wide", "c"))
    (found,) = find_changes(session, both, (*FILE, cookie("wide", "b")), NOW).cookies
    assert (found.value, found.host_only) == ("b", True), "the one of which both kinds were there"
    (found,) = become(cookie("wide", "b"), wide).cookies
    assert (found.value, found.host_only) == ("b", True), "another cookie"


def test_a_new_cookie_of_the_site_is_taken_and_one_of_another_site_is_not() -> None:
    new = cookie("csrf", "x", domain="example.com", host_only=False)
    assert changed(*FILE, new, cookie("csrf", "x", domain="example.org")).cookies == (new,)


def test_a_cookie_of_the_login_that_is_gone_empty_or_over_is_lost() -> None:
    for after in ((FILE[1],), (cookie("sid", ""), FILE[1]), (cookie("sid", "b", expires=NOW - 1), FILE[1])):
        assert changed(*after).lost == ("sid",)


def test_a_cookie_of_the_login_without_a_value_or_a_name_is_lost_only_with_its_place() -> None:
    nameless = cookie("", "a", http_only=True, expires=NOW + 60)
    empty = cookie("mark", "", http_only=True, expires=NOW + 60)
    session = make_session("https://app.example.com", cookies=(nameless, empty))
    assert find_changes(session, session.cookies, session.cookies, NOW) == Changes()
    assert find_changes(session, session.cookies, (), NOW).lost == ("(no name)", "mark")


def test_a_partitioned_cookie_is_another_than_the_one_in_the_file() -> None:
    partitioned = make_cookie("sid", "p", domain="app.example.com", secure=True, partition_key="https://example.org")
    session = make_session("https://app.example.com", cookies=(partitioned, SID))
    after = cookie("sid", "b", expires=FILE[0].expires)
    (found,) = find_changes(session, FILE[:1], (after,), NOW).cookies
    assert (found.value, found.partition_key, found.same_site) == ("b", None, "Lax")


def test_a_cookie_that_only_the_file_or_only_the_session_had_is_taken_as_the_program_wrote_it() -> None:
    new = cookie("sid", "b", expires=NOW + 5)
    for session, before in ((SESSION, ()), (make_session("https://app.example.com", cookies=()), FILE[:1])):
        assert find_changes(session, before, (new,), NOW).cookies == (new,)


def test_another_cookie_that_is_gone_stays_as_it_is() -> None:
    assert changed(FILE[0]) == Changes()


def test_where_no_cookie_is_hidden_from_scripts_all_may_be_the_login() -> None:
    session = make_session("https://app.example.com", cookies=(THEME,))
    assert find_changes(session, FILE[1:], (), NOW).lost == ("theme",)
