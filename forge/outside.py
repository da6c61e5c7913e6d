"""Requests to hosts that the administrator listed, for golden paths that call another system.

The name is resolved once, every address of it must be a public one, and the connection goes to the
address that was checked. Redirects are not followed, answers are read up to a limit.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from forge.errors import ForgeError

LARGEST = 1_000_000


class OutsideRefused(ForgeError):
    """The address may not be called; str() says why."""


class OutsideFailed(ForgeError):
    """The other system did not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    headers: Mapping[str, str]
    body: Any


def request(
    method: str,
    url: str,
    *,
    hosts: Collection[str],
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = 30,
) -> Answer:
    """Raises OutsideRefused or OutsideFailed. `hosts` may name a port: `api.example.com:8443`."""
    parts = urlsplit(url)
    address, port = _checked(parts.scheme, parts.hostname, _port_of(url), parts.netloc, hosts)
    pool = _pool(parts.scheme, address, port, str(parts.hostname))
    query = "&".join(filter(None, [parts.query, urlencode(params or {}, doseq=True)]))
    target = (parts.path or "/") + (f"?{query}" if query else "")
    sent = {"Host": parts.netloc, "User-Agent": "Bespoke"} | dict(headers or {})
    try:
        answer = pool.urlopen(
            method, target, headers=sent, body=body, redirect=False, retries=False,
            timeout=urllib3.Timeout(total=seconds), preload_content=False,
        )  # fmt: skip
        content = answer.read(LARGEST + 1, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        name = type(error).__name__
        raise OutsideFailed(f"{parts.netloc} did not answer ({name})") from None
    finally:
        pool.close()
    if len(content) > LARGEST:
        raise OutsideFailed(f"{parts.netloc} answered with more than {LARGEST:,} bytes")
    if 300 <= answer.status < 400:
        raise OutsideRefused(f"{parts.netloc} redirects, and redirects are not followed")
    return Answer(answer.status, dict(answer.headers), _body(content, answer.headers))


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise OutsideRefused(f"“{url}” names no valid port") from None


def _checked(
    scheme: str, host: str | None, port: int | None, netloc: str, hosts: Collection[str]
) -> tuple[str, int]:
    if scheme not in ("http", "https") or not host:
        raise OutsideRefused("only http and https addresses can be called")
    if "@" in netloc:
        raise OutsideRefused("an address with a user name in it cannot be called")
    if netloc.lower() not in hosts and not (port is None and host in hosts):
        raise OutsideRefused(f"{netloc} is not among the hosts that the administrator allows")
    port = port or (443 if scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise OutsideFailed(f"{host} cannot be found") from None
    addresses = [str(entry[4][0]) for entry in found]
    if any(not _is_public(address) for address in addresses):
        raise OutsideRefused(f"{host} is an internal address, which golden paths may not call")
    return addresses[0], port


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return False
    return address.is_global and not address.is_multicast


def _pool(scheme: str, address: str, port: int, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(
            address, port, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
        )
    return urllib3.HTTPConnectionPool(address, port)


def _body(content: bytes, headers: Mapping[str, str]) -> Any:
    text = content.decode("utf-8", "replace")
    if "json" in headers.get("Content-Type", ""):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
