"""In whose words a paper is: never in those of whoever prints it, who may read the console in another language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import render_template
from flask_babel import force_locale
from markupsafe import Markup

from app.identity import for_staff
from app.identity.models import Patient
from app.kernel.uow import Uow
from app.web.frame import LANGUAGES

HOSPITALS = LANGUAGES[0]


@contextmanager
def of_hospital() -> Iterator[None]:
    """What is said within is in the hospital's language: labels, receipts and invoices, whose forms have one."""
    with force_locale(HOSPITALS):
        yield


@contextmanager
def of_patient(uow: Uow, patient: Patient) -> Iterator[None]:
    """What is said within is in the language of the patient's own account, in the hospital's where there is none."""
    chosen = for_staff.locale_of(uow, patient.id)
    with force_locale(chosen if chosen in LANGUAGES else HOSPITALS):
        yield


def sheet(template: str, **facts: object) -> Markup:
    """A paper that is printed from a page, to be set into it as it is."""
    return Markup(render_template(template, **facts))  # noqa: S704 - a template escapes what it is given
