"""The business that the environments belong to."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Business(Resource[R, P]):
    """Methods on the business, and what it can name."""

    @endpoint("GET /api/v1/business", scope="read:businesses")
    def get_business(self) -> R:
        """Read name, address and settings of the business."""

    @endpoint("PATCH /api/v1/business", scope="update:businesses")
    def update_business(
        self,
        business_name: str | None = None,
        email: str | None = None,
        industry_key: str | None = None,
        is_click_wrap: bool | None = None,
        is_show_kinde_branding: bool | None = None,
        kinde_perk_code: str | None = None,
        phone: str | None = None,
        privacy_url: str | None = None,
        terms_url: str | None = None,
        timezone_key: str | None = None,
    ) -> R:
        """Change the business; what is left out stays as it is.

        :param business_name: its name.
        :param email: its e-mail address.
        :param industry_key: key from ``get_industries``.
        :param is_click_wrap: whether users agree to terms by signing up.
        :param is_show_kinde_branding: whether pages show Kinde's name.
        :param kinde_perk_code: code of a perk.
        :param phone: its phone number.
        :param privacy_url: URL of its privacy policy.
        :param terms_url: URL of its terms.
        :param timezone_key: key from ``get_timezones``.
        """

    @endpoint("GET /api/v1/industries", scope="read:industries", items="industries")
    def get_industries(self) -> R:
        """Read the industries that a business can name, with their keys."""

    @endpoint("GET /api/v1/timezones", scope="read:timezones", items="timezones")
    def get_timezones(self) -> R:
        """Read the time zones that a business can name, with their keys."""
