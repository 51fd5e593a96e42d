"""How a person signs in: by an address of the account, or by an enterprise connection that the spec names."""

from __future__ import annotations

from airflow_provider_kinde.resources.fields import is_enterprise, is_own_sign_in
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.model import Account, Person
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason


def lacks_connection(person: Person, account: Account) -> bool:
    """Tell whether the spec wants a sign-in by a connection that the account does not have.

    An enterprise identity with the same address is enough, also in other letters: the identity provider wrote it, and a
    sign-in needs it as it is. Kinde's list of users does not name the connection of an identity.

    :param person: the person.
    :param account: the account.
    """
    key = email_key(person.email)
    return bool(person.connection) and not any(
        is_enterprise(kind) and email_key(value) == key for kind, value in account.identities
    )


def has_other_address(person: Person, account: Account) -> bool:
    """Tell whether the account signs in with another address than HR gives.

    :param person: the person.
    :param account: the account.
    """
    old = email_key(account.email)
    if old == email_key(person.email):
        return False
    if not person.connection:
        return True
    # Without an address there is nothing to change: the connection is added. And Kinde may go on showing the former
    # address of an account whose identities are right already.
    stands = any(email_key(value) == old for _, value in account.identities)
    return bool(old) and (stands or lacks_connection(person, account))


def check_present_sign_in(person: Person, account: Account) -> None:
    """Check that the sync may change the present address, which may be a sign-in at an identity provider.

    :param person: the person, whose connection the sync keeps if the spec names one.
    :param account: the account.
    :raises HoldReason: the address is decided elsewhere; the reason says what to do.
    """
    old = email_key(account.email)
    foreign = sorted(kind for kind, value in account.identities if not is_own_sign_in(kind) and email_key(value) == old)
    if not old or not foreign or (person.connection and all(map(is_enterprise, foreign))):
        return
    reason = f"HR has another address, but the present one is a sign-in of type {foreign[0]}, which the identity "
    reason += f"provider decides: add {person.email} to the account and delete that sign-in in Kinde"
    if is_enterprise(foreign[0]):
        reason += ", or let the sync do it (person.connection)"
    raise HoldReason(reason)


def unconfirmed_reason(account: Account, key: str, link: str, *, known: bool) -> str:
    """Return why an account whose address is not confirmed is not adopted, with the ways out.

    :param account: the account.
    :param key: the address, in the form for comparing.
    :param link: the link that the person's account has.
    :param known: whether Kinde says that the address is not confirmed; it may say nothing (``is_confirmed`` is null).
    """
    kinds = sorted({kind for kind, value in account.identities if not is_own_sign_in(kind) and email_key(value) == key})
    reason = "the Kinde account with this address never confirmed it: not adopted"
    if not known:
        reason = (
            "Kinde does not say whether the account with this address confirmed it (is_confirmed is null): not adopted"
        )
    if not kinds:
        confirm = "let the user confirm it, or delete the account" if known else "look at the account in Kinde"
        return f"{reason}: {confirm}. If it is this person's, set its provided_id to {link}"
    return (
        f"{reason}. It is a sign-in of type {', '.join(kinds)}: if the identity provider vouches for its addresses, "
        "name the connection (or `enterprise`) in joiner.trusted_connections"
    )
