"""The JSON schema of a spec, for editors: completion, descriptions, and mistakes underlined while typing.

It follows from the models. What a schema cannot say (aliases that exist, expressions that compile, dates that can be
read) only ``validate`` knows.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pydantic.json_schema import GenerateJsonSchema

from airflow_provider_kinde.sync.spec.expressions import Template
from airflow_provider_kinde.sync.spec.fields import Limit
from airflow_provider_kinde.sync.spec.json_path import Path
from airflow_provider_kinde.sync.spec.models import SyncSpec

Schema = dict[str, Any]


def spec_schema() -> Schema:
    """Make the schema.

    :returns: JSON schema 2020-12.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SyncSpec.model_json_schema(schema_generator=_Generator),
        "title": "Kinde sync",
        "description": "How the rows of an HR system become accounts, memberships and roles in Kinde.",
    }


class _Generator(GenerateJsonSchema):
    """Shows defaults as the file writes them; a title that repeats the key is left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Template):
            return dft.text
        if isinstance(dft, (Limit, ZoneInfo)):
            return str(dft)
        if isinstance(dft, Path):
            return dft.text
        return sorted(dft) if isinstance(dft, frozenset) else super().encode_default(dft)
