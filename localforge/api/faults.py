"""Faults on demand: this forge's own API, for tests of clients."""

from typing import Any

from localforge.call import Call
from localforge.errors import not_found
from localforge.reply import Reply, created
from localforge.routing import delete, get, post


def list_faults(call: Call) -> list[dict[str, Any]]:
    """GET /localforge/faults"""
    call.need_admin()
    return [fault.view() for fault in call.forge.faults.every()]


def add_fault(call: Call) -> Reply:
    """POST /localforge/faults"""
    call.need_admin()
    return created(call.forge.faults.add(call.params).view())


def clear_faults(call: Call) -> None:
    """DELETE /localforge/faults"""
    call.need_admin()
    call.forge.faults.clear()


def clear_fault(call: Call) -> None:
    """DELETE /localforge/faults/:fault_id"""
    call.need_admin()
    if not call.forge.faults.clear(call.number("fault_id")):
        raise not_found("Fault")


ROUTES = [
    get("/localforge/faults", list_faults),
    post("/localforge/faults", add_fault),
    delete("/localforge/faults", clear_faults),
    delete("/localforge/faults/:fault_id", clear_fault),
]
