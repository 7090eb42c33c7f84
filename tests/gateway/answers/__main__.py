"""Record anew what each wire writes, after a change of it: ``python -m tests.gateway.answers``. Read the difference."""

from tests.gateway.answers.writing import WIRES, path_of, write_all

for name in WIRES:
    path_of(name).write_text(write_all(name), "utf-8")
