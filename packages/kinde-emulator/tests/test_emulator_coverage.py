"""Every operation of Kinde is either there, or refused by name."""

from __future__ import annotations

import re

import pytest
import requests
from emulator_api import Api

from kinde_emulator.server.documented import OPERATIONS, without_names
from kinde_emulator.server.operations import PREFIX
from kinde_emulator.server.routes import ROUTER

MISSING = [each for each in OPERATIONS if not each.implemented]


def test_a_missing_operation_is_named(api: Api) -> None:
    assert MISSING
    for each in MISSING:
        path = re.sub(r"{\w+}", "x", each.path.removeprefix(PREFIX))
        message = api.fails(501, "NOT_IMPLEMENTED", each.method, path)
        assert message == f"The emulator does not have the operation {each.operation_id} ({each.method} {each.path})"


def test_an_operation_that_the_emulator_has_is_never_refused_as_missing(api: Api) -> None:
    for each in OPERATIONS:
        if each.implemented:
            assert api(each.method, re.sub(r"{\w+}", "x", each.path.removeprefix(PREFIX))).status_code < 500, each


def test_a_missing_operation_needs_a_token(api: Api) -> None:
    each = MISSING[0]
    answer = requests.request(each.method, api.kinde.url + re.sub(r"{\w+}", "x", each.path), timeout=10)
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), [("GET", "/userz"), ("PUT", "/users"), ("GET", "/apis/x/y/z")])
def test_a_path_that_kinde_does_not_have_stays_unknown(api: Api, method: str, path: str) -> None:
    api.fails(404, "ROUTE_NOT_FOUND", method, path)


def test_the_emulator_has_no_route_that_kinde_does_not_have() -> None:
    documented = {(each.method, without_names(each.path)) for each in OPERATIONS}
    own = {(route.method, without_names(route.template)) for route in ROUTER.all() if route.scope is not None}
    assert own <= documented
    assert len(OPERATIONS) == len(documented) == 183
