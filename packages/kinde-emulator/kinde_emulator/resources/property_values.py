"""``/users/{user_id}/properties`` and ``/organizations/{org_code}/properties``: the values of properties."""

from __future__ import annotations

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.properties import VALUE_TABLES, Context, set_values
from kinde_emulator.data.users import find_user
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, get, patch, put
from kinde_emulator.server.pagination import list_end

USER = "/users/{user_id}/properties"
ORGANIZATION = "/organizations/{org_code}/properties"


class UpdateValues(Body):
    """Property values by key; ``null`` removes a value."""

    properties: dict[str, str | None]


class PropertyValue(Query):
    """Query parameters of one value: the value is one of them."""

    value: str


@get(USER, scope="read:user_properties")
@get(ORGANIZATION, scope="read:organization_properties")
def get_property_values(call: Call[Query], user_id: str | None = None, org_code: str | None = None) -> Response:
    """Lists every property that a user or an organization can have, with its value.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    """
    context, owner = _owner(call, user_id, org_code)
    table, column = VALUE_TABLES[context]
    sql = f"""SELECT id, name, description, key, value FROM properties
              LEFT JOIN {table} ON property_id = id AND {column} = ? WHERE context = ? ORDER BY key"""
    values = [dict(row) for row in call.db.execute(sql, (owner, context))]
    return call.success(properties=values, **list_end(call.settings))


@patch(USER, scope="update:user_properties")
@patch(ORGANIZATION, scope="update:organization_properties")
def update_property_values(
    call: Call[Query], body: UpdateValues, user_id: str | None = None, org_code: str | None = None
) -> Response:
    """Sets several property values of a user or an organization.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    set_values(call.db, *_owner(call, user_id, org_code), body.properties)
    return call.success(message="Properties successfully updated")


@put(USER + "/{property_key}", scope="update:user_properties")
@put(ORGANIZATION + "/{property_key}", scope="update:organization_properties")
def update_property_value(
    call: Call[PropertyValue], property_key: str, user_id: str | None = None, org_code: str | None = None
) -> Response:
    """Sets one property value of a user or an organization.

    :param call: the checked request, with its query parameters.
    :param property_key: key of the property.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    set_values(call.db, *_owner(call, user_id, org_code), {property_key: call.query.value})
    return call.success(message="Property successfully updated")


def _owner(call: Call[Query], user_id: str | None, org_code: str | None) -> tuple[Context, str]:
    if user_id is not None:
        find_user(call.db, user_id, call.settings)
        return "usr", user_id
    return "org", str(find_organization(call.db, str(org_code), call.settings)["code"])
