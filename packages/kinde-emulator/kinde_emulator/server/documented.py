"""Every operation of Kinde's Management API, and the answer to those that the emulator does not have."""

from __future__ import annotations

from dataclasses import dataclass

from kinde_emulator.errors import ApiError, route_not_found
from kinde_emulator.server.http import Request, Response
from kinde_emulator.server.operations import PREFIX
from kinde_emulator.server.routes import ROUTER, Route, Router


@dataclass(frozen=True, slots=True)
class Documented:
    """One operation of Kinde's document.

    :param method: the HTTP method.
    :param path: the path, with parameters in braces.
    :param operation_id: the operation's name in Kinde's document.
    """

    method: str
    path: str
    operation_id: str

    @property
    def implemented(self) -> bool:
        """Whether the emulator has the operation."""
        return (self.method, without_names(self.path)) in {
            (route.method, without_names(route.template)) for route in ROUTER.all()
        }


def without_names(template: str) -> str:
    """A path whose parameters have no names, since these may differ.

    :param template: the path, with parameters in braces.
    """
    return "/".join("{}" if part.startswith("{") else part for part in template.split("/"))


def unknown_route(request: Request) -> ApiError:
    """The error for a request that no route takes: 501 if Kinde has such an operation, otherwise 404.

    :param request: the request.
    :raises ApiError: the token is refused.
    """
    found = _ROUTES.find(request)
    if found is None:
        return route_not_found()
    request.tenant.tokens.check(request.headers.get("authorization", ""), request.host, request.tenant.settings)
    route, _ = found
    name = _NAMES[route.method, route.template]
    why = f"The emulator does not have the operation {name} ({route.method} {route.template})"
    return ApiError(501, "NOT_IMPLEMENTED", why)


def _unused(request: Request) -> Response:
    raise AssertionError("these routes are only found, never followed")


_TABLE = """
GET /api_keys getApiKeys
POST /api_keys createApiKey
POST /api_keys/verify verifyApiKey
DELETE /api_keys/{key_id} deleteApiKey
GET /api_keys/{key_id} getApiKey
PUT /api_keys/{key_id} rotateApiKey
GET /apis getAPIs
POST /apis addAPIs
DELETE /apis/{api_id} deleteAPI
GET /apis/{api_id} getAPI
PATCH /apis/{api_id}/applications updateAPIApplications
DELETE /apis/{api_id}/applications/{application_id}/scopes/{scope_id} deleteAPIApplicationScope
POST /apis/{api_id}/applications/{application_id}/scopes/{scope_id} addAPIApplicationScope
GET /apis/{api_id}/scopes getAPIScopes
POST /apis/{api_id}/scopes addAPIScope
DELETE /apis/{api_id}/scopes/{scope_id} deleteAPIScope
GET /apis/{api_id}/scopes/{scope_id} getAPIScope
PATCH /apis/{api_id}/scopes/{scope_id} updateAPIScope
GET /applications getApplications
POST /applications createApplication
DELETE /applications/{app_id}/auth_logout_urls deleteLogoutURLs
GET /applications/{app_id}/auth_logout_urls getLogoutURLs
POST /applications/{app_id}/auth_logout_urls addLogoutRedirectURLs
PUT /applications/{app_id}/auth_logout_urls replaceLogoutRedirectURLs
DELETE /applications/{app_id}/auth_redirect_urls deleteCallbackURLs
GET /applications/{app_id}/auth_redirect_urls getCallbackURLs
POST /applications/{app_id}/auth_redirect_urls addRedirectCallbackURLs
PUT /applications/{app_id}/auth_redirect_urls replaceRedirectCallbackURLs
DELETE /applications/{application_id} deleteApplication
GET /applications/{application_id} getApplication
PATCH /applications/{application_id} updateApplication
GET /applications/{application_id}/access_roles GetApplicationAccessRoles
DELETE /applications/{application_id}/access_roles/{role_id} RemoveApplicationAccessRole
POST /applications/{application_id}/access_roles/{role_id} AddApplicationAccessRole
GET /applications/{application_id}/connections GetApplicationConnections
DELETE /applications/{application_id}/connections/{connection_id} RemoveConnection
POST /applications/{application_id}/connections/{connection_id} EnableConnection
GET /applications/{application_id}/properties getApplicationPropertyValues
PUT /applications/{application_id}/properties/{property_key} updateApplicationsProperty
PATCH /applications/{application_id}/tokens updateApplicationTokens
GET /billing/agreements getBillingAgreements
POST /billing/agreements createBillingAgreement
GET /billing/entitlements getBillingEntitlements
POST /billing/meter_usage createMeterUsageRecord
GET /business getBusiness
PATCH /business updateBusiness
GET /connected_apps/auth_url GetConnectedAppAuthUrl
POST /connected_apps/revoke RevokeConnectedAppToken
GET /connected_apps/token GetConnectedAppToken
GET /connections GetConnections
POST /connections CreateConnection
DELETE /connections/{connection_id} deleteConnection
GET /connections/{connection_id} GetConnection
PATCH /connections/{connection_id} UpdateConnection
PUT /connections/{connection_id} ReplaceConnection
GET /directories getDirectories
POST /directories createDirectory
DELETE /directories/{directory_id} deleteDirectory
GET /directories/{directory_id} getDirectory
PATCH /directories/{directory_id} updateDirectory
GET /environment getEnvironment
DELETE /environment/feature_flags DeleteEnvironementFeatureFlagOverrides
GET /environment/feature_flags GetEnvironementFeatureFlags
DELETE /environment/feature_flags/{feature_flag_key} DeleteEnvironementFeatureFlagOverride
PATCH /environment/feature_flags/{feature_flag_key} UpdateEnvironementFeatureFlagOverride
GET /environment/logos ReadLogo
DELETE /environment/logos/{type} DeleteLogo
PUT /environment/logos/{type} AddLogo
GET /environment_variables getEnvironmentVariables
POST /environment_variables createEnvironmentVariable
DELETE /environment_variables/{variable_id} deleteEnvironmentVariable
GET /environment_variables/{variable_id} getEnvironmentVariable
PATCH /environment_variables/{variable_id} updateEnvironmentVariable
GET /event_types GetEventTypes
GET /events/{event_id} GetEvent
POST /feature_flags CreateFeatureFlag
DELETE /feature_flags/{feature_flag_key} DeleteFeatureFlag
PUT /feature_flags/{feature_flag_key} UpdateFeatureFlag
DELETE /identities/{identity_id} DeleteIdentity
GET /identities/{identity_id} GetIdentity
PATCH /identities/{identity_id} UpdateIdentity
GET /industries getIndustries
PUT /mfa ReplaceMFA
GET /organization getOrganization
POST /organization createOrganization
DELETE /organization/{org_code} deleteOrganization
PATCH /organization/{org_code} updateOrganization
DELETE /organization/{org_code}/handle DeleteOrganizationHandle
GET /organization/{org_code}/invites getOrganizationInvites
POST /organization/{org_code}/invites createOrganizationInvite
DELETE /organization/{org_code}/invites/{invite_code} deleteOrganizationInvite
GET /organization/{org_code}/invites/{invite_code} getOrganizationInvite
GET /organizations getOrganizations
DELETE /organizations/{org_code}/feature_flags DeleteOrganizationFeatureFlagOverrides
GET /organizations/{org_code}/feature_flags GetOrganizationFeatureFlags
DELETE /organizations/{org_code}/feature_flags/{feature_flag_key} DeleteOrganizationFeatureFlagOverride
PATCH /organizations/{org_code}/feature_flags/{feature_flag_key} UpdateOrganizationFeatureFlagOverride
GET /organizations/{org_code}/logos ReadOrganizationLogo
DELETE /organizations/{org_code}/logos/{type} DeleteOrganizationLogo
POST /organizations/{org_code}/logos/{type} AddOrganizationLogo
PUT /organizations/{org_code}/mfa ReplaceOrganizationMFA
GET /organizations/{org_code}/passkey GetOrganizationPasskey
PUT /organizations/{org_code}/passkey UpdateOrganizationPasskey
GET /organizations/{org_code}/properties GetOrganizationPropertyValues
PATCH /organizations/{org_code}/properties UpdateOrganizationProperties
PUT /organizations/{org_code}/properties/{property_key} UpdateOrganizationProperty
GET /organizations/{org_code}/roles/{role_id}/active_users/count GetOrganizationRoleActiveUsersCount
GET /organizations/{org_code}/roles/{role_id}/users GetOrganizationRoleUsers
GET /organizations/{org_code}/roles/{role_id}/users/count GetOrganizationRoleUsersCount
PATCH /organizations/{org_code}/sessions UpdateOrganizationSessions
GET /organizations/{org_code}/users GetOrganizationUsers
PATCH /organizations/{org_code}/users UpdateOrganizationUsers
POST /organizations/{org_code}/users AddOrganizationUsers
DELETE /organizations/{org_code}/users/{user_id} RemoveOrganizationUser
DELETE /organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id} deleteOrganizationUserAPIScope
POST /organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id} addOrganizationUserAPIScope
DELETE /organizations/{org_code}/users/{user_id}/mfa ResetOrgUserMFAAll
GET /organizations/{org_code}/users/{user_id}/mfa GetOrgUserMFA
DELETE /organizations/{org_code}/users/{user_id}/mfa/{factor_id} ResetOrgUserMFA
GET /organizations/{org_code}/users/{user_id}/permissions GetOrganizationUserPermissions
POST /organizations/{org_code}/users/{user_id}/permissions CreateOrganizationUserPermission
DELETE /organizations/{org_code}/users/{user_id}/permissions/{permission_id} DeleteOrganizationUserPermission
GET /organizations/{org_code}/users/{user_id}/roles GetOrganizationUserRoles
POST /organizations/{org_code}/users/{user_id}/roles CreateOrganizationUserRole
DELETE /organizations/{org_code}/users/{user_id}/roles/{role_id} DeleteOrganizationUserRole
GET /organizations/{organization_code}/connections GetOrganizationConnections
DELETE /organizations/{organization_code}/connections/{connection_id} RemoveOrgConnection
POST /organizations/{organization_code}/connections/{connection_id} EnableOrgConnection
GET /passkey GetPasskey
PUT /passkey UpdatePasskey
GET /permissions GetPermissions
POST /permissions CreatePermission
DELETE /permissions/{permission_id} DeletePermission
PATCH /permissions/{permission_id} UpdatePermissions
GET /properties GetProperties
POST /properties CreateProperty
DELETE /properties/{property_id} DeleteProperty
PUT /properties/{property_id} UpdateProperty
GET /property_categories GetCategories
POST /property_categories CreateCategory
PUT /property_categories/{category_id} UpdateCategory
GET /roles GetRoles
POST /roles CreateRole
DELETE /roles/{role_id} DeleteRole
GET /roles/{role_id} GetRole
PATCH /roles/{role_id} UpdateRoles
GET /roles/{role_id}/permissions GetRolePermissions
PATCH /roles/{role_id}/permissions UpdateRolePermissions
DELETE /roles/{role_id}/permissions/{permission_id} RemoveRolePermission
GET /roles/{role_id}/scopes GetRoleScopes
POST /roles/{role_id}/scopes AddRoleScope
DELETE /roles/{role_id}/scopes/{scope_id} DeleteRoleScope
GET /roles/{role_id}/system_permissions GetRoleSystemPermissions
PATCH /roles/{role_id}/system_permissions UpdateRoleSystemPermissions
GET /roles/{role_id}/users GetRoleUsers
GET /search/users searchUsers
GET /subscribers GetSubscribers
POST /subscribers CreateSubscriber
GET /subscribers/{subscriber_id} GetSubscriber
GET /system_permissions GetSystemPermissions
GET /timezones getTimezones
DELETE /user deleteUser
GET /user getUserData
PATCH /user updateUser
POST /user createUser
GET /users getUsers
PATCH /users/{user_id}/feature_flags/{feature_flag_key} UpdateUserFeatureFlagOverride
GET /users/{user_id}/identities GetUserIdentities
POST /users/{user_id}/identities CreateUserIdentity
DELETE /users/{user_id}/mfa ResetUsersMFAAll
GET /users/{user_id}/mfa GetUsersMFA
DELETE /users/{user_id}/mfa/{factor_id} ResetUsersMFA
PUT /users/{user_id}/password SetUserPassword
GET /users/{user_id}/properties GetUserPropertyValues
PATCH /users/{user_id}/properties UpdateUserProperties
PUT /users/{user_id}/properties/{property_key} UpdateUserProperty
POST /users/{user_id}/refresh_claims refreshUserClaims
DELETE /users/{user_id}/sessions DeleteUserSessions
GET /users/{user_id}/sessions GetUserSessions
GET /webhooks GetWebHooks
POST /webhooks CreateWebHook
DELETE /webhooks/{webhook_id} DeleteWebHook
PATCH /webhooks/{webhook_id} UpdateWebHook
"""

OPERATIONS = tuple(
    Documented(method, PREFIX + path, name) for method, path, name in map(str.split, _TABLE.split("\n")[1:-1])
)
"""Every operation of Kinde's document, by path and method."""
_NAMES = {(each.method, each.path): each.operation_id for each in OPERATIONS}
_ROUTES = Router()
for _each in OPERATIONS:
    _ROUTES.add(Route(_each.method, _each.path, _unused))
