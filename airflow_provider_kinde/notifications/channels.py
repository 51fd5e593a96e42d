"""Where a message goes: a webhook of Slack or Teams, any other that takes JSON, or a mail server."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_kinde.notifications.message import ADDRESSES

_ADDRESSED = tuple(f"{name}: " for name in ADDRESSES)
TIMEOUT = 10.0
"""Seconds that a webhook may take: a task that is over waits for it."""


def post(
    connection: Any, extra: Mapping[str, Any], endpoint: str, message: Mapping[str, Any], teams: bool | None
) -> None:
    """Post a message to a webhook.

    :param connection: an Airflow connection of type ``http`` or ``slackwebhook``.
    :param extra: its extra.
    :param endpoint: what follows the host.
    :param message: what to send.
    :param teams: whether the webhook takes a card of Microsoft Teams; told by the host when ``None``.
    :raises RuntimeError: it was not taken. The text quotes no address, which may be secret.
    """
    import requests

    headers = dict(extra.get("headers") or {})
    url = address(connection, endpoint)
    if is_teams(url) if teams is None else teams:
        message = card(str(message["text"]), links_of(message))
    else:
        message = {**message, "text": _harmless(str(message["text"]), slack=is_slack(url))}
    if connection.password and not _is_slack(connection):
        headers.setdefault("Authorization", f"Bearer {connection.password}")
    name = connection.conn_id
    try:
        answer = requests.post(url, json=message, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        # Its text may quote the address, and with it a webhook's secret.
        raise RuntimeError(f"the webhook of {name!r} cannot be reached: {type(error).__name__}") from None
    if not answer.ok:
        raise RuntimeError(f"the webhook of {name!r} answered {answer.status_code}")


def mail(conn_id: str, recipients: Sequence[str], message: Mapping[str, Any]) -> None:
    """Send a message as mail, by the hook of Airflow's SMTP provider.

    :param conn_id: an Airflow connection of type ``smtp``, with ``from_email`` in its extra.
    :param recipients: addresses.
    :param message: what to send.
    :raises RuntimeError: there is no recipient, or no SMTP provider.
    """
    if not recipients:
        raise RuntimeError(f"the connection {conn_id!r} is a mail server, so name recipients: mail_to=[...]")
    try:
        from airflow.providers.smtp.hooks.smtp import SmtpHook
    except ImportError:
        raise RuntimeError(f"mail by {conn_id!r} needs apache-airflow-providers-smtp") from None
    subject, _, _ = str(message["text"]).partition("\n")
    with SmtpHook(conn_id) as server:
        server.send_email_smtp(to=list(recipients), subject=subject[:200], html_content=mail_body(message))


def mail_body(message: Mapping[str, Any]) -> str:
    """The message as HTML: its lines as they are, and the links as links.

    :param message: what to send.
    """
    lines = [line for line in str(message["text"]).splitlines() if not line.startswith(_ADDRESSED)]
    shown = "<br>\n".join(html.escape(line) for line in lines)
    buttons = " · ".join(f'<a href="{html.escape(url)}">{name}</a>' for name, url in links_of(message).items())
    return f"<p>{shown}</p>\n<p>{buttons}</p>\n"


def links_of(message: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of a message by the words of their buttons.

    :param message: what to send.
    """
    return {words: str(message[name]) for name, words in ADDRESSES.items() if message.get(name)}


def is_slack(url: str) -> bool:
    """Whether a webhook is one of Slack, which reads ``&``, ``<`` and ``>`` as HTML does.

    :param url: where to post.
    """
    host = urlsplit(url).hostname or ""
    return host == "slack.com" or host.endswith((".slack.com", ".slack-gov.com"))


def _harmless(text: str, *, slack: bool) -> str:
    """Text from outside must not call people or hide a link in a chat. Only Slack shows ``&amp;`` as ``&``."""
    quoted = html.escape(text, quote=False).replace("](", "] (")
    return quoted if slack else quoted.replace("&amp;", "&")


def _is_slack(connection: Any) -> bool:
    return getattr(connection, "conn_type", None) == "slackwebhook"


def is_teams(url: str) -> bool:
    """Whether a webhook is one of Microsoft Teams, or of Power Automate, which took their place.

    :param url: where to post.
    """
    host = urlsplit(url).hostname or ""
    return host.endswith((".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com"))


def card(text: str, links: Mapping[str, Any]) -> dict[str, Any]:
    """The message for Teams, which takes an adaptive card and no plain text.

    :param text: the message. Its lines are shown as they are: nothing in them is markup.
    :param links: title -> address of buttons; those without an address are left out.
    """
    runs = [{"type": "TextRun", "text": line} for line in text.splitlines()]
    body = [{"type": "RichTextBlock", "inlines": [run]} for run in runs]
    content: dict[str, Any] = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    buttons = [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links.items() if url]
    if buttons:
        content["actions"] = buttons
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def address(connection: Any, endpoint: str) -> str:
    """The URL to post to.

    :param connection: an Airflow connection of type ``http``.
    :param endpoint: a path below its host.
    """
    host = str(connection.host or "").strip().rstrip("/")
    if _is_slack(connection):
        # Airflow keeps the webhook's address, or what makes it secret, the end of it, as the password.
        secret = str(connection.password or "").strip().strip("/")
        if "://" in secret:
            return secret
        if not secret:
            raise RuntimeError(f"the connection {connection.conn_id!r} has no password: the webhook's token is missing")
        host, endpoint = host or "hooks.slack.com/services", endpoint or secret
    if not host:
        raise RuntimeError(f"the connection {connection.conn_id!r} names no host")
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    if connection.port:
        # The address of a webhook may have a path in the connection's host.
        scheme, _, rest = base.partition("://")
        name, slash, path = rest.partition("/")
        base = f"{scheme}://{name}:{connection.port}{slash}{path}"
    return f"{base}/{endpoint.lstrip('/')}" if endpoint else base
