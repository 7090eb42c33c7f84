"""Requests copied from developer tools: what the shells would pass on is what is read."""

import asyncio
import re
import shlex
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from rich.pretty import pretty_repr

from aura_browser.errors import InvalidInput
from aura_browser.formats.copied import parse_copied, recognise
from aura_browser.formats.copied_bash import split_commands
from aura_browser.formats.copied_cmd import parse_cmd
from aura_browser.formats.copied_request import CopiedCookie, CopiedRequest
from aura_browser.formats.curl_options import (
    _BODIES,
    _LEFT_OUT_SWITCHES,
    _OTHER_LOGINS,
    _PLAIN,
    _READ,
    _REFUSED,
    _SHORT,
    _SWITCHES,
    _VALUED,
)
from tests.parts.devtools_copies import FORMS
from tests.parts.missing import missing
from tests.parts.servers import page, serving

HARD = 'it\'s 100% "done" ^& <b> $HOME `id` \\ \\\\" {a}[b] | !x; ü€😀'
PLAIN = CopiedRequest(
    "POST",
    "https://example.com/a?b=[1]&c={2}%41",
    (("accept", "*/*"), ("x-csrf", HARD), ("content-type", "application/json"), ("user-agent", "Chrome/1")),
    (CopiedCookie("sid", 'a+b/c==!^%20"', "example.com"), CopiedCookie("theme", "dark", "example.com")),
    f'{{"q": "{HARD}\nline two"}}'.encode(),
)

texts = st.text(st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc")), max_size=30).map(str.strip)
names = st.from_regex(r"x-[a-z]{1,8}", fullmatch=True)
values = st.text(st.sampled_from("abc%^\"'\\!$`&|<>(){}[]=+/#~ ü€😀"), min_size=1, max_size=20).map(str.strip)
cookies = st.builds(
    CopiedCookie,
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
    values.map(lambda value: value.replace(";", "")),
    st.just("example.com"),
)
requests = st.builds(
    CopiedRequest,
    st.sampled_from(["GET", "POST", "PUT", "PURGE"]),
    texts.map(lambda text: f"https://example.com/{text.replace(' ', '+')}"),
    st.lists(st.tuples(names, values.filter(bool)), max_size=4, unique_by=lambda pair: pair[0]).map(tuple),
    st.lists(cookies, max_size=3, unique_by=lambda cookie: cookie.name).map(tuple),
    st.none() | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).map(str.encode),
)


def facts(request: CopiedRequest) -> tuple[object, ...]:
    """Return what every form holds of a request: their order of headers differs, and a body has a type in curl."""
    headers = sorted((name.lower(), value) for name, value in request.headers)
    pairs = [(cookie.name, cookie.value) for cookie in request.cookies]
    return request.method, request.url, headers, pairs, request.body


@pytest.mark.parametrize("form", FORMS)
def test_a_copy_says_what_was_copied(form: str) -> None:
    text = FORMS[form](PLAIN)
    assert recognise(text) == form
    (parsed,) = parse_copied(text)
    assert facts(parsed) == facts(PLAIN)
    assert parsed.left_out == ()


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30)
@given(request=requests)
def test_any_request_survives_its_copy(form: str, request: CopiedRequest) -> None:
    (parsed,) = parse_copied(FORMS[form](request))
    if request.body is not None:
        form_type = ("Content-Type", "application/x-www-form-urlencoded")
        parsed = CopiedRequest(
            parsed.method,
            parsed.url,
            tuple(pair for pair in parsed.headers if pair != form_type),
            parsed.cookies,
            parsed.body,
        )
    assert facts(parsed) == facts(request)


@settings(max_examples=12)
@given(request=requests)
def test_bash_itself_reads_the_same_words(request: CopiedRequest) -> None:
    text = FORMS["bash"](request)
    script = f"curl() {{ printf '%s\\0' curl \"$@\"; }}\n{text}"
    told = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout  # noqa: S607 - the one on the path
    assert split_commands(text) == [told.decode().split("\0")[:-1]]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (r"curl 'a'\''b'", ["curl", "a'b"]),
        (r"curl $'\x41\u00e9\U0001f600\101\t\\'", ["curl", "Aé😀A\t\\"]),
        (r"curl $'\ud83d\ude00'", ["curl", "😀"]),
        (r"curl $'\?\"\'\[\é'", ["curl", r"""?"'\[\é"""]),
        ('curl "a \\"b\\" \\$c"', ["curl", 'a "b" $c']),
        ("curl a\\ b \\\n  c # why\n", ["curl", "a b", "c"]),
        ("curl ''", ["curl", ""]),
    ],
)
def test_quotes_of_bash(written: str, words: list[str]) -> None:
    assert split_commands(written) == [words]


@pytest.mark.parametrize("form", FORMS)
def test_several_requests_come_in_order(form: str) -> None:
    joined = {"bash": " ;\n", "cmd": " &\r\n", "powershell": ";\n", "fetch": " ;\n"}[form]
    text = joined.join(FORMS[form](CopiedRequest("GET", f"https://example.com/{n}")) for n in range(3))
    if form == "fetch":
        text = text.replace("; ;", ";")
    assert [each.url for each in parse_copied(text)] == [f"https://example.com/{n}" for n in range(3)]


def test_options_without_a_meaning_here_are_named() -> None:
    (request,) = parse_copied(
        "curl https://example.com/ -k -x http://proxy --max-time 5 -sSL --frob x -b file.txt -o out"
    )
    assert request.left_out == ("--insecure", "--proxy", "--max-time", "--frob", "--cookie FILE", "--output")
    assert (request.method, request.url) == ("GET", "https://example.com/")


_WITHOUT_EFFECT = (
    "--compressed --location --silent --show-error --include --show-headers --verbose --progress-bar --fail "
    "-L -s -S -i -v -# -f -sSLi"
)


@pytest.mark.parametrize("option", _WITHOUT_EFFECT.split())
def test_options_that_change_no_request_are_not_named(option: str) -> None:
    (request,) = parse_copied(f"curl {option} https://example.com/")
    assert (request.method, request.url, request.left_out) == ("GET", "https://example.com/", ())


def test_short_options_are_curls_own() -> None:
    if (curl := shutil.which("curl")) is None:
        missing("curl is missing; bring it with: make test-parts")
    listed = subprocess.run([curl, "--help", "all"], capture_output=True, text=True, check=True).stdout
    switches = re.findall(r"^ *(?:-\S, +)?--(\S+) +[^<\[ ]", listed, re.MULTILINE)
    assert not (_VALUED | _READ | _REFUSED | _BODIES) & set(switches)
    assert not (_LEFT_OUT_SWITCHES | _SWITCHES | _PLAIN | _OTHER_LOGINS) - set(switches) - {"show-headers"}
    own = dict(re.findall(r"^ *-(\S), +--(\S+)", listed, re.MULTILINE))
    own["i"] = own["i"].replace("show-headers", "include")  # its newer name; both are taken
    assert _SHORT.items() <= own.items()


FILE = "reads a file, which is not done here"
PARTS = "makes a body of parts, which is not done here"
SEVERAL = "it holds several requests in one command"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        *((option, FILE) for option in ("-T file", "-K file", "-d @file", "-H @file", "--data-urlencode n@file")),
        *((option, PARTS) for option in ("-F a=b", "--form a=b", "--form-string a=b")),
        *((option, SEVERAL) for option in ("--next -d x", "-: -d x", "-s: https://b.example/")),
        ("-u me:s3cret --digest", "--digest logs in otherwise than with HTTP basic authentication"),
        ("-u me", "curl asks for the password of --user; write user:password"),
        (r"--data-raw $'a\xff'", "it holds bytes that are no text in UTF-8"),
    ],
)
def test_what_can_not_be_sent_as_curl_would_is_refused(options: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        parse_copied(f"curl https://example.com/ {options}")


@pytest.mark.parametrize(
    ("end", "options"),
    [
        ("", """--json '{"a":1' --json ',"b":2}'"""),
        ("", "--json a -d b"),
        ("", "-d a --json b"),
        ("", "-d '' -d a=1 -d '' -d b"),
        ("", "--data-urlencode n=a@b --data-urlencode 'a b~*'"),
        ("#end", "-G -d x"),
        ("?", "-G -d x"),
        ("?q=1#end", "-G -d x=%e2 -X POST"),
        ("", "-G --json '{}'"),
        ("", "-H 'Accept: t' --json '{}'"),
        ("", "-H 'accept;' --json '{}'"),
        ("", "-H 'Content-Type:' --json '{}'"),
        ("", "-H 'content-type:' -d a"),
        ("", "--oauth2-bearer token"),
        ("", "-u me: -e 'http://r;auto'"),
        ("", "--fail-with-body --path-as-is"),
    ],
)
async def test_a_request_is_the_one_that_the_real_curl_sends(end: str, options: str) -> None:
    if (curl := shutil.which("curl")) is None:
        missing("curl is missing; bring it with: make test-parts")
    async with serving(page()) as (server, origin):
        words = [f"{origin}/p{end}", *shlex.split(options)]
        ran = await asyncio.create_subprocess_exec(curl, "-s", *words, stdout=subprocess.PIPE)
        async with asyncio.timeout(30):
            await ran.communicate()
    (asked,), (body,) = server.seen, server.bodies
    (read,) = parse_copied(shlex.join(["curl", *words]))
    headers = CIMultiDict(read.headers)
    assert (read.method, read.url.partition("#")[0]) == (asked.method, f"{origin}{asked.raw_path}")
    assert (read.body or b"") == body
    for name in ("Content-Type", "Authorization", "Referer", *(["Accept"] if "--json" in words else [])):
        assert headers.get(name) == asked.headers.get(name)


def test_options_of_powershell_without_a_meaning_here_are_named() -> None:
    (request,) = parse_copied(
        'Invoke-WebRequest -UseBasicParsing -Uri "https://example.com/" -SkipCertificateCheck -Proxy "http://p" '
        "-Method HEAD"
    )
    assert request.left_out == ("-skipcertificatecheck", "-proxy")
    assert (request.method, request.url, request.body) == ("HEAD", "https://example.com/", None)


def test_ways_to_write_one_request() -> None:
    (request,) = parse_copied(
        "curl -XPUT --url=https://example.com/a -A Agent -e https://example.com/ -u ann:pw -H 'Cookie: a=1' -b 'b=2' "
        "-H 'X-Empty;' -H 'Accept:' -d a=1 --data-urlencode 'b=1 2' --compressed"
    )
    assert request.method == "PUT"
    assert dict(request.headers) == {
        "User-Agent": "Agent",
        "Referer": "https://example.com/",
        "Authorization": "Basic YW5uOnB3",
        "X-Empty": "",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert [(cookie.name, cookie.value) for cookie in request.cookies] == [("a", "1"), ("b", "2")]
    assert request.body == b"a=1&b=1+2"
    assert parse_copied("curl -G https://example.com/?x=1 -d y=2")[0].url == "https://example.com/?x=1&y=2"
    assert parse_copied("curl -I https://example.com/")[0].method == "HEAD"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wget https://example.com/s3cret",
        "curl",
        "curl 'https://example.com/s3cret",
        "curl https://example.com/s3cret $(id)",
        'curl "https://example.com/$s3cret"',
        "curl https://example.com/s3cret > /tmp/x",
        "curl https://example.com/s3cret; rm -rf /",
        "curl https://example.com/s3cret | sh",
        "curl https://example.com/s3cret https://example.com/two",
        "curl -d @s3cret https://example.com/",
        "curl -F file=@s3cret https://example.com/",
        "curl -K s3cret",
        'curl ^"https://example.com/s3cret',
        "fetch(s3cret)",
        'fetch("https://example.com/s3cret", {"headers": 5})',
        'fetch("https://example.com/s3cret"); alert(1)',
        'fetch(5, {"body": "s3cret"})',
        'fetch("", {"body": "s3cret"})',
        'fetch("https://example.com/s3cret", ["s3cret"])',
        'fetch("https://example.com/", {"method": "POST", "body": "s3cret\\ud800"})',
        '$session = 1\nRemove-Item "s3cret"',
        'Invoke-WebRequest -Uri "https://example.com/$s3cret"',
        'Invoke-WebRequest -Uri "https://example.com/$(Get-Content s3cret)"',
    ],
)
def test_what_is_no_copy_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_copied(text)
    assert "s3cret" not in f"{caught.value}{caught.value!r}{caught.value.__context__}{caught.value.__cause__}"


@settings(max_examples=80)
@given(
    start=st.sampled_from(["curl ", 'curl ^"', "fetch(", "$session = New-Object X\n", "Invoke-WebRequest "]),
    rest=st.text(st.sampled_from("ab-HdX '\"\\^$`(){}@=,;&|<>#\n\r\tü"), max_size=60),
)
def test_any_text_gives_requests_or_one_clear_error(start: str, rest: str) -> None:
    try:
        assert all(request.url for request in parse_copied(start + rest))
    except InvalidInput as error:
        assert str(error).startswith("copied command: ")


def test_a_request_shows_no_secret() -> None:
    shown = repr(PLAIN) + repr(PLAIN.cookies)
    assert "sid" in shown
    assert "a+b" not in shown
    assert "csrf" not in shown
    cookies, headers = (CopiedCookie("sid", "s3cret"),), (("Authorization", "s3cret"),)
    request = CopiedRequest("POST", "https://example.com/x?token=s3cret", headers, cookies, b"s3cret")
    shown = repr(request) + pretty_repr(request) + repr(cookies) + pretty_repr(cookies)
    assert "s3cret" not in shown
    assert shown.count("sid") == shown.count("https://example.com/x") == 2


def test_the_referrer_of_a_fetch_is_its_header_unless_it_names_one() -> None:
    (request,) = parse_copied('fetch("https://example.com/", {"referrer": "https://example.com/from"})')
    assert request.headers == (("Referer", "https://example.com/from"),)
    headers = '{"headers": {"referer": "https://example.com/named"}, "referrer": "https://example.com/from"}'
    (request,) = parse_copied(f'fetch("https://example.com/", {headers})')
    assert request.headers == (("referer", "https://example.com/named"),)


AGAIN = "; in DevTools, copy the request again"
OTHER_FORM = (
    "has another form than those that DevTools copies: curl … (bash or cmd), $session = … (PowerShell) or fetch(…)"
)
OPEN_QUOTE = f"a quote does not end{AGAIN}"
EXPANDED = f"it holds a variable or a command in double quotes, which is not expanded here{AGAIN}"
NO_TEXT = f"fetch has options that are not text{AGAIN}"
NO_FETCH = f"fetch has other arguments than an address and options{AGAIN}"
NO_JSON = f"an argument of fetch is not the JSON that a browser copies{AGAIN}"
NO_STATEMENT = f"it holds a statement that a browser does not copy{AGAIN}"
NO_ADDRESS = f"it names no address, or has a body of several parts{AGAIN}"
OTHER_COMMAND = f"it holds a command other than curl{AGAIN}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("wget x", OTHER_FORM),
        ("curl", OTHER_FORM),
        ("fetch.js", OTHER_FORM),
        ("x" * (16 * 2**20), OTHER_FORM),
        ("x" * (16 * 2**20 + 1), "is over 16 MiB"),
        ("curl ''", f"it names no address{AGAIN}"),
        ("curl a b", f"it names several addresses in one command{AGAIN}"),
        ("curl 'x", OPEN_QUOTE),
        ("curl $'x", OPEN_QUOTE),
        ('curl "x', OPEN_QUOTE),
        ('curl "$x"', EXPANDED),
        ('curl "\\\\`x`"', EXPANDED),
        ("curl $(id)", f"it holds '$' outside quotes, which a shell would act on{AGAIN}"),
        ("curl a > b", f"it holds '>' outside quotes, which a shell would act on{AGAIN}"),
        ("curl a\\", f"it holds '\\\\' outside quotes, which a shell would act on{AGAIN}"),
        ("curl a; rm b", OTHER_COMMAND),
        ('curl ^"a^" & dir', OTHER_COMMAND),
        ('curl.exe ^"x', OPEN_QUOTE),
        ("curl -d @x a", f"--data reads a file, which is not done here{AGAIN}"),
        ("curl a -H", f"the text ends after --header{AGAIN}"),
        ("curl a --url", f"the text ends after --url{AGAIN}"),
        ("fetch(", NO_JSON),
        ('fetch("a"', f"the call of fetch does not end{AGAIN}"),
        ('fetch("a"); alert(1)', f"it holds something other than fetch(…){AGAIN}"),
        ('fetch("a", {"headers": 5})', NO_TEXT),
        ('fetch("a", {"headers": {"x": 1}})', NO_TEXT),
        ('fetch("a", {"body": 5})', NO_TEXT),
        ('fetch("a", {"method": 5})', NO_TEXT),
        ("fetch(5)", NO_FETCH),
        ('fetch("")', NO_FETCH),
        ('fetch("a", [])', NO_FETCH),
        ('fetch("a", {"body": "\\ud800"})', "its body holds half a character; copy it again"),
        ('$session = "', f"it holds something that a browser does not copy{AGAIN}"),
        ('$session = 1\nRemove-Item "a"', NO_STATEMENT),
        ('$session.UserAgent = "a", "b"', NO_STATEMENT),
        ('$session.Cookies.Add("a", "b", "c")', NO_STATEMENT),
        ('iwr "https://$x"', EXPANDED.replace(" or a command", "")),
        ("iwr ", NO_ADDRESS),
        ('iwr ""', NO_ADDRESS),
        ('iwr -Uri "a", "b"', NO_ADDRESS),
        ('iwr "a" -Body "b", "c"', NO_ADDRESS),
    ],
)
def test_a_refusal_says_what_is_not_as_a_browser_copies_it(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_copied(text)
    assert str(caught.value) == f"copied command: {problem}"


FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json"), ("Accept", "application/json")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("u", CopiedRequest("GET", "u")),
        ("-- u", CopiedRequest("GET", "u")),
        ("-", CopiedRequest("GET", "-")),
        ("--url u", CopiedRequest("GET", "u")),
        ("--url=u --request PUT", CopiedRequest("PUT", "u")),
        ("-I u", CopiedRequest("HEAD", "u")),
        ("--head u -d x", CopiedRequest("HEAD", "u", (FORM,), (), b"x")),
        ("u --json '{}'", CopiedRequest("POST", "u", JSON, (), b"{}")),
        *(
            (f"u --{name} x --{name} y", CopiedRequest("POST", "u", (FORM,), (), b"x&y"))
            for name in ("data", "data-raw", "data-binary", "data-ascii", "data-urlencode")
        ),
        ("u -d x -H 'content-TYPE: y'", CopiedRequest("POST", "u", (("content-TYPE", "y"),), (), b"x")),
        ("u --data-urlencode '=a b' -d c", CopiedRequest("POST", "u", (FORM,), (), b"a+b&c")),
        ("u --data-urlencode 'a b'", CopiedRequest("POST", "u", (FORM,), (), b"a+b")),
        ("u --data-urlencode 'n m=a b'", CopiedRequest("POST", "u", (FORM,), (), b"n m=a+b")),
        ("-G u", CopiedRequest("GET", "u")),
        ("--get u -d a -d b", CopiedRequest("GET", "u?a&b")),
        ("-G 'u?a' -d b", CopiedRequest("GET", "u?a&b")),
        (r"'u/\[1\]\{2\}\~3'", CopiedRequest("GET", r"u/[1]{2}\~3")),
        (r"--globoff 'u/\[1\]'", CopiedRequest("GET", r"u/\[1\]")),
        (r"-g 'u/\[1\]'", CopiedRequest("GET", r"u/\[1\]")),
        ("u --user a:b", CopiedRequest("GET", "u", (("Authorization", "Basic YTpi"),))),
        ("u -A a --referer b", CopiedRequest("GET", "u", (("User-Agent", "a"), ("Referer", "b")))),
        ("u -H 'X;' -H 'Y:' -H ' Z : 1;' -H W", CopiedRequest("GET", "u", (("X", ""), ("Z", "1;")))),
        (
            "u --cookie a=1 -H ' COOKIE : b=2' -b c=3",
            CopiedRequest("GET", "u", (), (CopiedCookie("a", "1"), CopiedCookie("b", "2"), CopiedCookie("c", "3"))),
        ),
        (
            "u -b '=a; b; ;c='",
            CopiedRequest("GET", "u", (), tuple(CopiedCookie(*p) for p in [("", "a"), ("", "b"), ("c", "")])),
        ),
        ("u -b x", CopiedRequest("GET", "u", left_out=("--cookie FILE",))),
        ("--frob=1 u --frob=2", CopiedRequest("GET", "u", left_out=("--frob",))),
        ("--frob x u", CopiedRequest("GET", "u", left_out=("--frob",))),
        ("--frob http://u --frib -k", CopiedRequest("GET", "http://u", left_out=("--frob", "--frib", "--insecure"))),
        (
            "--proxy socks5h://127.0.0.1:9 --doh-url https://d/ u",
            CopiedRequest("GET", "u", left_out=("--proxy", "--doh-url")),
        ),
        ("-yz u", CopiedRequest("GET", "u", left_out=("-y", "-z"))),
        ("-m5 u -w x -c y", CopiedRequest("GET", "u", left_out=("--max-time", "--write-out", "--cookie-jar"))),
        *(
            (f"--{name} u", CopiedRequest("GET", "u", left_out=(f"--{name}",)))
            for name in ("insecure", "no-buffer", "junk-session-cookies", "http1.0", "http1.1", "http2", "ipv4")
        ),
    ],
)
def test_what_curl_would_send_is_what_is_read(options: str, expected: CopiedRequest) -> None:
    assert parse_copied(f"curl {options}") == (expected,)


@pytest.mark.parametrize(
    ("written", "commands"),
    [
        ("''", [[""]]),
        ("curl a#b #c\nd", [["curl", "a#b"], ["d"]]),
        ("curl #c", [["curl"]]),
        ("curl a\\\r\nb c\\\n d", [["curl", "ab", "c", "d"]]),
        ("a;b&c\r\nd\te", [["a"], ["b"], ["c"], ["d", "e"]]),
        (
            r"$'\501\x7\u20\U110000\ud800\cA\a\b\e\E\f\n\r\t\v\q'",
            [["A\x07 \U0010ffff?\x01\x07\x08\x1b\x1b\x0c\n\r\t\x0b\\q"]],
        ),
        ('"a\\\nb\\`\\"\\\\\\a"', [['ab`"\\\\a']]),
        ("'a'b\"c\"$'d'", [["abcd"]]),
    ],
)
def test_words_of_bash_end_and_join_as_in_bash(written: str, commands: list[list[str]]) -> None:
    assert split_commands(written) == commands


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ('"a & b"', "a & b"),
        ("a^&b", "a&b"),
        ("a^\r\n -H Y:1", "a"),
        ("a^\n\nb", "a\nb"),
        ("a^\r\n\r\nb", "a\nb"),
        ('"a""b"', 'a"b'),
        ('a""b', "ab"),
        ('"a\\"b\\\\"', 'a"b\\'),
        ('"a\\\\\\"b"', 'a\\"b'),
        ("a\\\\b\\c", "a\\b\\c"),
        ('a"b\tc"d', "ab\tcd"),
        ("a\t-k", "a"),
        ("a^", "a"),
    ],
)
def test_words_of_cmd_end_and_join_as_in_cmd(written: str, agent: str) -> None:
    (request,) = parse_cmd(f"curl --url u -A {written}")
    assert request.headers[0] == ("User-Agent", agent)


def test_commands_of_cmd_may_have_any_case_and_blank_lines() -> None:
    assert [each.url for each in parse_cmd("CURL a\n\n curl.exe b&&Curl c\n")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('await fetch("u")', CopiedRequest("GET", "u")),
        ('fetch("u", {"headers": null, "body": null, "method": null},)', CopiedRequest("GET", "u")),
        ('fetch ( "u" , {"method": "PUT", "body": "é"} ) ;', CopiedRequest("PUT", "u", body="é".encode())),
        (
            'fetch("u", {"headers": {"Cookie": "a=1", "X": "2"}, "referrer": ""})',
            CopiedRequest("GET", "u", (("X", "2"),), (CopiedCookie("a", "1"),)),
        ),
        ('fetch("u", {"referrer": 5})', CopiedRequest("GET", "u")),
    ],
)
def test_what_fetch_would_send_is_what_is_read(text: str, expected: CopiedRequest) -> None:
    assert parse_copied(text) == (expected,)


def test_calls_of_fetch_may_stand_in_lines_without_a_semicolon() -> None:
    assert [each.url for each in parse_copied('fetch("a")\nawait fetch("b") fetch("c");fetch("d")')] == [*"abcd"]


@pytest.mark.parametrize("command", ["Invoke-WebRequest", "invoke-restmethod", "IWR", "irm"])
def test_a_call_of_powershell_by_any_name_is_one(command: str) -> None:
    assert parse_copied(f'{command} "u"') == (CopiedRequest("GET", "u"),)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("-Method put", CopiedRequest("PUT", "u")),
        ("-Method 'put' -Body 'it''s'", CopiedRequest("PUT", "u", (FORM,), (), b"it's")),
        ('-Body "b" -ContentType "x/y"', CopiedRequest("GET", "u", (("Content-Type", "x/y"),), (), b"b")),
        (
            "-WebSession $s -Foo -Bar 'x' -UseBasicParsing -Baz",
            CopiedRequest("GET", "u", left_out=("-foo", "-baz", "-bar")),
        ),
        (
            '-Headers @{\n"Method"="GET"\n "path"="/"; "scheme"="h"\r\n"authority"="a"\n"x"="1"}',
            CopiedRequest("GET", "u", (("x", "1"),)),
        ),
        (
            '-Headers @{"x"="`n`r`t`0`a`b`e`f`v`q`"$([char]65)"""}',
            CopiedRequest("GET", "u", (("x", '\n\r\t\0\a\b\x1b\f\vq"A"'),)),
        ),
        (
            '-Headers @{"x"="$([char]55357)$([char]56832)$([char]1114112)"}',
            CopiedRequest("GET", "u", (("x", "😀\U0010ffff"),)),
        ),
    ],
)
def test_what_powershell_would_send_is_what_is_read(rest: str, expected: CopiedRequest) -> None:
    assert parse_copied(f'iwr -Uri "u" `\r\n {rest}') == (expected,)


def test_a_new_session_of_powershell_is_an_empty_one() -> None:
    text = (
        '$session = New-Object X\n$session.UserAgent = "A"\n'
        '$session.Cookies.Add((New-Object System.Net.Cookie("a", "b", "/", "d")))\n'
        'curl "u"\n$session = New-Object X\niwr "v"'
    )
    first = CopiedRequest("GET", "u", (("User-Agent", "A"),), (CopiedCookie("a", "b", "d"),))
    assert parse_copied(text) == (first, CopiedRequest("GET", "v"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\ufeff curl a", "bash"),
        ("curl.exe a", "cmd"),
        ("curl a ^\n-b c", "cmd"),
        ("curl 'a ^\" b'", "bash"),
        ("curl $'a \\' ^\" b'", "bash"),
        ("CURL\ta", "bash"),
        ("curly", None),
        ("await  fetch (", "fetch"),
        ("fetcher(", None),
        ("$SESSION = 1", "powershell"),
        ("$sessions", None),
        ("Invoke-RestMethod", "powershell"),
        ("irma", None),
    ],
)
def test_a_copy_is_recognised_by_how_it_begins(text: str, kind: str | None) -> None:
    assert recognise(text) == kind


def test_a_byte_order_mark_before_a_copy_is_no_part_of_it() -> None:
    assert parse_copied("\ufeffcurl u\n")[0].url == "u"
