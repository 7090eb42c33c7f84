"""``make fuzz``: 100,000 made-up inputs for each entrance. ``SEED=…``, ``ONLY=address`` and ``COUNT=9`` repeat some."""

# ruff: noqa: T201 - it prints

import os
import secrets
import sys

from tests.fuzz.entrances import ENTRANCES
from tests.fuzz.running import MAX_MIB, MAX_S, fuzz


def main() -> int:
    """Print a line for each entrance; return 1 if something other than an AuraError came out."""
    seed = os.environ.get("SEED") or secrets.token_hex(4)
    count = int(os.environ.get("COUNT") or 100_000)
    names = [name for name in ENTRANCES if name in (os.environ.get("ONLY") or name)]
    failed = 0
    print(f"SEED={seed}, {count:,} inputs for each entrance", flush=True)
    for name in names:
        try:
            result = fuzz(name, count, seed)
        except AssertionError as error:
            print(f"{name:<14}FAILED {error}", flush=True)
            failed += 1
            continue
        is_bounded = result.slowest_s < MAX_S and result.grown_mib < MAX_MIB
        failed += not is_bounded
        shown = (
            f"{result.seconds:7.1f} s, slowest {result.slowest_s * 1000:6.1f} ms, memory +{result.grown_mib:.0f} MiB"
        )
        print(f"{name:<14}{shown}{'' if is_bounded else f'  TOO MUCH ({result.slowest})'}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
