"""A service catalogue in Backstage's format: entities of kind Component, Resource and API become systems.

https://backstage.io/docs/features/software-catalog/descriptor-format
"""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import ValidationError

from core.config.directory import SystemSettings

_KINDS = frozenset({"component", "resource", "api", "system"})
_TIERS = frozenset({"1", "2", "3", "4"})


class CatalogError(ValueError):
    """The text is no catalogue; the message says why."""


def read_catalog(text: str) -> tuple[SystemSettings, ...]:
    """The systems of a catalogue of one or several YAML documents. Raises ``CatalogError``."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document]
    except yaml.YAMLError as error:
        raise CatalogError(f"not YAML: {error}") from error
    systems: dict[str, SystemSettings] = {}
    for number, document in enumerate(documents, 1):
        if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
            raise CatalogError(f"document {number} is no entity: kind and metadata were expected")
        if str(document.get("kind", "")).lower() in _KINDS:
            try:
                system = _system(document)
            except (AttributeError, TypeError, ValueError) as error:
                raise CatalogError(f"document {number} is not as Backstage has it: {_why(error)}") from error
            systems[system.name] = system
    return tuple(systems.values())


def _system(document: dict[str, Any]) -> SystemSettings:
    metadata, spec = document["metadata"], document.get("spec") or {}
    annotations = {str(k): str(v) for k, v in (metadata.get("annotations") or {}).items()}
    hosts = next((value for name, value in annotations.items() if name.endswith("/hosts")), "")
    tier = next((value for name, value in annotations.items() if name.endswith("/tier")), "3")
    return SystemSettings(
        name=metadata.get("name"),
        tier=int(tier) if tier in _TIERS else 3,
        team=_name(spec.get("owner")),
        hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()),
        depends_on=tuple(filter(None, (_name(reference) for reference in spec.get("dependsOn") or ()))),
    )


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return str(error)


def _name(reference: object) -> str | None:
    """``component:default/orders-db`` -> ``orders-db``."""
    return str(reference).rsplit("/", 1)[-1].rsplit(":", 1)[-1] if reference else None
