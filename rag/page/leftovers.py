"""Files of chats whose process was ended before it could delete them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

KEPT_S = 7 * 24 * 3600.0  # another process may serve chats from the same folder


def sweep(folder: Path) -> None:
    """Delete what chats left in ``folder`` a week ago and longer. Never raises."""
    try:
        old = [one for one in folder.iterdir() if time.time() - one.stat().st_mtime > KEPT_S]
    except OSError:
        return
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
