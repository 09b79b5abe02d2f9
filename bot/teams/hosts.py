"""Which Bot Connector addresses may be spoken to, and which of them may see the bot's token.

The address of the Connector (``serviceUrl``) comes in with every activity and is stored for later. A forged or tampered
one would send the bot's token to a stranger, so it is checked when it comes in and again before every single request.
"""

from __future__ import annotations

import ipaddress

from yarl import URL

from core.config.settings import TeamsSettings

_LONGEST = 2048


def is_loopback(host: str | None) -> bool:
    """Whether an address or host name is this machine itself."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServiceHosts:
    """The rule for service addresses. Plain http is for loopback only, other ports than 443 too unless listed."""

    def __init__(self, settings: TeamsSettings) -> None:
        self._listed = frozenset(host.lower() for host in settings.service_hosts)
        self._insecure = settings.insecure

    def trusts(self, address: str) -> bool:
        """Whether the bot's token may be sent there: a listed host, encrypted or on loopback."""
        url = _plain(address)
        if url is None or url.host is None:
            return False
        host = url.host.lower()
        local = is_loopback(host)
        if not local and url.scheme != "https":
            return False
        if f"{host}:{url.port}" in self._listed:
            return True
        return host in self._listed and (local or url.port == 443)

    def allows(self, address: str) -> bool:
        """Whether it may be spoken to at all: trusted hosts, and in insecure mode anything on loopback."""
        return self.trusts(address) or (self._insecure and self.is_local(address))

    def is_local(self, address: str) -> bool:
        url = _plain(address)
        return url is not None and is_loopback(url.host)


def _plain(address: str) -> URL | None:
    """The address, or None for one with tricks in it: user info, backslashes, blanks, queries, fragments."""
    if len(address) > _LONGEST or any(sign in address for sign in "\\@?#") or not address.isprintable():
        return None
    if " " in address:
        return None
    try:
        url = URL(address)
        port = url.port
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and url.host and port else None
