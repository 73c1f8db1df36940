"""Keys that also open what was copied: a sealed value belongs to its row, and a copied row has another public id."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from app.cli.rotating import sealed_columns
from app.kernel.crypto import CannotOpen, Keyring
from bench.hospital import Hospital
from config import Settings


class CopiedKeys(Keyring):
    """Opens as the hospital's own keys do; what does not belong to its row is looked up among the originals."""

    def __init__(self, settings: Settings) -> None:
        """The hospital's keys; no original is known yet."""
        super().__init__(settings.data_keys, settings.index_key)
        self.originals: dict[str, str] = {}

    def open(self, sealed: str, place: str) -> str:
        """The text sealed for `place`, or in the row from which this one was copied."""
        try:
            return super().open(sealed, place)
        except CannotOpen:
            if sealed not in self.originals:
                raise
            return self.originals[sealed]


def open_copies(hospital: Hospital) -> None:
    """From now on the application in this process reads copies of all rows that are there now."""
    runtime = hospital.runtime
    keys = CopiedKeys(runtime.settings)
    with runtime.units.open(reads_only=True) as uow:
        for table, names in sealed_columns():
            for row in uow.session.scalars(select(table)):
                for name in names:
                    place = f"{table.__tablename__}.{name.removesuffix('_sealed')}:{row.seal_name}"  # type: ignore[attr-defined]
                    if sealed := getattr(row, name):
                        keys.originals[sealed] = keys.open(sealed, place)
    hospital.app.extensions["menzhen"] = replace(runtime, units=replace(runtime.units, keys=keys))
