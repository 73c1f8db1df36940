"""What must hold in identity's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

_SEALED = "{column} <> '' AND {column} NOT LIKE 'enc:v1:%'"


def _unsealed(table: str, *columns: str) -> str:
    return f"SELECT count(*) FROM {table} WHERE " + " OR ".join(  # noqa: S608 - names from this file
        f"({_SEALED.format(column=column)})" for column in columns
    )


INVARIANTS = {
    "patients_are_sealed": _unsealed("patient", "name_sealed", "id_number_sealed", "phone_sealed"),
    "accounts_are_sealed": _unsealed("account", "phone_sealed"),
    "codes_are_sealed": _unsealed("phone_code", "phone_sealed", "code_sealed"),
    "an_openid_is_one_accounts": (
        "SELECT count(*) FROM (SELECT value FROM account_channel GROUP BY system, value HAVING count(*) > 1) t"
    ),
}
