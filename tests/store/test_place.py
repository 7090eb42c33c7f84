"""What names a store: a misspelt address is no folder, and is not shown."""

from pathlib import Path

import pytest

from aura_browser.assembly import open_store
from aura_browser.errors import InvalidInput
from aura_browser.store.place import is_redis
from tests.parts.command import run_here

ADDRESS = "redis://ann:s3cret@cache.internal/0"


@pytest.mark.parametrize(
    "place",
    [
        ADDRESS.capitalize(),
        f" {ADDRESS}",
        f'"{ADDRESS}"',
        f"'{ADDRESS}",
        "reds://ann:s3cret@h",
        "valkey://ann:s3cret@h",
        "redis+sentinel://ann:s3cret@h",
        "http://ann:s3cret@h",
        "redis:/ann:s3cret@h",
        "redis//ann:s3cret@h",
    ],
)
def test_a_misspelt_address_is_no_folder(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="neither a folder nor a Redis's address: redis://host:6379/0") as refused:
        open_store(place)
    assert "s3cret" not in str(refused.value)
    shown = run_here("sessions", "list", AURA_BROWSER_STORE=place)
    assert shown.returncode == 78
    assert "s3cret" not in shown.stdout + shown.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_address_in_the_environment_is_a_bad_setting() -> None:
    assert run_here("sessions", "list", AURA_BROWSER_STORE="redis://h:abc").returncode == 78
    assert run_here("sessions", "list", "--store", "redis://h:abc").returncode == 2


@pytest.mark.parametrize("place", ["sessions", "a//b", "/a:b/c", "./redis:x", "C:/Users/ann", "c:\\x", "redis", ""])
def test_a_folder_is_one(place: str) -> None:
    assert not is_redis(place)


@pytest.mark.parametrize("place", [ADDRESS, "rediss://h", "unix:///run/redis.sock"])
def test_an_address_of_a_redis_is_one(place: str) -> None:
    assert is_redis(place)
