#!/bin/sh
# Builds the wheel and tries it in an empty environment without any extra.
set -eu
python=${1:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m venv "$place/env"
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$place" .
"$place/env/bin/pip" install --quiet --disable-pip-version-check "$place"/aura_browser_session-*.whl
cd "$place" # so that the source folder is not what is imported
env/bin/python -W error -c 'import aura_browser; [getattr(aura_browser, name) for name in aura_browser.__all__]'
env/bin/aura-browser --help >/dev/null
env/bin/python -m aura_browser --version
env/bin/python -c 'from importlib.resources import files; files("aura_browser").joinpath("session.schema.json").read_text()'
echo "The wheel works in an empty environment."
