"""How identity says no."""

from __future__ import annotations

from app.kernel.errors import Refused, TryLater


class BadIdNumber(Refused):
    """The identity number's check digit, date or length is wrong; type it again from the card."""

    code = "bad_id_number"
    http_status = 422


class BadPhone(Refused):
    """This is not a mobile number that messages can be sent to."""

    code = "bad_phone"
    http_status = 422


class NoTextMessages(Refused):
    """The hospital has no gateway for text messages; log in with WeChat, or come to the desk."""

    code = "no_text_messages"


class BadName(Refused):
    """The name is empty, too long, or holds characters no name has."""

    code = "bad_name"
    http_status = 422


class CannotBind(Refused):
    """What was typed does not agree with the hospital's record; the desk can bind with the card in hand."""

    code = "cannot_bind"


class GuardianConsentNeeded(Refused):
    """The patient is under fourteen and no guardian's consent stands; it is given on the page or at the desk."""

    code = "guardian_consent_needed"


class GuardianNameMissing(Refused):
    """Who consents for the child is not named as their card does."""

    code = "guardian_name_missing"
    http_status = 422


class ConsentTextChanged(Refused):
    """The words that the guardian agreed to are not the ones in use; read them again."""

    code = "consent_text_changed"


class GuardianNotNeeded(Refused):
    """The patient is fourteen or older, or their day of birth is not on file: they consent by themself."""

    code = "guardian_not_needed"


class IdentityNotVerified(Refused):
    """Only who was verified may book this online, and nobody has seen this person's card yet."""

    code = "identity_not_verified"


class ProofReasonMissing(Refused):
    """Who says that a person is verified, or no longer, says by what."""

    code = "reason_required"
    http_status = 422


class TooManyPatients(Refused):
    """The account acts for as many patients as one account may."""

    code = "too_many_patients"


class IdentityConflict(Refused):
    """The identity number already belongs to another patient's record; a person must look."""

    code = "identity_conflict"


class MergeCircular(Refused):
    """The record that is to go was merged with the other one before, the other way round, or is the same number."""

    code = "merge_circular"


class MergeBusy(TryLater):
    """Both records are with the same doctor at this moment; they can be merged when that visit is over."""

    code = "merge_busy"


class WrongLogin(Refused):
    """Name or password is wrong, or the log-in is locked for a while."""

    code = "wrong_login"
    http_status = 401


class WrongCode(Refused):
    """The code is wrong, used, or older than five minutes."""

    code = "wrong_code"
    http_status = 422


class BadStaff(Refused):
    """The login is empty, a role is unknown, or the password has fewer than ten characters."""

    code = "bad_staff"
    http_status = 422


class LoginTaken(Refused):
    """Another staff member logs in under this name."""

    code = "login_taken"


class LastAdmin(Refused):
    """Nobody else could manage staff any more; let another administrator in first."""

    code = "last_admin"


class SecondStepStands(Refused):
    """Their phone is on file; an administrator takes it away when it was lost or is another now."""

    code = "second_step_stands"


class PasswordWrong(Refused):
    """The present password is not the one typed."""

    code = "password_wrong"
    http_status = 422


class PasswordTooWeak(Refused):
    """The new password has fewer than ten characters, is the login, or is the one in use."""

    code = "password_too_weak"
    http_status = 422


class BadClient(Refused):
    """The client's name is empty, too long or taken, or a scope is unknown."""

    code = "bad_client"
    http_status = 422


class TokenRefused(Refused):
    """The token is missing, over, or was never given out; ask for a new one."""

    code = "token_refused"
    http_status = 401
