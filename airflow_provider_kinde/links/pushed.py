"""A button on a task whose address the task itself writes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


class PushedLink(BaseOperatorLink):
    """Opens the address that a task pushed as XCom."""

    key: ClassVar[str]

    @property
    def xcom_key(self) -> str:
        """Where the address is: pushed as the task starts, so that the button works while it runs."""
        return self.key

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """The address of the button; empty where the task pushed none. Never raises.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        try:
            return str(XCom.get_value(key=self.xcom_key, ti_key=ti_key) or "")
        except Exception:
            return ""
