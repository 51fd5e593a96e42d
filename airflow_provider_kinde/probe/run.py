"""A whole probe: the questions in order, then the removal of everything that was created."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from typing import Any

from airflow_provider_kinde.exceptions import (
    KindeAuthError,
    KindeError,
    KindePermissionError,
    KindeRateLimitError,
    KindeServerError,
)
from airflow_provider_kinde.probe import lists, members, users
from airflow_provider_kinde.probe.created_objects import CreatedObjects
from airflow_provider_kinde.probe.findings import Findings
from airflow_provider_kinde.probe.session import NoAnswerError, Question, Session

QUESTIONS: tuple[Question, ...] = (
    lists.token,
    users.create_user,
    users.search,
    users.read_user,
    users.identities,
    users.email_case,
    users.second_user,
    users.second_address,
    users.identity_conflict,
    users.names,
    users.provided_id,
    users.sessions,
    members.organization,
    members.roles,
    members.permission,
    users.unknown_organization,
    members.add_member,
    members.add_member_again,
    members.list_members,
    members.expand_organizations,
    members.patch_roles,
    members.patch_without_permissions,
    members.role_twice,
    members.bulk_failure,
    members.remove_stranger,
    users.missing_user,
    users.recreate,
    lists.page_size_limit,
    lists.cursor_page_size_limit,
    lists.usual_page,
    lists.page_token,
    lists.connections,
    lists.kinde_properties,
    lists.missing_organization,
    lists.not_found_shape,
)
"""In the order in which they are asked: a later one uses what an earlier one created."""

MADE_BY = {
    "user": "create_user", "user_read": "read_user", "second_address": "second_address", "second_user": "second_user",
    "deleted_user": "missing_user", "organization": "organization", "membership": "add_member", "roles": "roles",
    "second_role": "patch_roles", "permission": "permission",
}  # fmt: skip
"""What a question needs -> the question that creates it."""

NEVER_ASKED = {
    "client_id": "the connection's own",
    "client_secret": "the connection's own",
    "scopes": "the application's own, not Kinde's behaviour",
    "expired_token": "takes a token that runs out; the client renews it after either answer",
    "basic_auth": "the client sends its credentials in the form",
    "rate_limit": "takes reaching the limit",
    "rate_window": "takes reaching the limit",
    "rate_limit_header": "takes reaching the limit",
    "concurrency": "takes reaching the limit",
    "latency": "depends on the way there",
    "max_bulk": "more than 100 users are never sent in one request",
    "directory_changes": "a directory takes an identity provider on its other side",
    "extra_fields": "unknown fields are ignored",
    "sso_email": "takes a user of an identity provider; the client works with either",
    "enterprise_identity": "takes an enterprise connection; what became of the identity is read after each change",
    "profile_sync": "takes a sign-in at an identity provider",
    "environment_live": "the environment's own: `doctor` shows it",
    "log_size": "the emulator's own",
}
"""Settings of the emulator that the probe does not learn, and why."""


def chosen(only: Collection[str] | None = None) -> list[Question]:
    """The questions to ask, in order.

    :param only: the settings to learn; all of them when ``None``.
    :returns: those questions, and the ones that create what they need.
    :raises ValueError: a setting that no question is about.
    """
    if only is None:
        return list(QUESTIONS)
    known = {setting for question in QUESTIONS for setting in question.settings}
    if unknown := sorted(set(only) - known):
        raise ValueError(f"no probe learns {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    wanted = {question.name for question in QUESTIONS if {*question.settings} & {*only}}
    for question in reversed(QUESTIONS):
        if question.name in wanted:
            wanted |= {MADE_BY[need] for need in question.needs}
    return [question for question in QUESTIONS if question.name in wanted]


def probe_tenant(
    client: Any,
    *,
    only: Collection[str] | None = None,
    sleep: Callable[[float], Any] = time.sleep,
    tag: str = "",
) -> Findings:
    """Learn how a Kinde behaves where that is not documented, on throwaway objects that are removed at the end.

    Ctrl-C ends the questions; what was created is removed all the same.

    :param client: a ``KindeClient``.
    :param only: the settings to learn, with as few requests as that takes; all of them when ``None``.
    :param sleep: waits a number of seconds.
    :param tag: a text in the names of all throwaway objects; random when empty.
    :returns: the findings; ``stopped`` says why the probe ended early, ``left_behind`` what could not be removed.
    :raises ValueError: a setting in ``only`` that no question is about.
    """
    questions = chosen(only)
    findings = Findings(client.host, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
    things = CreatedObjects(client, tag or secrets.token_hex(6))
    session = Session(client, things, findings, sleep)
    before, client.on_response, sent = client.on_response, session.listen, client.counts.total
    try:
        session.granted = client.granted_scopes(renew=True)
        for question in questions:
            _ask(session, question)
    except KeyboardInterrupt:
        findings.stopped = "interrupted"
    except KindeError as error:
        findings.stopped = str(error)
    finally:
        findings.left_behind = things.remove()
        client.on_response = before
        findings.requests = client.counts.total - sent
    for setting in (setting for question in questions for setting in question.settings):
        findings.not_learnt.setdefault(setting, "the probe stopped before")
    if only is None:
        findings.not_learnt.update(NEVER_ASKED)
    for setting in findings.learnt:
        findings.not_learnt.pop(setting, None)
    return findings


def _ask(session: Session, question: Question) -> None:
    """Ask one question.

    :param session: the probe.
    :param question: the question.
    :raises KindeError: no further question can be answered.
    """
    reason = ""
    missing = sorted(question.scopes - session.granted) if session.granted else []
    lacking = [need for need in question.needs if need not in session.have]
    session.findings.missing_scopes.update(missing)
    if missing:
        reason = f"the application lacks the scope {', '.join(missing)}"
    elif lacking:
        maker = MADE_BY[lacking[0]]
        reason = f"{lacking[0].replace('_', ' ')} is missing: {session.failed.get(maker, 'it was not made')}"
    else:
        try:
            question.ask(session)
        except NoAnswerError as open_question:
            reason = str(open_question)
        except KindePermissionError as error:
            session.findings.missing_scopes.update({error.scope} - {""})
            reason = str(error)
        except (KindeAuthError, KindeRateLimitError):
            raise
        except KindeError as error:
            if isinstance(error, KindeServerError) and error.status is None:
                raise
            reason = str(error)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # A response in an unexpected form leaves one question open; it does not end the probe.
            reason = f"the answer has an unknown form ({type(error).__name__}: {error})"
    if reason:
        session.failed[question.name] = reason
        for setting in question.settings:
            session.findings.not_learnt.setdefault(setting, reason)
        if not question.settings and not lacking:
            session.findings.seen[question.about.rstrip(".")] = f"not done: {reason}"
