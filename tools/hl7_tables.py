"""Writes the interface specification out of the profiles and code tables: `python -m tools.hl7_tables [--check]`.

docs/hl7/messages.md lists the messages, docs/hl7/messages/ has a page for each structure, docs/hl7/codes.md the codes.
`--check` writes nothing and says by its exit code whether they stand there already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from app.kernel.usual_codes import USUAL
from hl7_adapter.profiles import MessageProfile, SegmentUse, profiles

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "hl7"
EXAMPLES = ROOT / "tests" / "hl7" / "visit"
MARK = "<!-- written by `python -m tools.hl7_tables` from hl7_adapter/profiles; do not edit by hand -->"
INDEX_HEAD = """# The messages, field by field

How messages travel and are answered: [README.md](README.md). Character sets, limits, modes of answering and the
check-list for going live: [peers.md](peers.md). Two systems connected from the first message to the last:
[worked-peers.md](worked-peers.md). Code tables: [codes.md](codes.md).
"""
CODES_HEAD = """# Code tables

What codes mean here until the hospital changes a table (console, 代码表 · code tables) or agrees on a system's own
codes on its page (`sex: 男性 = male`), which come first. Blanks, dashes, underscores and capitals make no difference.
"""
USAGES = """| usage | meaning |
|---|---|
| R | required: a message without it is refused with ERR-2 at its place, unless its severity says otherwise |
| RE | send it when you know it |
| C | required under the condition told in the last column |
| O | optional |
| X | agreed to stay empty |

A field that is not listed is kept with the message and not read. *Length* is of the field or of its first component, in
characters, 0 without limit of ours. A value that the effect cannot do with is refused with 101, 102 or 103 at its
place. Else one that is too long, of another type, repeated too often or in no table is noted in the audit trail
(`hl7.receive`, on the message's page under *effect*) where its field is required or was agreed on, and left alone in
any other. Where a code in no table leaves the whole message without effect (ORC-1 of an order, OBR-25, SCH-25) its
place is noted there as `code_without_effect`; bytes that are not in the character set of MSH-18 as `charset_doubtful`.
Usage and severity (error, warning, ignore) of each field can be agreed with each
system on its page in the console, `ORM^O01 PV1-19 R error` line by line; so can its codes.
"""


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    made = {DOCS / "messages.md": _index(), DOCS / "codes.md": _codes()}
    return made | {DOCS / "messages" / f"{_file(each)}.md": _page(each) for each in profiles()}


def _file(profile: MessageProfile) -> str:
    first = profile.kinds[0].replace("^", "_")
    return f"{first}_out" if profile.direction == "out" else first


def _index() -> str:
    lines = [MARK, INDEX_HEAD]
    for direction, title in (("in", "Messages we take"), ("out", "Messages we send")):
        lines += [f"## {title}", "", "| message | structure | what it does | answer |", "|---|---|---|---|"]
        for each in profiles():
            if each.direction == direction:
                name = f"[{', '.join(each.kinds)}](messages/{_file(each)}.md)"
                lines.append(f"| {name} | {each.structure} | {each.does} | {each.answer} |")
        lines.append("")
    return "\n".join([*lines, "## How to read the tables", "", USAGES])


def _page(profile: MessageProfile) -> str:
    way = "taken" if profile.direction == "in" else "sent"
    lines = [MARK, f"# {', '.join(profile.kinds)}: {way}", "", f"{profile.does} Answer: {profile.answer}.", ""]
    lines += [f"Structure {profile.structure}. How to read the tables: [messages.md](../messages.md).", ""]
    lines += [f"`{' '.join(f'{use.name} {use.cardinality}' for use in profile.uses)}`", ""]
    for use in profile.uses:
        lines += [*_segment(profile, use), ""]
    if profile.direction == "in":
        example = (EXAMPLES / f"{profile.example}.hl7").read_text(encoding="utf-8").strip()
        lines += ["## Example", "", "```", example, "```", ""]
    return "\n".join(lines)


def _segment(profile: MessageProfile, use: SegmentUse) -> Iterator[str]:
    last = "what we do with it" if profile.direction == "in" else "what stands there"
    yield f"## {use.name}, {use.cardinality}"
    yield ""
    yield f"| field | name | type | times | length | usage | table | {last} |"
    yield "|---|---|---|---|---|---|---|---|"
    for field in profile.fields[use.name]:
        table = f"[{field.table}](../codes.md#{field.table})" if field.table else ""
        usage = field.usage + (", warning" if field.usage == "R" and field.severity == "warning" else "")
        words = field.use + (f" (versions {field.versions.strip('-')})" if field.versions else "")
        cells = (field.place, field.name, field.data_type, field.cardinality, field.most_chars, usage, table, words)
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _codes() -> str:
    lines = [MARK, CODES_HEAD]
    for name, table in USUAL.items():
        lines += [f"## {name}", "", f"{table.fields}; {table.source}. A code in no table: {table.otherwise}.", ""]
        lines += ["| ours | codes |", "|---|---|"]
        ours = table.ours or tuple(dict.fromkeys(table.codes.values()))
        for meaning in ours:
            codes = " ".join(f"`{code}`" for code, each in table.codes.items() if each == meaning)
            lines.append(f"| {meaning} | {codes} |")
        lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """0 when done or when everything is up to date, 1 when `--check` finds that it is not."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [path for path in (DOCS / "messages").glob("*.md") if path not in wanted]
    if "--check" in arguments:
        for path in (*stale, *left):
            sys.stderr.write(f"{path.relative_to(ROOT)} is not as the profiles are; run `python -m tools.hl7_tables`\n")
        return 1 if stale or left else 0
    (DOCS / "messages").mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    for path in left:
        path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
