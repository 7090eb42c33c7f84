"""Programs that a test starts, and scripts that stand in for Chrome and ChromeDriver."""

import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import AnyStr


def program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


class Started(subprocess.Popen[AnyStr]):
    """A program that is killed, with its group if it has its own, when the test fails while it runs."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.poll() is None:
            if os.getpgid(self.pid) == os.getpgrp():
                self.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        super().__exit__(kind, error, trace)
