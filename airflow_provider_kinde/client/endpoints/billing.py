"""Billing: agreements, entitlements and metered use."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Billing(Resource[R, P]):
    """Methods on billing."""

    @endpoint("GET /api/v1/billing/agreements", scope="read:billing_agreements", items="agreements", paging="cursor")
    def get_billing_agreements(
        self,
        customer_id: str,
        page_size: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        feature_code: str | None = None,
    ) -> R:
        """Read one page of a customer's agreements; ``iter_billing_agreements`` reads them all.

        :param customer_id: the customer's id in billing.
        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        :param feature_code: only agreements with this feature.
        """

    def iter_billing_agreements(self, customer_id: str, **query: Any) -> P:
        """Yield every item of all pages of ``get_billing_agreements``.

        :param customer_id: the customer's id in billing.
        :param query: what ``get_billing_agreements`` takes beside it.
        """
        return self._iterate("get_billing_agreements", customer_id=customer_id, **query)

    @endpoint("POST /api/v1/billing/agreements", scope="create:billing_agreements")
    def create_billing_agreement(
        self, customer_id: str, plan_code: str, is_invoice_now: bool | None = None, is_prorate: bool | None = None
    ) -> R:
        """Move a customer to a plan; the agreement before it ends.

        :param customer_id: the customer's id in billing.
        :param plan_code: code of the plan.
        :param is_invoice_now: whether to send an invoice at once.
        :param is_prorate: whether what is left of the plan before is credited.
        """

    @endpoint(
        "GET /api/v1/billing/entitlements", scope="read:billing_entitlements", items="entitlements", paging="cursor"
    )
    def get_billing_entitlements(
        self,
        customer_id: str,
        page_size: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        max_value: str | None = None,
        expand: str | None = None,
    ) -> R:
        """Read one page of what a customer is entitled to; ``iter_billing_entitlements`` reads all.

        :param customer_id: the customer's id in billing.
        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        :param max_value: only entitlements up to this value.
        :param expand: ``plans``.
        """

    def iter_billing_entitlements(self, customer_id: str, **query: Any) -> P:
        """Yield every item of all pages of ``get_billing_entitlements``.

        :param customer_id: the customer's id in billing.
        :param query: what ``get_billing_entitlements`` takes beside it.
        """
        return self._iterate("get_billing_entitlements", customer_id=customer_id, **query)

    @endpoint("POST /api/v1/billing/meter_usage", scope="create:meter_usage")
    def create_meter_usage_record(
        self,
        customer_agreement_id: str,
        billing_feature_code: str,
        meter_value: str,
        meter_usage_timestamp: str | None = None,
        meter_type_code: str | None = None,
    ) -> R:
        """Record how much of a metered feature was used. Sent twice, it counts twice.

        :param customer_agreement_id: id of the customer's agreement.
        :param billing_feature_code: code of the metered feature.
        :param meter_value: how much, as text.
        :param meter_usage_timestamp: when, in ISO 8601; now when left out.
        :param meter_type_code: ``absolute`` or ``delta``: the value as a whole, or what is added to it.
        :returns: ``message`` and ``code``.
        """
