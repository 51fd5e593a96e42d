"""Why a plan does nothing for a person until an administrator decides."""

from __future__ import annotations

from airflow_provider_kinde.sync.model import UnclearRule


class HoldReason(Exception):
    """Nothing is done for this person in this run; the message says why.

    :param reason: why, in words.
    :param protected: a protected person who should lose access: an approval decides.
    :param absent: held only because HR no longer lists the person, and absent people are held.
    """

    def __init__(self, reason: str, *, protected: bool = False, absent: bool = False) -> None:
        super().__init__(reason)
        self.protected, self.absent = protected, absent


def protected_reason(what: str, id: str, way: str, approval: str = "") -> HoldReason:
    """Return the hold of a protected person.

    :param what: what HR asks for, in words.
    :param id: the HR id.
    :param way: what to do instead of approving it.
    :param approval: what an approval does, where ``what`` does not say it.
    """
    said = f"{what}, but protected: {way} or approve with --approve-protected {id}"
    return HoldReason(f"{said} (approval {approval})" if approval else said, protected=True)


def unclear_reason(unclear: UnclearRule, alias: str | None = None) -> HoldReason:
    """Return the hold of a person from whom a blank cell would take something.

    :param unclear: the rule that reads it, or ``scope``.
    :param alias: the organization that a rule would take; not needed for ``scope``.
    """
    columns = ", ".join(map(repr, unclear.columns))
    if unclear.entry is None:
        return HoldReason(f"scope reads {columns}, blank in this row: correct it in HR")
    return HoldReason(
        f"memberships[{unclear.entry}] reads {columns}, blank in this row, so {alias!r} would be removed: correct HR, "
        "or add the column to may_be_empty"
    )
