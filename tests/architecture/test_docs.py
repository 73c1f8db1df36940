"""What the documents say is what the code does, as far as a machine can tell."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import url_for

from app import create_app, events
from app.jobs.timetable import JOBS
from app.kernel.logs import FIELDS
from app.web import SURFACES, desk, review, staff, terminal, window, work
from config import read_settings
from hl7_adapter.cli import hl7_command
from hl7_adapter.mapping.inbound import EFFECTS
from hl7_adapter.mapping.outbound import WRITERS
from tools import draw_states

ROOT = Path(__file__).resolve().parent.parent.parent
DRAWN = "states.md"  # looked up, not read
VISIT = (ROOT / "docs" / "VISIT.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
# Flask-Migrate's own; docs/operations.md tells of those an operator needs.
NOT_OURS = {"db"}
MOST_LINES = 300
CHANGELOG_PARTS = {"What to do", "What behaves otherwise", "Security"}
PLACES = (desk.PLACE, review.PLACE, terminal.PLACE, window.PLACE, staff.PLACE)
READERS = {"text", "number", "url", "file", "folder", "key"}


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    found = [ROOT / name for name in listed] or [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [path for path in found if path.exists()]


def settings_read() -> Iterator[tuple[str, list[str]]]:
    """Every setting that is read, with its default, and a number's least and most, as far as they are written out."""
    files = (ROOT / "config.py", ROOT / "config_partners.py")
    for call in (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in READERS):
            continue
        name, *rest = [each.value if isinstance(each, ast.Constant) else "" for each in call.args]
        if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
            yield name, [str(each) for each in rest]


def addresses_in_bars() -> dict[str, work.Link]:
    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": "sqlite://"}))
    links = [one for place in PLACES for each in place.links for one in (getattr(each, "links", None) or (each,))]
    with app.test_request_context():
        return {url_for(link.endpoint): link for link in links}


def links_of(document: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return [unquote(link) for link in found if not re.match(r"[a-z]+:", link)]


def anchors_of(document: Path) -> set[str]:
    """The headings' anchors as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_drawn_states_are_those_of_the_code() -> None:
    standing = draw_states.standing(draw_states.PAGE.read_text(encoding="utf-8"))

    assert standing == draw_states.drawings(), "run `python -m tools.draw_states --write`"


def test_every_setting_is_explained_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*) \|$", OPERATIONS, flags=re.MULTILINE))
    asked_for = dict(sorted((name, (told or [""])[0]) for name, told in settings_read()))

    assert len(asked_for) > 30
    assert set(rows) == set(asked_for)
    assert {name: default for name, default in asked_for.items() if default and default not in rows[name]} == {}


def test_a_settings_range_is_the_one_that_is_enforced() -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*) \|$", OPERATIONS, flags=re.MULTILINE))
    asked_for = {name: tuple(told[1:3]) for name, told in settings_read() if len(told) == 3}
    told = {name: re.findall(r"\b(\d+) to (\d+)\b", row) for name, row in rows.items() if "0: never" not in row}

    assert len(asked_for) > 10
    assert {name: pair for name, pair in asked_for.items() if told.get(name) and told[name] != [pair]} == {}


def test_every_surface_and_every_page_is_named() -> None:
    blueprints = {module.blueprint.name: module.blueprint.url_prefix or "" for module in SURFACES}
    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": "sqlite://"}))
    first_parts = {"/" + rule.rule.split("/")[1] for rule in app.url_map.iter_rules() if rule.endpoint != "static"}

    assert [name for name, prefix in blueprints.items() if f"| `{name}` | `{prefix}" not in VISIT] == []
    assert sorted(part for part in first_parts if f"`{part}" not in VISIT) == []


@pytest.mark.parametrize("name", ["staff.md", "staff.zh-CN.md"])
def test_every_page_in_a_working_places_bar_is_named(name: str) -> None:
    told = (ROOT / "docs" / name).read_text(encoding="utf-8")

    assert [address for address in addresses_in_bars() if f"`{address}`" not in told] == []


def test_the_consoles_pages_are_told_with_their_roles() -> None:
    rows = re.findall(
        r"^\| (`/staff/.*?) \| ([a-z, ]+) \|", (ROOT / "docs" / "staff.md").read_text("utf-8"), re.MULTILINE
    )
    told = {address: set(roles.split(", ")) for pages, roles in rows for address in re.findall(r"`([^`]+)`", pages)}
    asked = {address: set(link.roles) for address, link in addresses_in_bars().items() if link.roles}

    console = {address: roles for address, roles in asked.items() if address.startswith("/staff/")}
    assert console
    assert {address: told.get(address) for address in console} == console


def test_every_event_is_named() -> None:
    told = {name for name, kind in vars(events).items() if isinstance(kind, type) and kind.__module__ == "app.events"}

    assert sorted(name for name in told if f"`{name}`" not in VISIT) == []


def test_every_hl7_message_is_named() -> None:
    taken = {f"{kind}^{event}" for kind, event in EFFECTS}

    assert sorted(name for name in taken if name not in VISIT) == []
    assert sorted(name for name in WRITERS if f"| `{name}`" not in VISIT and f", `{name}` |" not in VISIT) == []


def test_every_command_is_explained() -> None:
    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": "sqlite://"}))
    commands = [
        f"{name} {inner}" if inner else name
        for name, command in app.cli.commands.items()
        if name not in NOT_OURS
        for inner in getattr(command, "commands", {"": None})
    ]

    assert [command for command in commands if f"`flask --app wsgi {command}" not in OPERATIONS] == []


def test_every_hl7_command_is_explained() -> None:
    told = OPERATIONS + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "hl7").glob("*.md"))

    assert len(hl7_command.commands) >= 7
    assert [name for name in hl7_command.commands if f"`flask --app wsgi hl7 {name}" not in told] == []


def test_every_job_is_explained_with_its_interval() -> None:
    assert [job.name for job in JOBS if f"| `{job.name}` | {job.every_seconds} s |" not in OPERATIONS] == []
    assert len(re.findall(r"^\| `\w+` \| \d+ s \|", OPERATIONS, flags=re.MULTILINE)) == len(JOBS)


def test_every_field_of_a_log_line_is_explained() -> None:
    assert [name for name in FIELDS if f"`{name}`" not in OPERATIONS] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_demos_options_and_logins_are_told(name: str) -> None:
    told = (ROOT / name).read_text(encoding="utf-8")
    options = re.findall(r'"(--[a-z-]+)"', (ROOT / "tools" / "demo" / "options.py").read_text(encoding="utf-8"))
    staff = (ROOT / "app" / "cli" / "demo_hospital.py").read_text(encoding="utf-8")
    logins = re.findall(r'^    \("([a-z.]+)", "[^"]+", \(', staff, flags=re.MULTILINE)

    assert [option for option in options if f"{option}" not in told] == []
    assert len(logins) >= 8
    assert [login for login in logins if f"`{login}`" not in told] == []


def test_the_changelog_says_what_to_do_and_then_whom_it_concerns() -> None:
    versions = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]

    for version in versions:
        parts = re.findall(r"^### (.+)$", version, flags=re.MULTILINE)
        assert parts[0] == "What to do"
        assert [part for part in parts if part not in CHANGELOG_PARTS and not part.startswith("For ")] == []
        assert len(parts) == len(set(parts))


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_leads_nowhere(document: Path) -> None:
    lost = []
    for link in links_of(document):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize(
    "document",
    [path for path in documents() if path.name != DRAWN],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_document_can_be_read_in_one_sitting(document: Path) -> None:
    assert len(document.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
