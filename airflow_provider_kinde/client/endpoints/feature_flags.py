"""Feature flags: their definitions, and their values in the environment."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class FeatureFlags(Resource[R, P]):
    """Methods on feature flags."""

    @endpoint("POST /api/v1/feature_flags", scope="create:feature_flags")
    def create_feature_flag(
        self,
        name: str,
        key: str,
        type: str,
        default_value: str,
        description: str | None = None,
        allow_override_level: str | None = None,
    ) -> R:
        """Define a feature flag.

        :param name: its name.
        :param key: its key.
        :param type: ``str``, ``int`` or ``bool``.
        :param default_value: its value where nothing overrides it, as text.
        :param description: its description.
        :param allow_override_level: who may have another value than the default: ``env``, ``org`` or ``usr``.
        """

    @endpoint(
        "PUT /api/v1/feature_flags/{feature_flag_key}",
        scope="update:feature_flags",
        query=(
            "name",
            "description",
            "type",
            "allow_override_level",
            "default_value",
        ),
    )
    def update_feature_flag(
        self,
        feature_flag_key: str,
        name: str,
        description: str,
        type: str,
        allow_override_level: str,
        default_value: str,
    ) -> R:
        """Change a feature flag. Kinde wants all of its fields.

        :param feature_flag_key: the flag's key.
        :param name: its name.
        :param description: its description.
        :param type: ``str``, ``int`` or ``bool``.
        :param allow_override_level: who may have another value than the default: ``env`` or ``org``.
        :param default_value: its value where nothing overrides it, as text.
        :raises KindeNotFoundError: no such flag.
        """

    @endpoint("DELETE /api/v1/feature_flags/{feature_flag_key}", scope="delete:feature_flags")
    def delete_feature_flag(self, feature_flag_key: str) -> R:
        """Delete a feature flag and its overrides.

        :param feature_flag_key: the flag's key.
        :raises KindeNotFoundError: no such flag.
        """

    @endpoint("GET /api/v1/environment/feature_flags", scope="read:environment_feature_flags")
    def get_environement_feature_flags(self) -> R:
        """Read the values that feature flags have in this environment. Kinde spells the name so.

        :returns: ``{"feature_flags": {key: {"type": ..., "value": ...}}}``.
        """

    @endpoint("PATCH /api/v1/environment/feature_flags/{feature_flag_key}", scope="update:environment_feature_flags")
    def update_environement_feature_flag_override(self, feature_flag_key: str, value: str) -> R:
        """Set a feature flag for the environment. Kinde spells the name so.

        :param feature_flag_key: the flag's key.
        :param value: its value, as text.
        """

    @endpoint("DELETE /api/v1/environment/feature_flags/{feature_flag_key}", scope="delete:environment_feature_flags")
    def delete_environement_feature_flag_override(self, feature_flag_key: str) -> R:
        """Put one feature flag of the environment back to its default. Kinde spells the name so.

        :param feature_flag_key: the flag's key.
        """

    @endpoint("DELETE /api/v1/environment/feature_flags", scope="delete:environment_feature_flags")
    def delete_environement_feature_flag_overrides(self) -> R:
        """Put all feature flags of the environment back to their defaults. Kinde spells the name so."""
