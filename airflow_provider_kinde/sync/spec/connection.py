"""How a spec names the enterprise connection that a person signs in by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic_core import CoreSchema

from airflow_provider_kinde.sync.spec.expressions import Template
from airflow_provider_kinde.sync.spec.fields import Expression, LocatedText, expected

DOMAIN = "domain:"
"""How the expression of a home realm domain begins."""


@dataclass(frozen=True)
class ConnectionExpression(Expression):
    """Marks the expression of a connection: its id, or a mapping with its home realm domain."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        domain = {"type": "object", "properties": {"domain": {"type": "string"}}, "required": ["domain"]}
        return {"anyOf": [{"type": "string"}, {**domain, "additionalProperties": False}]}

    def read(self, value: Any) -> Template:
        """Compile the expression.

        :param value: the text, or ``{domain: text}``.
        :returns: the compiled expression; that of a domain yields ``domain:`` and the domain.
        :raises PydanticCustomError: it is neither.
        """
        if isinstance(value, dict):
            domain = value.get("domain")
            if set(value) != {"domain"} or not isinstance(domain, str) or not domain.strip():
                raise expected("the id of a connection, or `domain:` with a home realm domain")
            located = LocatedText(f"{DOMAIN}{domain}")
            located.key, located.line = getattr(domain, "key", ""), getattr(domain, "line", None)
            located.first_line = getattr(domain, "first_line", 0)
            value = located
        return super().read(value)


Connection = Annotated[Template, ConnectionExpression(blank=True)]
"""An expression over the row that yields the id of a connection, or ``domain:`` and a home realm domain."""
