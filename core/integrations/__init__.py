"""One module per outside system, in and out together, without I/O.

A monitoring source offers ``normalise``: bytes and settings in, alerts out. ``SOURCES`` maps the kinds that the
configuration names to it; a new source is one module, its cases below ``tests/cases`` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable

from core.config.settings import AlertSettings, SourceSettings
from core.integrations import (
    alertmanager,
    cloudevents,
    datadog,
    elastic,
    grafana,
    icinga,
    mapping,
    nagios,
    pagerduty_events,
    prtg,
    splunk,
    zabbix,
)
from core.integrations.normal import Normalised
from core.model import RawDelivery

Normalise = Callable[[RawDelivery, SourceSettings, AlertSettings], Normalised]

SOURCES: dict[str, Normalise] = {
    "alertmanager": alertmanager.normalise,
    "cloudevents": cloudevents.normalise,
    "datadog": datadog.normalise,
    "elastic": elastic.normalise,
    "grafana": grafana.normalise,
    "icinga": icinga.normalise,
    "mapping": mapping.normalise,
    "nagios": nagios.normalise,
    "pagerduty_events": pagerduty_events.normalise,
    "prtg": prtg.normalise,
    "splunk": splunk.normalise,
    "zabbix": zabbix.normalise,
}

# Sources that are there without a word in the configuration, and their kind.
BUILT_IN: dict[str, SourceSettings] = {kind: SourceSettings(kind=kind) for kind in SOURCES if kind != "mapping"}
