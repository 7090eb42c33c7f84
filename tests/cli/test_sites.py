"""``aura-browser sites``, and names where addresses are given."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest
import tomlkit

from aura_browser.cli.sites import writing
from aura_browser.site.sites_file import parse_sites
from aura_browser.site.tables import APPLICATIONS
from aura_browser.store import FileStore, SessionKey
from tests.parts.cached import cache_session
from tests.parts.command import run_here
from tests.parts.members_site import COOKIE, serving_members
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE as STUB_COOKIE
from tests.parts.stub_site import GOOD, serving_stub

BROKEN = '[wiki]\nurl = "https://wiki.example.com"\nprob = "/x"\n'


def test_a_site_that_is_built_in_is_shown_as_a_definition() -> None:
    shown = run_here("sites", "show", "openchat").stdout
    assert shown.startswith("# openchat is built in.\n")
    [site] = parse_sites(shown.encode(), Path("sites.toml")).values()
    assert (site.url, site.dialect) == ("https://openchat.team", "openchat-ui")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mine"
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(folder))
    return folder / "sites.toml"


def test_a_site_is_added_shown_listed_and_removed(file: Path) -> None:
    added = run_here(
        "sites", "add", "wiki", "--url", "wiki.example.com/start", "--until", "selector:#x", "--probe", "/me"
    )
    assert (added.returncode, added.stdout) == (0, ""), added.stderr
    assert f"Added wiki to {file}. Log in with: aura-browser harvest wiki --interactive" in added.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(f"# Mine.\n{file.read_text()}# The end.\n")
    assert run_here("sites", "add", "other", "--url", "https://other.example.com").returncode == 0
    listed = json.loads(run_here("sites", "list", "--json").stdout)
    assert [(each["name"], each["built_in"]) for each in listed] == [
        ("wiki", False),
        ("other", False),
        ("openchat", True),
    ]
    assert 'until = ["selector:#x"]' in run_here("sites", "show", "wiki").stdout
    assert "https://wiki.example.com/start" in run_here("sites", "list").stdout
    assert run_here("sites", "rm", "wiki").returncode == 0
    left = file.read_text()
    assert "# Mine." in left
    assert "[other]" in left
    assert "wiki" not in left


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_definition_of_a_well_known_application_is_taken_over(file: Path, application: str) -> None:
    added = run_here("sites", "add", "mine", "--like", application, "--url", "https://apps.example.com")
    assert added.returncode == 0, added.stderr
    site = parse_sites(file.read_bytes(), file)["mine"]
    assert site.origin == "https://apps.example.com"
    assert site.probe is not None
    assert site.probe.good_marks
    assert ("--basic" in added.stderr) == (application == "mlflow")
    assert ("# The admin." in file.read_text()) == (application == "django")
    again = run_here(
        "sites", "add", "other", "--like", application, "--url", "https://a.example.com/x", "--probe", "/me"
    )
    assert again.returncode == 0, again.stderr
    other = parse_sites(file.read_bytes(), file)["other"]
    assert (other.url, other.probe and other.probe.path) == ("https://a.example.com/x", "/me")


def test_what_can_not_be_added_changes_nothing(file: Path) -> None:
    assert run_here("sites", "add", "wiki", "--url", "https://wiki.example.com").returncode == 0
    before = file.read_bytes()
    for name, url, more in (
        ("wiki", "https://x.example.com", ()),
        ("localhost", "https://x.example.com", ()),
        ("A", "https://x.example.com", ()),
        ("b", "ftp://x", ()),
        ("b", "https://x.example.com", ("--like", "wordpress")),
        ("b", "https://x.example.com", ("--origin", "https://example.org")),
    ):
        done = run_here("sites", "add", name, "--url", url, *more)
        assert done.returncode == 2, done.stderr
        assert file.read_bytes() == before
    assert run_here("sites", "rm", "nothing").returncode == 2


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("# In a repository.\n")
    file.parent.mkdir()
    file.symlink_to(target)
    assert run_here("sites", "add", "wiki", "--url", "https://wiki.example.com").returncode == 0
    assert file.is_symlink()
    assert target.read_text().startswith("# In a repository.\n")


def test_an_editor_changes_the_file_which_is_checked_then(file: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!{sys.executable}\nimport os, sys\nopen(sys.argv[1], 'w').write(os.environ['TYPED'])\n")
    editor.chmod(0o755)
    good = run_here("sites", "edit", EDITOR=str(editor), VISUAL=str(editor), TYPED='[a]\nurl = "https://example.com"\n')
    assert good.returncode == 0, good.stderr
    assert f"{file}: 1 site." in good.stderr
    bad = run_here("sites", "edit", EDITOR=str(editor), VISUAL=str(editor), TYPED=BROKEN)
    assert bad.returncode == 78
    assert f"{file}, line 3: wiki.prob: there is no such key; did you mean probe?" in bad.stderr
    assert file.read_text() == BROKEN
    again = run_here(
        "sites", "edit", EDITOR=str(editor), VISUAL=str(editor), TYPED='[a]\nurl = "https://example.com"\n'
    )
    assert again.returncode == 0


def test_a_broken_file_ends_only_what_needs_it(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(BROKEN)
    needs = ("harvest wiki", "harvest https://127.0.0.1:9/", "sites list", "sites test wiki")
    for words in map(str.split, needs):
        done = run_here(*words)
        assert done.returncode == 78, (words, done.stderr)
        assert done.stderr.count("\n") == 1
        assert "line 3: wiki.prob" in done.stderr
    for words in map(str.split, ("--help", "sites --help", "sessions list", "chat --help", "harvest --help")):
        assert run_here(*words).returncode == 0, words


def test_a_name_is_harvested_from_the_cache_and_tried(file: Path, state_home: Path) -> None:
    file.parent.mkdir()
    with serving_members() as origin:
        file.write_text(f'[mine]\nurl = "{origin}/app"\nprobe = "/api/me"\n')
        missing = run_here("sites", "test", "mine")
        assert missing.returncode == 77, missing.stdout + missing.stderr
        assert "aura-browser harvest mine --interactive" in missing.stderr
        cache_session(state_home, origin, COOKIE, "/app")
        tried = run_here("sites", "test", "mine")
        assert tried.returncode == 0, tried.stdout + tried.stderr
        assert tried.stdout.startswith("without a session: status ")
        assert "valid" in tried.stdout
        done = run_here("harvest", "mine")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["proof"] == "distinguished"
        file.write_text(f'[mine]\nurl = "{origin}/app"\nprobe = {{ get = "/", good = "200" }}\n')
    gone = run_here("sites", "test", "mine")
    assert gone.returncode == 75, gone.stdout


def test_an_unknown_name_is_wrong_usage(file: Path) -> None:
    for words in map(str.split, ("harvest wiki", "chat --url wiki Hi", "sites show wiki")):
        done = run_here(*words)
        assert done.returncode == 2, words
        assert "no site is called 'wiki'" in done.stderr


def test_the_folder_is_made_private(file: Path) -> None:
    run_here("sites", "add", "wiki", "--url", "https://wiki.example.com")
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_probe_that_anybody_fits_proves_nothing(file: Path) -> None:
    with serving_members() as origin:
        file.parent.mkdir()
        file.write_text(f'[mine]\nurl = "{origin}/app"\nprobe = {{ get = "/", good = "200" }}\n')
        done = run_here("sites", "test", "mine")
    assert (done.returncode, "proves no login" in done.stderr) == (1, True)


def test_a_file_that_can_not_be_read_or_written_is_named(file: Path) -> None:
    file.mkdir(parents=True)
    read = run_here("sites", "add", "wiki", "--url", "https://wiki.example.com")
    assert read.returncode == 78
    assert f"{file}" in read.stderr
    assert "it can't be read: Is a directory" in read.stderr
    file.rmdir()
    file.parent.rmdir()
    file.parent.write_text("a file where the folder should be")
    written = run_here("sites", "edit", EDITOR="true", VISUAL="true")
    assert written.returncode != 0
    assert f"{file}" in written.stderr
    assert "File exists" in written.stderr


def test_a_definition_is_tried_by_itself(file: Path, state_home: Path) -> None:
    """Also where another one of the same host is nearer to the page of a session."""
    store = FileStore(state_home / "aura-browser" / "sessions")
    with serving_stub() as stub:
        definitions = "".join(
            f'[{name}]\nurl = "{stub.origin}{page}"\nprobe = {{ get = "{probe}" }}\n'
            for name, page, probe in (("wiki", "/members", "/api/me"), ("git", "/login", "/missing"))
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(definitions, "utf-8")
        cookie = make_cookie(STUB_COOKIE, GOOD, http_only=True)
        session = make_session(stub.origin, url=f"{stub.origin}/members", cookies=(cookie,))
        asyncio.run(store.save(SessionKey(stub.origin), session))
        assert "valid" in run_here("sites", "test", "wiki").stdout
        before = len(stub.server.seen)
        tried = run_here("sites", "test", "git")
        assert "valid" not in tried.stdout
        assert {request.path for request in stub.server.seen[before:]} == {"/missing"}


WIKI = '[wiki]\nurl = "https://wiki.example.com/"\n'


def test_the_list_is_a_line_for_each_site_or_json(file: Path) -> None:
    shown = run_here("sites", "list")
    built_in = f"{'openchat':20}https://openchat.team  (built in)\n"
    hint = "There are no sites of your own. Add one with: aura-browser sites add NAME --url URL\n"
    assert (shown.stdout, shown.stderr) == (built_in, hint)
    file.parent.mkdir()
    name = "x" * 19
    file.write_text(f'{WIKI}[{name}]\nurl = "https://x.example.com/"\n')
    shown = run_here("sites", "list")
    lines = [f"{'wiki':21}https://wiki.example.com/", f"{name:21}https://x.example.com/"]
    assert (shown.stdout.splitlines(), shown.stderr) == ([*lines, built_in.strip().replace("   h", "    h")], "")
    facts = json.loads(run_here("sites", "list", "--json").stdout)
    assert facts[0] == {"name": "wiki", "url": "https://wiki.example.com/", "built_in": False}
    assert run_here("sites", "list", "--json").stdout == json.dumps(facts, indent=2) + "\n"


def test_a_site_is_shown_as_it_stands_but_for_what_steers_a_terminal(file: Path) -> None:
    file.parent.mkdir()
    long = f"# {'x' * 1100}"
    file.write_text(f"{WIKI}# Mine \u202eno more{long}\n{long}\n\n\n[other]\nurl = 'https://b.example.com/'\n", "utf-8")
    shown = run_here("sites", "show", "wiki").stdout
    assert shown == f"{WIKI}# Mine no more{long[:985]}…\n{long}\n"


def test_sites_stand_apart_in_a_private_file(file: Path) -> None:
    words = ("--url", "https://wiki.example.com/")
    assert run_here("sites", "add", "wiki", *words).returncode == 0
    more = ("--origin", "https://b.wiki.example.com", "--until", "cookie:sid", "--until", "text:Hi", "--probe", "/me")
    added = run_here("sites", "add", "other", *words, *more)
    assert file.read_text() == (
        f'{WIKI}\n[other]\nurl = "https://wiki.example.com/"\norigins = ["https://b.wiki.example.com"]\n'
        'until = ["cookie:sid", "text:Hi"]\nprobe = "/me"\n'
    )
    login = "aura-browser harvest other --interactive"
    assert (added.stdout, added.stderr) == ("", f"Added other to {file}. Log in with: {login}\n")
    removed = run_here("sites", "rm", "wiki")
    assert (removed.stdout, removed.stderr) == ("", f"Removed wiki from {file}\n")
    assert "[wiki]" not in file.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("add", "wiki", "--url", "https://x.example.com"),
            "name: wiki is in FILE already; change it with: aura-browser sites edit",
        ),
        (("rm", "no"), "name: 'no' is not in FILE"),
        (("rm", "x" * 41), f"name: '{'x' * 39}…' is not in FILE"),
        (("show", "no"), "name: no site is called 'no'; there are: wiki, openchat"),
        (("test", "x" * 41), f"name: no site is called '{'x' * 39}…'; there are: wiki, openchat"),
        (
            ("add", "b", "--url", "https://x.example.com", "--like", "x" * 41),
            f"like: there is no '{'x' * 39}…'; choose one of: {', '.join(APPLICATIONS)}",
        ),
    ],
)
def test_what_cannot_be_done_with_a_name_is_said(words: tuple[str, ...], said: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(WIKI)
    shown = run_here("sites", *words)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"Error: {said.replace('FILE', str(file))}")
    assert file.read_text() == WIKI


@pytest.mark.parametrize(("url", "page"), [("", "/login"), ("/", "/login"), ("/?a=1", "/?a=1"), ("/x", "/x")])
def test_a_known_application_has_its_own_page_unless_one_is_given(
    url: str, page: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tomlkit.item({"url": "https://host/login", "probe": "/me", "until": ["cookie:sid"]})
    monkeypatch.setattr(writing, "read_template", lambda _name: template)
    words = ("--like", APPLICATIONS[0], "--url", f"https://a.example.com{url}")
    assert run_here("sites", "add", "mine", *words, "--until", "text:Hi").returncode == 0
    site = parse_sites(file.read_bytes(), file)["mine"]
    assert (site.url, [str(each) for each in site.ready]) == (f"https://a.example.com{page}", ["text:Hi"])


def test_an_editor_gets_a_file_that_says_what_it_is_for(file: Path) -> None:
    for text, count in (("", "0 sites"), (WIKI, "1 site"), (f"{WIKI}{WIKI.replace('wiki', 'b')}", "2 sites")):
        if text:
            file.write_text(text)
        shown = run_here("sites", "edit", EDITOR="true", VISUAL="true")
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", f"{file}: {count}.\n")
        begin = "# Sites of your own: https://toml.io, one table each. See: aura-browser sites --help\n"
        assert file.read_text() == (text or begin)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_is_no_file_is_not_replaced(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.symlink_to("/dev/null")
    shown = run_here("sites", "add", "wiki", "--url", "https://wiki.example.com")
    assert shown.returncode == 1
    assert shown.stderr == "Error: Could not open file '/dev/null': it is not a file\n"


def test_a_trial_says_what_strangers_and_sessions_get(file: Path, state_home: Path) -> None:
    file.parent.mkdir()
    with serving_members() as origin:
        file.write_text(f'[mine]\nurl = "{origin}/app"\nprobe = "/api/me"\n')
        place = str(state_home / "my store")
        empty = run_here("sites", "test", "mine", "--store", place)
        login = f"aura-browser harvest mine --interactive --store '{place}'"
        assert (empty.returncode, empty.stderr) == (77, f"No session is cached. Log in with: {login}\n")
        assert empty.stdout == "without a session: status 401\n"
        cache_session(state_home, origin, COOKIE, "/app")
        slug = SessionKey(origin).slug
        assert run_here("sites", "test", "mine").stdout == f"{empty.stdout}{slug}  valid\n"
        for good, what in (('good = "200"', "which the marks in good fit"), ("", "which shows no login page")):
            file.write_text(f'[mine]\nurl = "{origin}/app"\nprobe = {{ get = "/app"{good and ", "}{good} }}\n')
            shown = run_here("sites", "test", "mine")
            assert shown.stdout.startswith(f"without a session: status 200, {what}\n")
            said = "A stranger gets what probe.good describes, so it proves no login.\n"
            assert (shown.returncode == 1, shown.stderr == said) == (bool(good), bool(good))
