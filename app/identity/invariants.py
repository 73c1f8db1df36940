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
    "guardians_are_sealed": _unsealed("guardian_consent", "guardian_sealed"),
    "second_steps_are_sealed": _unsealed("staff", "second_step_key_sealed"),
    "a_second_step_has_its_key": "SELECT count(*) FROM staff WHERE has_second_step AND second_step_key_sealed = ''",
    "codes_are_sealed": _unsealed("phone_code", "phone_sealed", "code_sealed"),
    "a_merged_record_holds_no_numbers_and_nobody_acts_for_it": (
        "SELECT count(*) FROM patient p WHERE p.merged_into_id IS NOT NULL AND (p.id_number_sealed <> ''"
        " OR p.merged_into_id = p.id"
        " OR EXISTS (SELECT 1 FROM patient_identifier i WHERE i.patient_id = p.id)"
        " OR EXISTS (SELECT 1 FROM patient_link l WHERE l.patient_id = p.id AND l.ended_at IS NULL))"
    ),
    "a_merged_record_has_no_consents": (
        "SELECT count(*) FROM guardian_consent c JOIN patient p ON p.id = c.patient_id"
        " WHERE p.merged_into_id IS NOT NULL"
    ),
    "an_openid_is_one_accounts": (
        "SELECT count(*) FROM (SELECT value FROM account_channel GROUP BY system, value HAVING count(*) > 1) t"
    ),
}
