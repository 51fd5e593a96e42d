"""Apache Airflow provider for Kinde: hook, operators, and sync with an HR system."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.version import __version__

__all__ = ["__version__", "get_provider_info"]

_INTEGRATION = "Kinde"


def get_provider_info() -> dict[str, Any]:
    """What Airflow asks of every provider at start: connection form, configuration, and where things are.

    :returns: the provider's metadata, in the shape of Airflow's ``provider_info.schema.json``.
    """
    from airflow_provider_kinde.hooks.connection_form import CONNECTION_TYPE

    def modules(*names: str) -> list[dict[str, Any]]:
        return [{"integration-name": _INTEGRATION, "python-modules": [f"{__name__}.{name}" for name in names]}]

    asset = {
        "schemes": ["kinde"],
        "handler": f"{__name__}.assets.kinde.sanitize_uri",
        "to_openlineage_converter": f"{__name__}.openlineage.lineage.asset_dataset",
    }
    return {
        "package-name": "airflow-provider-kinde",
        "name": "Kinde",
        "description": "Keeps the users, organizations and roles of `Kinde <https://kinde.com>`__ in step with HR.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": _INTEGRATION, "external-doc-url": "https://docs.kinde.com/", "tags": ["service"]}
        ],
        "connection-types": [CONNECTION_TYPE],
        "hooks": modules("hooks.kinde"),
        "operators": modules(
            "operators.sync",
            "operators.accounts",
            "operators.reviews",
            "operators.person",
            "operators.approval",
            "operators.users",
            "operators.organizations",
            "operators.members",
            "operators.invitations",
            "operators.roles",
            "operators.feature_flags",
            "operators.object_storage",
            "operators.api",
        ),
        "sensors": modules("sensors.users", "sensors.organizations", "sensors.sources"),
        "triggers": modules("triggers.conditions", "triggers.events", "triggers.sources"),
        "notifications": [f"{__name__}.notifications.sync.KindeSyncNotifier"],
        # 3.x reads the one, 2.11 the other.
        "asset-uris": [asset],
        "dataset-uris": [asset],
        "extra-links": [f"{__name__}.links.admin.KindeAdminLink", f"{__name__}.links.report.KindeReportLink"],
        "config": {
            "kinde": {
                "description": "How the Kinde sync keeps its plans and reports.",
                "options": {
                    "storage_path": {
                        "description": (
                            "Folder for plans and reports: a local folder, or any path with a scheme that Airflow's\n"
                            "``ObjectStoragePath`` knows (``s3://aws_default@bucket/kinde``). All workers must reach\n"
                            "it. Plans and reports name people: keep it private.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://aws_default@hr-audit/kinde",
                        "default": "{AIRFLOW_HOME}/kinde",
                    },
                    "keep_history": {
                        "description": (
                            "Days after which entries of a sync's history are dropped; all are kept when left out. A\n"
                            "checkpoint entry stands for what was dropped, so that the rest can still be checked.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "730",
                        "default": "",
                    },
                    "log_personal_data": {
                        "description": (
                            "Whether task logs may name people. When off, logs hold HR ids and counts only.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                    "ui": {
                        "description": (
                            "Whether Airflow's interface has the provider's pages (Airflow 3.1 and later): *Kinde* in\n"
                            "the navigation, and the page of each plan and report.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "False",
                        "default": "True",
                    },
                    "webhooks": {
                        "description": (
                            "Webhooks of Kinde that the API server takes (Airflow 3.1 and later), as JSON: a name and\n"
                            "the tenant's domain. Each is ``POST /kinde/webhooks/<name>`` and updates the asset\n"
                            "``kinde://<domain>``. None when empty.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": '{"acme": "acme.kinde.com"}',
                        "default": "",
                    },
                    "redact": {
                        "description": (
                            "Whether plans and reports are kept without names, addresses and properties, with HR ids\n"
                            "only. They can be approved and applied all the same; a redacted report cannot be undone.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                },
            }
        },
    }
