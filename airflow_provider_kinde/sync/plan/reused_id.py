"""Whether HR used the id of a person who left again, for another person: then an account would pass to a stranger."""

from __future__ import annotations

from airflow_provider_kinde.resources.normalization import email_key, name_key
from airflow_provider_kinde.sync.model import Account, Person
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason


def other_names(person: Person, account: Account) -> dict[str, str]:
    """The names of HR that differ from those of the account. A name that either side lacks does not differ.

    :param person: the person, as HR has them.
    :param account: the account.
    """
    pairs = {
        "given_name": (person.given_name, account.first_name),
        "family_name": (person.family_name, account.last_name),
    }
    return {key: here for key, (here, there) in pairs.items() if here and there and name_key(here) != name_key(there)}


def seems_another(person: Person, account: Account) -> bool:
    """Whether HR has another given name and another address than the account of a person who left.

    One of both may change: a company gets another domain, a name is corrected. So may family name and address
    together: a person marries. Where one side has no given name, the family name decides.

    :param person: the person, as HR has them.
    :param account: the account.
    """
    link = account.link
    if link is None or not link.is_marked or email_key(person.email) in account.addresses:
        return False
    deciding = "given_name" if person.given_name and account.first_name else "family_name"
    return deciding in other_names(person, account)


def check_same_person(person: Person, account: Account) -> None:
    """Hold a person under the id of one who left, who has neither the given name nor an address of that account.

    :param person: the person, as HR has them.
    :param account: the account.
    :raises HoldReason: the reason says what to do.
    """
    if seems_another(person, account):
        raise HoldReason(
            "the person with this id left, and HR has another given name and another address now: was the id used "
            f"again for another person? If it is the same person, write the new name on the account {account.id} in "
            "Kinde. If not, give the new person another id in HR, or clear the provided_id of that account"
        )
