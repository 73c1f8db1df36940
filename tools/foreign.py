"""Programs of others, written for Node.js, that the tests send with: `npm ci` beside the scripts that use them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "hl7" / "foreign"


def install(say: Callable[[str], None]) -> None:
    """Afterwards the packages of the lock file are there, checked by their hashes; without npm nothing is done.

    Called twice it does nothing the second time. Where npm cannot get them it is said; the tests that need them fail.
    """
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "node_modules" / ".lock.sha256"
    if shutil.which("npm") is None or (stamp.exists() and stamp.read_text() == wanted):
        return
    say("getting the HL7 clients for Node.js (npm ci)")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        say("npm could not get them; its words stand above")
        return
    stamp.write_text(wanted)
