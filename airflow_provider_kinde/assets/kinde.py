"""Assets in Kinde: ``kinde://acme.kinde.com`` is an environment, ``kinde://acme.kinde.com/org_1`` an organization."""

from __future__ import annotations

import re
from urllib.parse import SplitResult

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_CODE = re.compile(r"[A-Za-z0-9_-]+")


def organization_uri(host: str, code: str = "") -> str:
    """The URI of an organization, or of the whole environment.

    :param host: Kinde's domain, such as ``acme.kinde.com``.
    :param code: the organization's code, such as ``org_1ccfb819462``.
    :raises ValueError: it is none.
    """
    return sanitize_uri(SplitResult("kinde", host.strip(), f"/{code.strip()}" if code.strip() else "", "", "")).geturl()


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Bring a URI into the one form in which two DAGs mean the same asset; Airflow calls this for ``kinde://``.

    :param uri: the URI, split into its parts.
    :raises ValueError: it is none of an environment or an organization.
    """
    host = uri.netloc.lower()
    if "@" in uri.netloc or not _HOST.fullmatch(host):
        raise ValueError("URI format kinde:// must contain a Kinde domain, such as kinde://acme.kinde.com/org_1")
    code = uri.path.strip("/")
    if code and not _CODE.fullmatch(code):
        raise ValueError("URI format kinde:// takes the code of one organization after the domain")
    if uri.query or uri.fragment:
        raise ValueError("URI format kinde:// takes neither query nor fragment")
    return SplitResult("kinde", host, f"/{code}" if code else "", "", "")
