"""What operators and sensors share: the client of a connection, the link to Kinde, and errors as Airflow takes them."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_kinde.exceptions import KindeAuthError, KindeInputError, KindePermissionError, ProviderError
from airflow_provider_kinde.links.admin import KindeAdminLink
from airflow_provider_kinde.operators.cancellation import CancellableMixin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.client import KindeClient

IfExists = Literal["skip", "update", "fail"]
IfMissing = Literal["skip", "fail"]


class _AsText:
    render_template_as_native_obj = False


_AS_TEXT = _AsText()


def _blank(value: Any) -> Any:
    return "" if value is None else value


class TextTemplatesMixin:
    """For operators and sensors whose templates yield text, as the DAG author wrote it.

    A DAG with ``render_template_as_native_obj=True`` would make the number 10 of the id ``1_0``, and 1.1 of ``1.10``.
    And where a template yields ``None``, the text is empty, so that the text ``None`` can be a person's name.
    """

    renders_native = False
    """Whether a DAG's native rendering applies all the same."""

    def render_template(self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None) -> Any:
        """Render a templated value; Airflow calls this for each field, and it calls itself for what is in a list.

        :param content: the value.
        :param context: the task's context.
        :param jinja_env: Jinja's environment; replaced by one that yields text.
        :param seen_oids: what was rendered already, as Airflow tracks it.
        """
        if not self.renders_native and getattr(jinja_env, "finalize", None) is not _blank:
            dag = self.get_dag()  # type: ignore[attr-defined]
            own = self.get_template_env  # type: ignore[attr-defined]
            jinja_env = dag.get_template_env(force_sandboxed=True) if dag else own()
            jinja_env.finalize = _blank
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]

    def _should_render_native(self, dag: Any = None) -> bool:
        return self.renders_native and super()._should_render_native(dag)  # type: ignore[misc]

    def _render(self, template: Any, context: Any, dag: Any = None) -> Any:
        # Airflow asks the DAG once more how the parts of a template are put together.
        dag = dag if self.renders_native else _AS_TEXT
        return super()._render(template, context, dag=dag)  # type: ignore[misc]


class KindeOperator(TextTemplatesMixin, CancellableMixin, BaseOperator):
    """An operator with a Kinde connection.

    :param kinde_conn_id: Airflow connection of type ``kinde`` (templated).
    :param kwargs: of Airflow's ``BaseOperator``.
    """

    template_fields: Sequence[str] = ("kinde_conn_id",)
    operator_extra_links = (KindeAdminLink(),)
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"
    template_fields_renderers: ClassVar[dict[str, str]] = {}

    def __init__(self, *, kinde_conn_id: str = "kinde_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kinde_conn_id = kinde_conn_id

    @contextmanager
    def _client(self, context: Context) -> Iterator[KindeClient]:
        with connected(self.kinde_conn_id) as client:
            KindeAdminLink.push(context, client.base_url)
            self._sends_with(client)
            yield client


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Fail a task at once after an error that a retry cannot help; let Airflow retry after all others.

    :raises AirflowFailException: with the error's message, and the error as its cause.
    """
    try:
        yield
    except ProviderError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error


@contextmanager
def connected(conn_id: str) -> Iterator[KindeClient]:
    """Open the client of a connection, and close it at the end.

    :param conn_id: the Airflow connection.
    :raises KindeInputError: the connection is missing or wrong.
    :raises KindeAuthError: Kinde refuses the credentials; the message names the connection.
    :raises KindePermissionError: the application lacks a scope; the message names the connection.
    """
    from airflow_provider_kinde.hooks.kinde import KindeHook

    with KindeHook(kinde_conn_id=conn_id).get_conn() as client:
        try:
            yield client
        except (KindeAuthError, KindePermissionError) as error:
            error.message = f"Kinde refused the connection {conn_id!r}: {error.message}"
            raise


class EmailParameterMixin:
    """For operators whose ``email`` names a user of Kinde. In Airflow ``email`` names the recipient of alerts.

    Without it, ``email`` could not be mapped on Airflow 2, and Airflow would send its alerts to the user.
    """

    user_email: Any
    """The user's address."""

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """``BaseOperator.partial``, but for the address that Airflow's defaults and ``default_args`` put in.

        :param kwargs: as for ``BaseOperator.partial``.
        """
        made = super().partial(**kwargs)  # type: ignore[misc]
        if "email" not in kwargs:
            made.kwargs.pop("email", None)
        made.kwargs.update(email_on_failure=False, email_on_retry=False)
        return made


def set_address(task: Any, email: Any, kwargs: Mapping[str, Any], *, named: bool = False) -> None:
    """Keep a user's address in ``task.user_email``: ``task.email`` is Airflow's, for alerts, and stands in its logs.

    :param task: the operator.
    :param email: the user's address, as the operator got it.
    :param kwargs: of the constructor; the DAG's ``default_args`` are in it.
    :param named: whether the user is named otherwise, so that an ``email`` of ``default_args`` is not for us.
    :raises ValueError: the address is the one in ``default_args``, meant for alerts.
    """
    alerts = (kwargs.get("default_args") or {}).get("email")
    if email is not None and email == alerts:
        if not named:
            raise ValueError(
                "email comes from default_args, which name it for Airflow's alerts: give the user's own address"
            )
        email = None
    task.user_email = email
    task.email = alerts


def one_of(name: str, value: Any, *allowed: str) -> Any:
    """Check a choice when the DAG is parsed.

    :param name: the parameter's name, for the message.
    :param value: what the operator got.
    :param allowed: what it may be.
    :raises ValueError: it is none of them.
    """
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, allowed))}")
    return value


def listed(value: Any, what: str) -> list[Any]:
    """Read a parameter that is a list: a list, the text of one as Jinja prints it, or a text with commas.

    :param value: what the operator got.
    :param what: the parameter's name, for the message.
    :raises KindeInputError: nothing is in it, or it is no list.
    """
    found = value
    if isinstance(found, str):
        stripped = found.strip()
        if stripped.startswith(("[", "{", "(")):
            found = _literal(stripped, what)
        else:
            found = [part.strip() for part in stripped.replace("\n", ",").split(",")]
            found = [part for part in found if part]
    if isinstance(found, Mapping):
        found = [found]
    try:
        found = [item for item in found if item is not None]
    except TypeError:
        raise KindeInputError(f"{what} must be a list, not {type(value).__name__}") from None
    if not found:
        raise KindeInputError(f"{what} is empty")
    return list(found)


def optional_list(value: Any, what: str) -> list[Any] | None:
    """Read a parameter as :func:`listed` does, but ``None`` stays ``None``, and an empty list is allowed.

    :param value: what the operator got.
    :param what: the parameter's name, for the message.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, (str, Mapping)) and not list(value):
        return []
    if isinstance(value, str) and value.strip() in ("[]", "()"):
        return []
    return listed(value, what)


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Read a parameter that is a mapping, or the text of one as Jinja prints it.

    :param value: what the operator got.
    :param what: the parameter's name, for the message.
    :raises KindeInputError: it is none.
    """
    found = value
    if isinstance(found, str):
        stripped = found.strip()
        found = _literal(stripped, what) if stripped else {}
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise KindeInputError(f"{what} must be a mapping, not {type(found).__name__}")
    try:
        json.dumps(found, ensure_ascii=False, default=str, skipkeys=True).encode()
    except (ValueError, RecursionError) as error:
        raise KindeInputError(f"{what} holds a value that cannot be sent: {type(error).__name__}") from None
    return {str(key): item for key, item in found.items()}


def check_texts(task: Any, *names: str) -> None:
    """Refuse texts that are written to Kinde and hold what is not text.

    :param task: the operator.
    :param names: the names of its parameters that hold texts.
    :raises KindeInputError: naming the parameter.
    """
    from airflow_provider_kinde.resources.queries import plain

    for name in names:
        plain(getattr(task, name), name)


def _literal(value: str, what: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(value)  # Jinja prints lists and mappings as Python writes them
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise KindeInputError(f"{what} is neither JSON nor a Python literal: {value[:100]!r}") from None
