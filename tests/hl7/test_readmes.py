"""A stranger copies the parts that stand alone, runs the example of their README, and needs nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hl7_adapter"
EXAMPLES = {
    "README.md": (("er7", "mllp", "ack"), "sent 珅|瑋 with card C7"),
    "er7/README.md": (("er7",), "gb18030 瑋 110105195603120024 a|b"),
    "mllp/README.md": (("er7", "mllp"), "127.0.0.1 sent ADT^A04\nAA"),
}
LINES_AT_MOST = 20


@pytest.mark.parametrize("readme", EXAMPLES)
def test_the_example_runs_with_nothing_but_its_parts(readme: str, tmp_path: Path) -> None:
    parts, printed = EXAMPLES[readme]
    (example,) = re.findall(r"```python\n(.*?)```", (PACKAGE / readme).read_text(encoding="utf-8"), re.DOTALL)
    for part in parts:
        shutil.copytree(PACKAGE / part, tmp_path / "hl7_adapter" / part)
    shutil.copy(PACKAGE / "__init__.py", tmp_path / "hl7_adapter")
    (tmp_path / "try_it.py").write_text(example.replace(", 2575", ", 21575"), encoding="utf-8")

    run = subprocess.run(  # -S: no packages of others
        [sys.executable, "-S", "-E", "try_it.py"],
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert run.returncode == 0, run.stderr.decode()
    assert printed in run.stdout.decode().replace("\r", "\n")
    assert sum(bool(line.strip()) for line in example.splitlines()) <= LINES_AT_MOST
