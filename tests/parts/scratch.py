"""Folders for browsers, in which nothing may stay."""

from pathlib import Path


def browsers_left(scratch: Path) -> list[Path]:
    return list(scratch.rglob("aura-browser-*"))
