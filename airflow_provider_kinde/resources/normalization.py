"""How e-mail addresses and names are brought into one form, for keeping and for comparing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna

MAX_EMAIL, MAX_LOCAL, MAX_DOMAIN, MAX_LABEL = 254, 64, 253, 63
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
"""How nearly all addresses look: these need no closer look before the @, but for their length."""
_BAD_LOCAL = set('"(),:;<>[\\]')


def clean_name(text: str) -> str:
    """Bring a name into the form that is kept: NFC, trimmed, any run of blanks one space.

    :param text: a name as the source or Kinde holds it.
    :returns: the same name; empty when only blanks were there.
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFC", text).split())


def name_key(text: str) -> str:
    """Bring a name into the form in which two names are compared.

    :param text: a name as the source or Kinde holds it.
    :returns: ``clean_name(text)``, case-folded.
    """
    return unicodedata.normalize("NFC", clean_name(text).casefold())


def holds_control(text: str) -> bool:
    """Whether there is a control character or half a character in it: no name has one.

    :param text: a text that is written to Kinde or read from HR.
    """
    return not text.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def clean_email(text: str) -> str:
    """Check an e-mail address and bring it into the form that is kept.

    :param text: an address; blanks around it are dropped.
    :returns: local part as written (NFC), ``@``, domain in lower-case A-labels.
    :raises ValueError: it is not one usable address; the message says why, without the address.
    """
    plain = _PLAIN.fullmatch(text)
    if plain and plain.end(1) <= MAX_LOCAL and len(text) <= MAX_EMAIL and (domain := _plain_domain(plain[2])):
        return f"{plain[1]}@{domain}"
    address = unicodedata.normalize("NFC", text.strip())
    if not address:
        raise ValueError("is blank")
    if address.isascii():
        spaced = " " in address or not address.isprintable()
    else:
        spaced = any(unicodedata.category(char)[0] in "CZ" for char in address)
    if spaced:
        raise ValueError("is not an e-mail address: it holds a blank or a control character")
    if address.count("@") != 1:
        raise ValueError(f"is not an e-mail address: it holds {address.count('@') or 'no'} @ where one is expected")
    local, _, domain = address.partition("@")
    if not local or len(local) > MAX_LOCAL:
        raise ValueError(f"is not an e-mail address: before the @ there must be 1 to {MAX_LOCAL} characters")
    if bad := sorted(_BAD_LOCAL & set(local)):
        raise ValueError(f"is not an e-mail address: it holds {bad[0]!r} before the @")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("is not an e-mail address: a dot stands first, last or doubled before the @")
    ascii_domain = _domain(domain)
    if wrong := _wrong_domain(ascii_domain):
        raise ValueError(f"is not an e-mail address: its domain {wrong}")
    clean = f"{local}@{ascii_domain}"
    if len(clean) > MAX_EMAIL:
        raise ValueError(f"is not an e-mail address: it is longer than {MAX_EMAIL} characters")
    return clean


def _wrong_domain(domain: str) -> str:
    """What is wrong with a domain in A-labels; empty if nothing is."""
    labels = domain.split(".")
    if len(labels) < 2:
        return "holds no dot"
    if len(domain) > MAX_DOMAIN or any(len(label) > MAX_LABEL or not _LABEL.fullmatch(label) for label in labels):
        return "is not valid"
    return "ends in a number" if labels[-1].isdigit() else ""


@lru_cache(maxsize=4096)
def _plain_domain(domain: str) -> str:
    """A domain in lower case, or nothing if a closer look is needed."""
    return "" if _wrong_domain(domain.lower()) else domain.lower()


def email_key(text: str) -> str:
    """Bring an e-mail address into the form in which two addresses are compared.

    Any text is accepted, also one that Kinde holds: text that is no address is only trimmed and folded.

    :param text: an address, valid or not.
    :returns: trimmed, case-folded, NFC, the domain in A-labels.
    """
    if text.isascii():
        return text.strip().lower()
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return _fold(domain)
    return f"{_fold(local)}@{_domain(domain)}"


def same_letters(one: str, other: str) -> bool:
    """Whether two addresses that compare as equal are written with the same letters: ``ß`` and ``ss`` are two people's.

    :param one: an address.
    :param other: another one.
    """
    return _letters(one) == _letters(other)


def _letters(email: str) -> str:
    return unicodedata.normalize("NFC", email.strip().rpartition("@")[0].lower())


def domain_key(text: str) -> str:
    """Bring a domain into the form in which domains of addresses are compared.

    :param text: a domain, with or without an ``@`` in front.
    :returns: lower case, in A-labels.
    """
    return _domain(text.strip().removeprefix("@"))


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    """A domain in lower-case A-labels; one that IDNA refuses comes back folded."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return _fold(domain)
