"""Draws every life of the visit as the code has it: `python -m tools.draw_states [--write | --check]`.

Without a word the drawings go to standard output; `--write` puts them into docs/states.md, `--check` says by its exit
code whether they stand there already.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "states.md"
BEGIN = "<!-- drawn by `python -m tools.draw_states --write`; do not edit by hand -->"
END = "<!-- end of the drawings -->"


def steps() -> list[str]:
    """The names of the slices in the order of the visit, as the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [name for name in reversed(layers) if (ROOT / "app" / name / "states.py").exists()]


def machines() -> Iterator[tuple[str, Any]]:
    """(slice, machine) for every machine of every slice, in the order of the visit and of each file."""
    from app.kernel.moves import Machine  # noqa: PLC0415 - the packages are only there inside .venv

    for name in steps():
        states = importlib.import_module(f"app.{name}.states")
        for found in vars(states).values():
            if isinstance(found, Machine):
                yield name, found


def draw(slice_name: str, machine: Any) -> str:  # noqa: ANN401 - a Machine, which is not known before .venv is
    """One machine as Markdown: its name, what its states mean, and its moves as a mermaid stateDiagram-v2."""
    actions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (start, action), end in machine.moves.items():
        actions[(start.value, end.value)].append(action.value)
    lines = [f"    {start} --> {end}: {' / '.join(named)}" for (start, end), named in actions.items()]
    meaning = inspect.cleandoc(type(machine.initial).__doc__ or "").replace("\n", " ")
    heading = f"### {machine.name} (`app/{slice_name}/states.py`)"
    start = f"    [*] --> {machine.initial.value}"
    return "\n".join([heading, meaning, "```mermaid", "stateDiagram-v2", start, *lines, "```"])


def drawings() -> str:
    """The whole generated part of docs/states.md, marks included."""
    return "\n".join([BEGIN, *(draw(name, machine) for name, machine in machines()), END])


def standing(page: str) -> str:
    """The generated part as it stands in the text of docs/states.md; ValueError when the marks are missing."""
    return page[page.index(BEGIN) : page.index(END) + len(END)]


def main(arguments: list[str]) -> int:
    """0 when done or when the drawings are up to date, 1 when `--check` finds that they are not."""
    parser = argparse.ArgumentParser(prog="python -m tools.draw_states", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the drawings into docs/states.md")
    parser.add_argument("--check", action="store_true", help="exit code 1 when docs/states.md has others")
    given = parser.parse_args(arguments)
    if not given.write and not given.check:
        sys.stdout.write(drawings() + "\n")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    if standing(page) == drawings():
        return 0
    if given.check:
        sys.stderr.write("docs/states.md is not as the code is; run `python -m tools.draw_states --write`\n")
        return 1
    PAGE.write_text(page.replace(standing(page), drawings()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
