"""``aura-browser sites``, and names where addresses are given."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest

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
