"""Any operation of Kinde's Management API, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import IfMissing, KindeOperator, airflow_errors, mapping, one_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

ID_ARGUMENTS = frozenset({"id", "code"})
"""Arguments that name something in the query."""


class KindeApiOperator(KindeOperator):
    """Call one operation of Kinde's Management API.

    The names are those of the hook's methods: ``get_users``, ``update_organization_users``, ... ; ``iter_users``,
    ``iter_organizations``, ``search_users`` and the other ``iter_...`` read all pages and return a list.

    :param operation: the operation (templated).
    :param arguments: its arguments by name (templated).
    :param response_filter: called with the answer; what it returns goes to XCom instead. Keep that small.
    :param if_missing: when Kinde has no such thing: ``fail`` the task, or ``skip`` and return ``None``.
    :param if_exists: when it exists already: ``fail`` or ``skip``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: decoded JSON; ``None`` for an empty answer.
    """

    renders_native = True
    template_fields: Sequence[str] = ("kinde_conn_id", "operation", "arguments")
    template_fields_renderers: ClassVar[dict[str, str]] = {"arguments": "json"}

    def __init__(
        self,
        *,
        operation: str,
        arguments: Mapping[str, Any] | str | None = None,
        response_filter: Callable[[Any], Any] | None = None,
        if_missing: IfMissing = "fail",
        if_exists: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.operation = operation
        self.arguments = arguments
        self.response_filter = response_filter
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")
        self.if_exists = one_of("if_exists", if_exists, "skip", "fail")

    @airflow_errors()
    def execute(self, context: Context) -> Any:
        """Call the operation.

        :param context: Airflow's context of the task.
        :raises KindeInputError: no such operation, an argument that it does not take, or an id that cannot be one.
        :raises KindeError: Kinde refused.
        """
        from airflow_provider_kinde.exceptions import KindeConflictError, KindeNotFoundError

        arguments = mapping(self.arguments, "arguments")
        walked = self._check(arguments)
        with self._client(context) as client:
            try:
                answer = getattr(client, self.operation)(**arguments)
                answer = list(answer) if walked else answer
            except KindeNotFoundError:
                if self.if_missing == "fail":
                    raise
                answer = None
            except KindeConflictError:
                if self.if_exists == "fail":
                    raise
                answer = None
        return self.response_filter(answer) if self.response_filter else answer

    def _check(self, arguments: Mapping[str, Any]) -> bool:
        """Refuse bad input before anything is sent.

        :returns: whether the operation yields the items of all pages.
        """
        from airflow_provider_kinde.client.endpoints.base import WALKED
        from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS, EndpointMethods, find_endpoint
        from airflow_provider_kinde.exceptions import KindeInputError
        from airflow_provider_kinde.resources.queries import checked_id

        name = self.operation
        if not isinstance(name, str):
            raise KindeInputError(f"operation {name!r}: expected the name of an operation, such as get_users")
        walks = name.startswith("iter_") and hasattr(EndpointMethods, name)
        try:
            operation = ENDPOINTS[f"get_{name.removeprefix('iter_')}"] if walks else find_endpoint(name)
            bound = operation.bind((), arguments)
            for argument in {*operation.path, *(ID_ARGUMENTS & bound.keys())}:
                checked_id(bound[argument], argument)
            operation.request(bound)
        except (ValueError, TypeError) as error:
            raise KindeInputError(str(error)) from error
        return walks or name in WALKED
