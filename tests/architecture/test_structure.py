"""Promises about the code's shape that no linter knows."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import events, story
from app.kernel.db import Base
from app.kernel.errors import VisitError
from app.kernel.moves import Machine
from app.web import SURFACES
from app.web.words import FOR_STAFF as WORDS

ROOT = Path(__file__).resolve().parent.parent.parent
APP = ROOT / "app"
SLICES = (
    "identity",
    "rulebook",
    "scheduling",
    "registration",
    "queueing",
    "prescription",
    "insurance",
    "payment",
    "pharmacy",
    "invoice",
    "ledger",
    "reconciliation",
    "reports",
    "revisit",
    "notifications",
    "analytics",
)
NOT_COUNTED = {"migrations", ".venv", "demo-data", "node_modules", ".git"}
# Long because they are tables of facts, words, figures or cases; each is about one thing.
TABULAR = {"app/events.py", "app/web/words.py", "app/web/refusals_work.py"}


def modules() -> Iterator[object]:
    for found in pkgutil.walk_packages([str(APP)], "app."):
        if not found.name.endswith("__main__") and ".press" not in found.name:
            yield importlib.import_module(found.name)


def machines() -> dict[str, Machine]:  # type: ignore[type-arg]
    found = {}
    for name in SLICES:
        try:
            states = importlib.import_module(f"app.{name}.states")
        except ModuleNotFoundError:
            continue
        found |= {machine.name: machine for machine in vars(states).values() if isinstance(machine, Machine)}
    return found


@pytest.mark.parametrize("machine", machines().values(), ids=lambda machine: machine.name)
def test_every_state_is_reached_and_every_action_used(machine: Machine) -> None:  # type: ignore[type-arg]
    reached, grown = {machine.initial}, True
    while grown:
        more = {to for (start, _), to in machine.moves.items() if start in reached}
        grown = not more <= reached
        reached |= more

    assert reached == set(type(machine.initial)), "a state cannot be reached"
    action_kind = type(next(iter(machine.moves))[1])
    assert {action for _, action in machine.moves} == set(action_kind), "an action is never used"


def test_there_are_machines_to_look_at() -> None:
    assert {"registration", "ticket", "prescription", "bag"} <= set(machines())


def test_every_event_has_a_line_in_the_story() -> None:
    told = {kind for _, kind in inspect.getmembers(events, inspect.isclass) if kind.__module__ == "app.events"}

    assert told == set(story.STORY)


def test_a_line_of_the_story_without_followers_says_why() -> None:
    lines = (APP / "story.py").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if "(),  #" not in line and line.rstrip().endswith("(),")] == []


def test_every_surface_has_its_guard() -> None:
    for surface in SURFACES:
        assert surface.blueprint.before_request_funcs.get(None), surface.__name__


def test_every_route_belongs_to_a_surface() -> None:
    from app import create_app
    from config import read_settings

    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": "sqlite://"}))
    names = {surface.blueprint.name for surface in SURFACES}

    strays = [rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] not in names]
    assert strays == ["static"]


def test_every_refusal_has_words_for_a_person() -> None:
    list(modules())
    pending, codes = [VisitError], set()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.startswith("app."):
            codes.add(kind.code)

    assert codes - set(WORDS) - {"error", "refused"} == set()


def test_only_its_own_slice_makes_a_tables_rows() -> None:
    list(modules())
    home = {mapper.class_.__name__: mapper.class_.__module__.split(".")[1] for mapper in Base.registry.mappers}
    strays = []
    for file in APP.rglob("*.py"):
        part = file.relative_to(APP).parts[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in home:
                owner = home[node.func.id]
                if owner not in {part, "kernel"} and part in {*SLICES, "web", "jobs", "couriers"}:
                    strays.append(f"{file.relative_to(ROOT)}:{node.lineno} makes a {node.func.id}")

    assert strays == []


def test_pages_ask_services_and_never_the_database() -> None:
    strays = []
    for file in (APP / "web").rglob("*.py"):
        if file.parent.name == "ops" or file.name == "frame.py":
            continue
        text = file.read_text(encoding="utf-8")
        if any(sign in text for sign in ("from sqlalchemy", "import sqlalchemy", ".session.", ".scalars(")):
            strays.append(str(file.relative_to(ROOT)))

    assert strays == []


def test_nothing_in_the_app_knows_the_sandbox() -> None:
    for folder in ("app", "hl7_adapter"):
        for file in (ROOT / folder).rglob("*.py"):
            assert "sandbox" not in file.read_text(encoding="utf-8").lower(), file


def test_templates_escape_everything() -> None:
    for file in (ROOT / "templates").rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        # The icons' shapes are constants of that file.
        assert "|safe" not in text.replace(" ", "") or file.name == "icons.html", file
        assert "style=" not in text or "print" in file.parts, file
        assert "onclick" not in text, file


def test_no_file_is_too_long() -> None:
    long = []
    for suffix in ("*.py", "*.html", "*.js", "*.css"):
        for file in ROOT.rglob(suffix):
            name = str(file.relative_to(ROOT))
            if NOT_COUNTED & set(file.relative_to(ROOT).parts) or name in TABULAR or "vendor" in name:
                continue
            lines = len(file.read_text(encoding="utf-8").splitlines())
            if lines > 400:
                long.append(f"{name}: {lines}")

    assert long == []


def test_every_public_name_says_what_comes_true() -> None:
    silent = []
    for file in [*APP.rglob("*.py"), *(ROOT / "hl7_adapter").rglob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if ast.get_docstring(tree) is None and file.read_text(encoding="utf-8").strip():
            silent.append(str(file.relative_to(ROOT)))
        for node in tree.body:
            is_public = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            if is_public and not node.name.startswith("_") and ast.get_docstring(node) is None:
                silent.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")

    assert silent == []


def test_no_address_of_a_registry_stands_in_the_lock() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    assert "://" not in text
    assert text.count("--hash=sha256:") > 500
