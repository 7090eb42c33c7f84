"""Made-up files ``sites.toml``: a definition comes out, or one error that names the file."""

import tomllib
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Final

import tomlkit
from yarl import URL

from aura_browser.errors import InvalidConfiguration
from aura_browser.site.derivation import derive_headers
from aura_browser.site.expiry import set_expiry
from aura_browser.site.sites_file import parse_sites
from tests.fuzz.inputs import pick_bytes, spoil, spoil_json
from tests.parts.sessions import make_session

_TEMPLATES: Final = files("aura_browser.site").joinpath("templates.toml").read_text("utf-8")
_MINE: Final = """[mine]
url = "https://me:s3cret@example.com/"
origins = ["https://api.example.com"]
proxy = "http://me:s3cret@proxy:80"
keep_headers = ["x-tenant"]
headers = { X-Key = "s3cret" }
auth = { value = "Bearer {captured}" }
refresh = "never"
engine = "undetected"
profile = "work"
"""
_TEXTS: Final = (*(f"[{part}" for part in _TEMPLATES.split("\n[")[1:]), _MINE)
_TABLES: Final[dict[str, Any]] = tomllib.loads(_TEMPLATES)
_PATH: Final = Path("/home/someone/.config/aura-browser/sites.toml")


async def enter_sites_file(random: Random) -> None:
    """A file that a person edited."""
    data = _build(random)
    try:
        read = parse_sites(data, _PATH)
    except InvalidConfiguration as error:
        assert str(error).startswith(str(_PATH)), error
        raise
    for name, site in read.items():
        session = make_session(site.origin, local_storage={spoil(random, "auth-tokens"): spoil(random, '{"a": "b"}')})
        derive_headers(site, session, "POST", URL(site.url))
        set_expiry(site, session)
        assert site.name == name
        assert name in site.login_command()


def _build(random: Random) -> bytes:
    if random.random() < 0.5:
        return pick_bytes(random, _TEXTS)
    name = random.choice(list(_TABLES))
    table = spoil_json(random, {name: _TABLES[name]})
    try:
        return tomlkit.dumps(table).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, AttributeError):  # what TOML can't say
        return pick_bytes(random, _TEXTS)
