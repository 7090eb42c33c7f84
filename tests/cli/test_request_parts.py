"""The parts of ``aura-browser request``: a body as options describe it, headers, and what goes into curl's files."""

import asyncio
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from aura_browser.cli.request.as_curl import find_old_files, list_carried, write_curl_command
from aura_browser.cli.request.body import Upload, _read_field, build_upload
from aura_browser.cli.request.copied import describe_copied
from aura_browser.errors import InvalidInput
from aura_browser.formats.copied_request import CopiedCookie, CopiedRequest
from aura_browser.request import Request
from tests.parts.cached import cache_session
from tests.parts.command import run_here
from tests.parts.echo_site import CONTENT, serving_echo
from tests.parts.missing import missing
from tests.parts.servers import page, serving

KEPT = 16 * 2**20
HINT = """write it in single quotes, such as --json '{"name": "Ann"}'"""
USAGE = "Name what to ask, such as: aura-browser request https://example.com/api/me"


def refused(data: list[str], text: str | None, file: str | None, form: list[str]) -> str:
    """Return why these options are no body."""
    with pytest.raises(click.UsageError) as caught:
        build_upload(data, text, file, form)
    return caught.value.message


def build(
    *, data: tuple[str, ...] = (), text: str | None = None, file: str | None = None, form: tuple[str, ...] = ()
) -> Upload:
    """Return the body of these options."""
    upload = build_upload(data, text, file, form)
    assert upload is not None
    return upload


def test_no_option_is_no_body_and_two_are_none_either() -> None:
    assert build_upload([], None, None, []) is None
    end = "can't be combined: a request has one body."
    assert refused(["a"], "1", None, []) == f"-d and --json {end}"
    assert refused([], "1", "x", []) == f"--json and --data-file {end}"
    assert refused(["a"], None, None, ["a=1"]) == f"-d and -F {end}"
    assert refused(["a"], "", "", ["a=1"]) == f"-d and --json and --data-file and -F {end}"


@pytest.mark.parametrize(("data", "name"), [(["@my.txt"], "my.txt"), (["a=1", "@b"], "b"), (["@"], "FILE")])
def test_form_data_is_no_file(data: list[str], name: str) -> None:
    assert refused(data, None, None, []) == f"-d takes text. To send a file, give --data-file {name}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{a: 1}", " (at character 2)"),
        ("", " (at character 1)"),
        ("[" * 200_000, ""),
        ("1" * 5_000, ""),
        ('{"a": NaN}', ""),
        ("[-Infinity]", ""),
    ],
)
def test_what_is_no_json_is_told_of_with_its_place(text: str, place: str) -> None:
    assert refused([], text, None, []) == f"--json is not valid JSON{place}; {HINT}"


def test_what_is_sent_is_never_part_of_what_is_logged() -> None:
    assert repr(build(data=("s3cret",))) == "Upload('application/x-www-form-urlencoded', size=6)"


def test_bytes_that_are_no_text_are_sent_as_they_are() -> None:
    assert build(data=("a=\udcff", "b")).join() == b"a=\xff&b"
    assert build(text='"\udcff"').join() == b'"\xff"'
    assert b'name="\xff"\r\n\r\n\xfe\r\n' in build(form=("\udcff=\udcfe",)).join()


@pytest.mark.parametrize(("name", "kind"), [("a.txt", "text/plain"), ("a.gz", None), ("a.nothing", None)])
def test_a_file_has_the_type_of_its_name(name: str, kind: str | None, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"abc")
    upload = build(file=str(file))
    assert (upload.content_type, upload.size, upload.join()) == (kind or "application/octet-stream", 3, b"abc")


def test_what_cannot_be_read_is_named() -> None:
    assert refused([], None, "/nowhere/x", []) == "--data-file: /nowhere/x can't be read: No such file or directory."
    assert refused([], None, None, ["a=@/nowhere/x"]) == "-F: /nowhere/x can't be read: No such file or directory."


@pytest.mark.parametrize(("size", "is_kept"), [(KEPT, True), (KEPT + 1, False)])
def test_sixteen_mebibytes_are_kept_in_memory(
    size: int, *, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "long"
    with file.open("wb") as made:
        made.truncate(size)
    upload = build(file=str(file))
    assert (upload.is_in_memory, upload.size) == (is_kept, size)
    upload.close()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(bytes(size))))
    read = build(file="-")
    assert (read.is_in_memory, read.size) == (is_kept, size if is_kept else None)
    assert read.content_type == "application/octet-stream"


async def test_a_body_is_sent_in_pieces_of_a_mebibyte(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 8192 + b"!"
    pieces = [data[: 2**20], data[2**20 : 2**21], b"!"]
    stdin, file = BytesIO(b"in"), BytesIO(data)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stdin))
    upload = Upload((data, file, stdin), "text/plain", None)
    assert [chunk async for chunk in upload.stream()] == [*pieces, *pieces, b"in"]
    upload.close()
    assert (file.closed, stdin.closed) == (True, False)


FIELD = "-F: must be name=text, name=@file or name=<file."


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("name", FIELD),
        ("=text", FIELD),
        ("a=@/dev/null", "-F: /dev/null is not a file; a form needs the length of each part."),
        ("a=@/dev/null;type=x\ny", "-F: type= must be printable text."),
        ("a=</dev/null;filename=\x1b", "-F: filename= must be printable text."),
    ],
)
def test_what_is_no_field_is_told_of(field: str, said: str) -> None:
    assert refused([], None, None, ["a=1", field]) == said


def test_a_form_is_as_long_as_it_says_and_its_names_are_written_as_browsers_do(tmp_path: Path) -> None:
    (tmp_path / "type=x").write_bytes(b"one")
    (tmp_path / "b.txt").write_bytes(b"two")
    second = f'b\r\n"=@{tmp_path / "b.txt"};filename=c.d;type=x/y'
    form = build(form=(f"a=@{tmp_path / 'type=x'}", second, "c="))
    kind, _, boundary = form.content_type.partition("; boundary=")
    assert (kind, form.size, form.is_in_memory) == ("multipart/form-data", len(form.join()), True)
    assert form.join().decode().replace(boundary, "B") == (
        '--B\r\nContent-Disposition: form-data; name="a"; filename="type=x"\r\n'
        "Content-Type: application/octet-stream\r\n\r\none\r\n"
        '--B\r\nContent-Disposition: form-data; name="b%0D%0A%22"; filename="c.d"\r\nContent-Type: x/y\r\n\r\ntwo\r\n'
        '--B\r\nContent-Disposition: form-data; name="c"\r\n\r\n\r\n--B--\r\n'
    )
    assert build(form=("c=",)).content_type != build(form=("c=",)).content_type


@pytest.mark.parametrize(
    ("value", "content", "more"),
    [
        ('{"a":1};type=application/json', '{"a":1}', "\r\nContent-Type: application/json"),
        ("text;filename=a.txt;type=text/x", "text", '; filename="a.txt"\r\nContent-Type: text/x'),
        ('"b;type=c"', "b;type=c", ""),
        ('"say \\"hi\\" \\\\";type=text/x', 'say "hi" \\', "\r\nContent-Type: text/x"),
        ('"open', '"open', ""),
        ('"a" and "b"', '"a" and "b"', ""),
        ("a;b", "a;b", ""),
    ],
)
def test_a_text_in_a_form_may_have_options_and_quotes_as_in_curl(value: str, content: str, more: str) -> None:
    form = build(form=(f"meta={value}",))
    boundary = form.content_type.partition("; boundary=")[2]
    head = f'Content-Disposition: form-data; name="meta"{more}'
    assert form.join().decode() == f"--{boundary}\r\n{head}\r\n\r\n{content}\r\n--{boundary}--\r\n"


@pytest.mark.parametrize("words", [["-I", "GET"], ["-I", "POST"], ["-I", "-d", "a=1"], ["-I", "-d", "a=1", "HEAD"]])
def test_head_has_no_body_and_no_other_method(words: list[str]) -> None:
    shown = run_here("request", *words, "http://127.0.0.1:9/")
    assert shown.returncode == 2
    assert shown.stderr.endswith("Error: -I asks with HEAD, which has no body and no other method.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *(
            (words, USAGE)
            for words in ([], ["POST"], ["GET", "URL", "more"], ["G@T", "URL"], ["A" * 32, "URL"], ["1X", "URL"])
        ),
        (["URL", "-H", "nocolon"], "-H must be 'NAME: VALUE', or 'NAME;' for an empty value."),
        (
            ["URL", "-H", "cookie: a=1"],
            "-H can't set cookie: the session's cookies are sent; log in with the account that you need instead.",
        ),
        (["URL", "-H", "Content-Length:1"], "-H can't set Content-Length: the length is known when the body is sent."),
        (
            ["URL", "-H", "Transfer-Encoding;"],
            "-H can't set Transfer-Encoding: how the body is framed is known when it is sent.",
        ),
        *(
            (["--from-curl", "FILE", *more], "--from-curl brings method, address and body; leave the others out.")
            for more in (["URL"], ["-I"], ["-d", "a"], ["--json", "1"], ["--data-file", "FILE"], ["-F", "a=1"])
        ),
        *(
            (["URL", "-C", "-", *more], "-C continues a file: it needs -o FILE, and no -i, -I or --as-curl.")
            for more in (
                [],
                ["-o", "/dev/null"],
                ["-o", "-"],
                *(["-o", "FILE", word] for word in ("-i", "-I", "--as-curl")),
            )
        ),
        *(
            (["URL", "-o", "FILE", "-C", text], "-C must be - or a number of bytes up to the file's size, 3.")
            for text in ("4", "x", "-1", "1" * 19, "")
        ),
    ],
)
def test_what_cannot_be_asked_is_told_of(words: list[str], said: str, tmp_path: Path) -> None:
    places = {"URL": "http://127.0.0.1:9/", "FILE": str(tmp_path / "file")}
    (tmp_path / "file").write_bytes(b"abc")
    shown = run_here("request", "--refresh", "never", *(places.get(word, word) for word in words))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.endswith(f"Error: {said}\n")


@pytest.mark.parametrize("method", ["A" * 31, "x", "VERSION-CONTROL"])
def test_any_method_of_letters_is_asked_with(method: str) -> None:
    shown = run_here("request", "--refresh", "never", method, "http://127.0.0.1:9/")
    assert shown.returncode == 77, shown.stderr


def test_a_download_that_has_not_begun_is_begun_uncompressed(state_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "new"
    with serving_echo() as site:
        cache_session(state_home, site.origin)
        words = ("request", "--refresh", "never", f"{site.origin}/file", "-o", str(file))
        assert run_here(*words, "-C", "-").returncode == 0
        assert file.read_bytes() == CONTENT
        file.write_bytes(CONTENT[:5])
        assert run_here(*words, "-C", "5").returncode == 0
        assert file.read_bytes() == CONTENT
        first, second = (request.headers for request in site.server.seen)
        assert (first["Accept-Encoding"], first.get("Range")) == ("identity", None)
        assert (second["Accept-Encoding"], second.get("Range")) == ("identity", "bytes=5-")
        shown = run_here("request", "--refresh", "never", f"{site.origin}/echo", "-o", "-", "-H", "x-a;", "-H", "X-A:2")
        assert ["x-a", ", 2"] in json.loads(shown.stdout)["headers"]


def test_the_curl_command_has_the_options_that_were_given(state_home: Path, tmp_path: Path) -> None:
    with serving_echo() as site:
        cache_session(state_home, site.origin)
        words = ("request", "--refresh", "never", "--as-curl", f"{site.origin}/echo")
        out = str(tmp_path / "my out")
        plain, full = run_here(*words), run_here(*words, "-L", "-i", "--fail", "-o", out, "--no-compressed")
    folder = re.escape(str(state_home / "aura-browser" / "curl"))
    start = rf"curl -K {folder}/127\.0\.0\.1-\w+\.curl"
    assert re.fullmatch(rf"{start} {site.origin}/echo\n", plain.stdout)
    assert re.fullmatch(rf"{start} -L -i --fail -o '{re.escape(out)}' {site.origin}/echo\n", full.stdout)
    assert ["compressed\n" in Path(each.stdout.split()[2]).read_text() for each in (plain, full)] == [True, False]


def write(
    url: str, *, method: str = "GET", compressed: bool = False, **headers: str
) -> tuple[list[str], Path, list[str]]:
    """Return the words of a curl command, its private file, and the lines in it."""
    body = b"body" if method == "POST" else None
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(method, url, names, body)
    command = write_curl_command("http://127.0.0.1:3128", request, ["-i"], compressed=compressed).split()
    return command, Path(command[2]), Path(command[2]).read_text().splitlines()


def test_what_is_secret_is_in_a_private_file_alone(state_home: Path) -> None:
    words, file, lines = write("https://a.example/x", method="POST", X_A='"\\', X_B="", compressed=True)
    [body] = [each for each in file.parent.iterdir() if each != file]
    assert (words[:2], words[3:]) == (["curl", "-K"], ["-i", "https://a.example/x"])
    assert lines == [
        "globoff",
        'header = "X-A: \\"\\\\"',
        'header = "X-B;"',
        f'data-binary = "@{body}"',
        'proxy = "http://127.0.0.1:3128"',
        "compressed",
    ]
    assert (body.read_bytes(), body.suffix, body.name.startswith("a.example-")) == (b"body", ".body", True)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, body, file.parent)] == [0o600, 0o600, 0o700]


@pytest.mark.parametrize(
    ("method", "body", "named"),
    [("GET", None, ""), ("POST", b"a", ""), ("POST", None, "POST"), ("GET", b"a", "GET"), ("PUT", b"a", "PUT")],
)
def test_a_method_that_curl_takes_by_itself_is_not_named_and_changes_with_a_redirect(
    method: str, body: bytes | None, named: str, state_home: Path
) -> None:
    request = Request(method, "https://a.example/", {}, body)
    config = Path(write_curl_command(None, request, [], compressed=False).split()[2]).read_text()
    assert re.findall('request = "(.*)"', config) == ([named] if named else [])


def test_an_address_with_a_token_is_in_the_file_too(state_home: Path) -> None:
    words, file, lines = write("https://a.example/x?token=s3cret", method="HEAD")
    assert words == ["curl", "-K", str(file), "-i"]
    assert lines == ["globoff", "head", 'proxy = "http://127.0.0.1:3128"', 'url = "https://a.example/x?token=s3cret"']


@pytest.mark.parametrize(
    ("host", "name"),
    [("a_b.example", "a-b.example-"), (f"{'x' * 59}.example", f"{'x' * 59}.-"), ("[::1]", "-1-")],
)
def test_a_private_file_is_named_after_the_host(host: str, name: str, state_home: Path) -> None:
    assert re.fullmatch(rf"{re.escape(name)}\w{{8}}\.curl", write(f"https://{host}/")[1].name)


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b"])
def test_a_value_with_a_line_end_is_refused(value: str, state_home: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        write("https://a.example/", X_A=value)
    said = "--as-curl: header has a line end in its value, which curl's configuration can't hold"
    assert str(caught.value).startswith(said)


def test_curl_carries_on_only_headers_that_the_site_made() -> None:
    own = ("Authorization", "Cookie", "Accept", "Content-Type", "Origin", "Referer", "User-Agent", "Accept-Language")
    request = Request("GET", "https://a.example/", dict.fromkeys((*own, "X-Csrf", "X-Mine"), "1"))
    assert list_carried(request, {"x-MINE": "1"}) == ["X-Csrf"]
    assert list_carried(request, {}) == ["X-Csrf", "X-Mine"]


def test_a_private_file_is_old_after_a_day(state_home: Path) -> None:
    assert find_old_files() == []
    folder = state_home / "aura-browser" / "curl"
    folder.mkdir(parents=True)
    for name, age in (("b.curl", 1.0), ("a.body", 1.0), ("c.curl", 0.0), ("d.txt", 1.0)):
        (folder / name).touch()
        os.utime(folder / name, (0, 100_000.0 - age))
    assert [path.name for path in find_old_files(186_400.0)] == ["a.body", "b.curl"]


@pytest.mark.parametrize(
    ("cookies", "left_out", "said"),
    [
        (0, (), ""),
        (2, (), "Not used: its 2 cookies; the session's own cookies are sent."),
        (0, ("x" * 40,), f"Not used: {'x' * 40}; the session's own cookies are sent."),
        (1, ("-k", "x" * 41), f"Not used: its 1 cookie, -k, {'x' * 39}…; the session's own cookies are sent."),
    ],
)
def test_what_of_a_copied_request_is_not_used_is_said(cookies: int, left_out: tuple[str, ...], said: str) -> None:
    copied = (CopiedCookie("sid", "s3cret", "a.example"),) * cookies
    request = CopiedRequest("GET", "https://a.example/", (), copied, None, left_out)
    assert describe_copied(request) == said


@pytest.mark.parametrize(
    "field",
    [
        'f=@x;filename="q.bin"',
        'f=@"a;b.txt"',
        "f=@x;type=text/html;charset=utf-8",
        "f=@x;type=text/x;filename=y",
        'f=@x;filename="q.bin";type=image/png',
        r'f=@x;filename="a;b\"c"',
        "f=<x;type=text/y",
        'a="x;y";type=text/x',
        r'a="q\"x"',
    ],
)
async def test_a_field_of_a_form_is_sent_as_the_real_curl_sends_it(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (curl := shutil.which("curl")) is None:
        missing("curl is missing; bring it with: make test-parts")
    for name in ("x", "a;b.txt"):
        (tmp_path / name).write_text("hi")
    monkeypatch.chdir(tmp_path)
    async with serving(page()) as (server, origin):
        ran = await asyncio.create_subprocess_exec(curl, "-s", "-F", field, origin, stdout=subprocess.PIPE)
        async with asyncio.timeout(30):
            await ran.communicate()
    head, _, rest = server.bodies[0].partition(b"\r\n\r\n")
    described, source, _ = await asyncio.to_thread(_read_field, field)
    content = source if isinstance(source, bytes) else await asyncio.to_thread(source.read)
    assert sorted(head.decode().split("\r\n")[1:]) == sorted(described.split("\r\n"))
    assert rest.startswith(content + b"\r\n--")
    if not isinstance(source, bytes):
        source.close()
