"""``sites.toml``: what it says of a site, and what is said of it if it can't work."""

from pathlib import Path

import pytest
from yarl import URL

from aura_browser import AuraClient, SiteClient, assemble
from aura_browser.engine import DefaultEngine, Undetected
from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.site import OPENCHAT, Condition, page_site, site_at, site_named
from aura_browser.site.config_folder import find_sites_file
from aura_browser.site.mark import Mark
from aura_browser.site.sites_file import check_name, parse_sites, read_sites_file
from tests.parts.sessions import make_session

WHOLE = """
# My sites.
[wiki]
url = "https://wiki.example.com/start"
origins = ["https://api.example.com"]
until = ["cookie:sid", "selector:#logout"]
probe = { get = "/api/me", good = "200 application/json", dropped = ["302 /login*", "401"], identity = "json:user" }
dropped = ["302 /login*"]
not_dropped = "403"
api = ["/api/"]
headers = { X-Api-Version = "v2" }
keep_headers = ["x-tenant"]
dialect = "openai"
engine = "undetected"
profile = "work"
proxy = "${WORK_PROXY}"
refresh = "never"

["git-lab"]
url = "git.example.com"
probe = "/api/v4/user"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    return tmp_path / "sites.toml"


def test_all_keys_are_read(file: Path) -> None:
    file.write_text(WHOLE)
    site = site_at("wiki")
    assert (site.name, site.url, site.origins) == (
        "wiki",
        "https://wiki.example.com/start",
        ("https://api.example.com",),
    )
    assert site.ready == (Condition("cookie", "sid"), Condition("selector", "#logout"))
    assert site.probe is not None
    assert (site.probe.path, site.probe.method, site.probe.identity) == ("/api/me", "GET", "json:user")
    assert site.probe.dropped_marks == (Mark(302, location="/login*"), Mark(401))
    assert (site.dropped_marks, site.not_dropped_marks) == ((Mark(302, location="/login*"),), (Mark(403),))
    assert (site.api_paths, site.stated_headers, site.headers) == (("/api/",), {"X-Api-Version": "v2"}, ("x-tenant",))
    assert (site.dialect, site.engine, site.refresh) == ("openai", Undetected(profile="work"), "never")
    other = site_at("git-lab")
    assert (other.url, other.probe and other.probe.path) == ("https://git.example.com", "/api/v4/user")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("wiki", "wiki", "https://wiki.example.com/start"),
        ("wiki/a/b?c=d", "wiki", "https://wiki.example.com/a/b?c=d"),
        ("wiki/", "wiki", "https://wiki.example.com/"),
        ("https://wiki.example.com", "wiki", "https://wiki.example.com"),
        ("api.example.com/x", "wiki", "https://api.example.com/x"),
        ("openchat", "", "https://openchat.team"),
        ("https://openchat.team/x", "", "https://openchat.team/x"),
        ("https://other.example.com/x", "", "https://other.example.com/x"),
        ("localhost/x", "", "http://localhost/x"),
        ("localhost:80/x", "", "http://localhost/x"),
    ],
)
def test_a_name_or_an_address_gives_the_site_and_the_address(file: Path, text: str, name: str, address: str) -> None:
    file.write_text(WHOLE)
    site, found = site_named(text)
    assert (site.name, URL(found)) == (name, URL(address))
    shown = (
        "https://wiki.example.com/start"
        if address in {"https://wiki.example.com", "https://api.example.com/x"}
        else address
    )
    assert URL(site.url) == URL(shown)


def test_an_address_of_the_host_alone_opens_the_sites_page(file: Path) -> None:
    file.write_text(WHOLE)
    assert site_at("wiki.example.com").url == "https://wiki.example.com/start"
    assert site_at("wiki.example.com/other").url == "https://wiki.example.com/other"


def test_of_two_sites_at_one_host_the_one_of_the_folder_is_taken(file: Path) -> None:
    file.write_text('[a]\nurl = "https://example.com/a/start"\n[b]\nurl = "https://example.com/b/start"\n')
    assert [site_at(f"example.com/{path}").name for path in ("a/x", "b/x")] == ["a", "b"]


def test_of_two_sites_the_one_at_the_very_origin_is_taken_and_then_the_one_whose_folder_fits(file: Path) -> None:
    file.write_text('[a]\nurl = "http://example.com/"\n[b]\nurl = "https://example.com/b/"\n')
    assert site_at("https://example.com/x").name == "b"
    file.write_text('[a]\nurl = "https://example.com/a/start"\n[b]\nurl = "https://example.com/"\n')
    assert [site_at(f"https://example.com/{path}").name for path in ("x", "a/x")] == ["b", "a"]


@pytest.mark.parametrize(("stated", "dialect"), [("", "openchat-ui"), ('dialect = "openai"', "openai")])
def test_a_definition_without_a_dialect_has_the_one_that_is_known(file: Path, stated: str, dialect: str) -> None:
    file.write_text(f'[a]\nurl = "https://example.com/"\n{stated}\n')
    assert site_at("https://example.com/x", dialect="openchat-ui").dialect == dialect


def test_at_most_eight_names_are_told(file: Path) -> None:
    file.write_text("".join(f'[site{number}]\nurl = "https://example.com/"\n' for number in range(9)))
    with pytest.raises(InvalidInput, match=r"^url: no site is called 'site' \(there are: (site\d, ){7}site\d\);"):
        site_at("site")
    with pytest.raises(InvalidInput, match=r"^url: no site is called 'other' \(there are: site0, .*, site7\);"):
        site_at("other")
    file.write_text('[only]\nurl = "https://example.com/"\n')
    with pytest.raises(InvalidInput, match=r"^url: no site is called 'other' \(there are: only, openchat\);"):
        site_at("other")


def test_a_name_that_is_unknown_names_near_ones_and_says_how_to_write_a_host(file: Path) -> None:
    file.write_text(WHOLE)
    with pytest.raises(InvalidInput, match=r"no site is called 'wiky' \(there are: wiki\).*write https://wiky"):
        site_at("wiky")
    file.unlink()
    with pytest.raises(InvalidInput, match=r"'intranet' \(sites.toml holds no site\).*write https://intranet"):
        site_at("intranet/x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[a]\nurl = "x.y"\n\nprob = "/x"\n', r"line 4: a\.prob: there is no such key; did you mean probe\?"),
        ('[a]\nurl = "x.y"\nprobe = { gett = "/x" }\n', r"line 3: a\.probe\.gett: there is no .*did you mean get\?"),
        ('[a]\nurl = "x.y"\n[a.probe]\nget = 5\n', r"line 4: a\.probe\.get: must be text, not a number"),
        ('[a]\nurl = "x.y"\norigins = "https://z.y"\n', r"line 3: a\.origins: must be a list, not text"),
        ('[a]\nurl = "x.y"\norigins = ["https://z.com"]\n', r"line 3: a\.origins: https://z\.com belongs to another"),
        ('[a]\nurl = "x.y"\nuntil = [\n  "cooky:sid",\n]\n', r"line 3: a\.until: 'cooky:sid' is not one of"),
        ('[a]\nurl = "x.y"\nprobe = { get = "me" }\n', r"line 3: a\.probe\.get: 'me' is not a path of the site"),
        ('[a]\nurl = "x.y"\nprobe = {}\n', r"line 3: a\.probe: needs either get or post"),
        ('[a]\nurl = "x.y"\ndropped = ["maybe"]\n', r"line 3: a\.dropped: 'maybe' has another form"),
        ('[a]\nurl = "x.y"\nengine = "firefox"\n', r"line 3: a\.engine: Invalid enum value 'firefox'"),
        ('[a]\nurl = "x.y"\nproxy = "http://me:secret@p:1"\n', r"line 3: a\.proxy: must name a variable"),
        ('[a]\nurl = "x.y"\nheaders = { Cookie = "a" }\n', r"line 3: a\.headers\.Cookie: 'Cookie' is not a header"),
        ('[a]\nurl = "x.y"\nheaders = { A = 1 }\n', r"line 3: a\.headers: must be text, not a number"),
        ('[a]\nurl = "ftp://x.y"\n', r"line 2: a\.url: not an http or https address"),
        (
            '[a]\nurl = "x.y"\napi = ["https://x.y/api"]\n',
            r"line 3: a\.api: 'https://x\.y/api' is not a path of the site",
        ),
        ('[a]\nurl = "x.y"\nwebsocket = { "https://x.y/ws" = "a" }\n', r"line 3: a\.websocket: .*is not a path of the"),
        ('\n[a]\nprobe = "/x"\n', r"line 2: a: the key url is missing"),
        ('[localhost]\nurl = "x.y"\n', r"line 1: localhost: 'localhost' is not a site's name"),
        ('["A b"]\nurl = "x.y"\n', r"line 1: A b: 'A b' is not a site's name"),
        ("a = 1\n", r"line 1: a: must be a table, such as \[a\]"),
        ('[a]\nurl = "x.y\n', r"line 2: it is not TOML"),
        ('[a]\nurl = """x.y\n', r"line 2: it is not TOML"),
        ("[a]\n\udcff\n", r"line 2: it is not UTF-8 text"),
        ("\n\udcff\n", r"line 2: it is not UTF-8 text"),
        (f"[a]\nurl = {'9' * 5000}\n", r"line 2: it is not TOML"),
        (f"[a]\nurl = {'[' * 5000}\n", r"line 2: it is not TOML: it is nested too deeply\."),
        ('[a]\nurl = "x.y"\norigins = [1]\n', r"line 3: a\.origins: must be text, not a number"),
        ('[a]\nurl = "x.y"\nprobe = 1.5\n', r"line 3: a\.probe: must be text or a table, not a number"),
        ('[a]\nurl = "x.y"\nauth = []\n', r"line 3: a\.auth: must be a table, not a list"),
        ('[a]\nurl = "x.y"\nbase_url = "/x"\n', r"line 3: a\.base_url: there is no such key; did you mean url\?"),
        ('[a]\nurl = "x.y"\nqqq = 1\n', r"line 3: a\.qqq: there is no such key; the keys are url, origins, until, "),
        (f'[a]\nurl = "x.y"\n{"q" * 90} = 1\n', rf"line 3: a\.{'q' * 77}\u2026: there is no such key"),
        (f'[a]\nurl = "x.y"\nengine = "{"q" * 200}"\n', r"line 3: a\.engine: Invalid enum value 'q{99}\u2026"),
    ],
)
def test_what_can_not_work_is_named_with_line_and_key(file: Path, text: str, problem: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidConfiguration, match=rf"{file}, {problem}") as caught:
        site_at("a")
    assert "secret" not in str(caught.value)
    assert "sites edit" in str(caught.value)


def test_a_file_that_is_too_long_is_read_no_further(file: Path) -> None:
    file.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(InvalidConfiguration, match=f"^{file}: it is over 1 MiB"):
        site_at("a")
    file.write_bytes(b"#" * 2**20)
    assert read_sites_file(file) == {}


def test_a_file_of_very_many_lines_has_the_line_of_no_mistake(file: Path) -> None:
    file.write_text("[a]\n" + "\n" * 3000)
    with pytest.raises(InvalidConfiguration, match=f"^{file}: a: the key url is missing"):
        site_at("a")


def test_a_value_that_looks_like_a_key_is_not_taken_for_it() -> None:
    text = '[a]\nurl = "x.y"\ndropped = """\nprob = 1\n401"""\nprob = 1\n'
    with pytest.raises(InvalidConfiguration) as caught:
        parse_sites(text.encode(), Path("sites.toml"))
    assert (caught.value.line, caught.value.key) == (6, "a.prob")


def test_a_file_that_can_not_work_is_no_concern_of_openchat(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("[a]\n")
    assert site_at("openchat.team") == OPENCHAT
    assert "The built-in definition of https://openchat.team is used" in caplog.text
    for text in ("a", "https://example.com"):
        with pytest.raises(InvalidConfiguration):
            site_at(text)


def test_a_file_that_can_not_be_read_is_no_missing_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(InvalidConfiguration, match=f"^{file}: it can't be read: Is a directory"):
        read_sites_file(file)


def test_a_definition_says_what_its_caller_does_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        '[a]\nurl = "https://example.com"\nprofile = "work"\nproxy = "${WORK_PROXY}"\nrefresh = "interactive"\n'
    )
    with pytest.raises(InvalidConfiguration, match=r"a\.proxy: the variable WORK_PROXY is not set"):
        assemble(site_at("a"), store="memory")
    monkeypatch.setenv("WORK_PROXY", "http://proxy.example.com:3128")
    assert site_at("a").engine == DefaultEngine(profile="work")
    assert assemble(site_at("a"), store="memory").proxy == "http://proxy.example.com:3128"
    assert assemble(site_at("a"), store="memory", proxy="http://mine:1").proxy == "http://mine:1"
    given = make_session("https://example.com", proxy=None)
    assert assemble(site_at("a"), session=given).proxy is None


@pytest.fixture
def whole(file: Path) -> None:
    file.write_text(WHOLE.replace('proxy = "${WORK_PROXY}"\n', ""))


async def test_clients_take_a_name(whole: None) -> None:
    async with SiteClient("git-lab", store="memory") as client:
        assert client.site.name == "git-lab"
    async with AuraClient("wiki", store="memory"):
        pass
    with pytest.raises(InvalidInput, match="no site is called 'wikki'"):
        AuraClient("wikki")


@pytest.mark.parametrize("name", ["localhost", "A b", ""])
def test_a_name_that_no_site_can_have_is_refused_by_field(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^name: '{name}' is not a site's name"):
        check_name(name)


def test_a_user_without_a_home_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def know_nobody(_uid: int) -> None:
        raise KeyError("no entry")

    for name in ("HOME", "XDG_CONFIG_HOME", "AURA_BROWSER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", know_nobody)
    with pytest.raises(InvalidInput, match="AURA_BROWSER_CONFIG: this user has no home folder"):
        find_sites_file()
    assert site_at("https://example.com/") == page_site("https://example.com/")
    monkeypatch.setenv("AURA_BROWSER_CONFIG", "/somewhere")
    assert find_sites_file() == Path("/somewhere/sites.toml")
