"""The language of conditions and texts: what holds, what is refused before it runs, and what it can never do."""

from __future__ import annotations

import operator
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.config.conditions import Condition, ConditionError, Facts, Template, ticket_facts
from core.config.facts import ALERT, CUSTOMER, EVENT, PERSON, SLA, TICKET
from core.config.settings import Settings
from core.model import (
    Alert,
    AlertStatus,
    Customer,
    Event,
    PersonRef,
    Priority,
    Reason,
    Severity,
    Sla,
    SlaClock,
    Ticket,
    Tier,
)
from core.views import SlaFacts

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KIM = PersonRef("kim", "Kim")
BARE = Ticket(42, "VPN down", NOW, NOW)
FULL = replace(
    BARE,
    priority=Priority.HIGH,
    assignee=KIM,
    customer=Customer("Acme", Tier.VIP),
    affected_users=120,
    systems=("vpn", "auth"),
    sla=Sla(calendar="business", resolution_target=7200, resolution_breached=True),
    why=(Reason("severity"), Reason("vip")),
)
BARE_SLA = SlaFacts(SlaClock.RUNNING)
FULL_SLA = SlaFacts(SlaClock.RUNNING, resolution_due=NOW + timedelta(minutes=20), remaining=1200, breach_risk=0.9)
EVENT_NOW = Event(
    "ticket.assigned", 42, NOW + timedelta(hours=3), KIM, "slack", {"to": "lee", "n": None, "a": [{"b": 1}]}
)
DISK = Alert(
    "f1",
    "grafana",
    AlertStatus.FIRING,
    Severity.HIGH,
    "Disk full",
    NOW,
    host="db-1",
    labels={"env": "prod", "items": "3"},
)


def bare() -> Facts:
    return ticket_facts(BARE, BARE_SLA)


def full(**changes: Any) -> Facts:
    return ticket_facts(replace(FULL, **changes), FULL_SLA, EVENT_NOW, DISK)


def said(source: str, kind: type[Condition] | type[Template] = Condition) -> list[str]:
    with pytest.raises(ConditionError) as raised:
        kind(source, "a_rule")
    assert raised.value.rule == "a_rule"
    return [f"{fault} [{fault.line}:{fault.column}]" for fault in raised.value.faults]


# -- What holds


@pytest.mark.parametrize(
    "source",
    [
        "true",
        'ticket.priority >= "high" or ticket.customer.tier == "vip"',
        'ticket.priority == "high" and ticket.priority != "low"',
        'ticket.priority > "medium" and not ticket.priority > "high"',
        '"critical" > ticket.priority and "low" < ticket.priority',
        'ticket.priority in ["high", "critical"]',
        'ticket.customer.tier >= "gold"',
        'alert.severity >= "warning" and alert.severity < "critical"',
        "ticket.sla.remaining < minutes(30)",
        "ticket.sla.remaining < hours(ticket.id) < days(ticket.id)",
        "ticket.sla_breach_risk > 0.8 and ticket.sla.breach_risk > 0.8",
        'ticket.sla.state == "running" and ticket.sla.calendar == "business" and ticket.sla.resolution_breached',
        "ticket.sla.due > ticket.created_at and ticket.sla.due == ticket.sla.resolution_due",
        "event.at - ticket.created_at > hours(2)",
        'event.kind == "ticket.assigned" and event.actor == ticket.assignee and event.data.to == "lee"',
        "event.data.a[0].b == 1 and event.data['a'][0]['b'] == 1",
        'ticket.assignee.name == "Kim" and ticket.assignee.id.startswith("k")',
        '"vpn" in ticket.systems and ticket.systems[0] == "vpn" and ticket.systems|length == 2',
        'alert.labels.env == "prod" and alert.labels["env"] == "prod" and alert.labels.items == "3"',
        '"vip" in ticket.why and "disk" in alert.title|lower',
        "ticket.requester is none and ticket.assignee is not none",
        "ticket.affected_users > 100 and ticket.affected_users * 2 == 240",
    ],
)
def test_this_holds_for_a_full_ticket(source: str) -> None:
    assert Condition(source).holds(full()) is True


@pytest.mark.parametrize(
    "source",
    [
        "false",
        "none",
        'ticket.customer.tier == "vip"',
        'ticket.customer.tier >= "standard"',
        'ticket.customer.tier < "vip"',
        "ticket.customer",
        "ticket.affected_users > 100",
        "ticket.affected_users < 100",
        "ticket.affected_users / 2 + 1 - 3 < 100",
        "ticket.sla.remaining < minutes(30)",
        "minutes(ticket.affected_users) >= 0",
        "ticket.sla.due <= ticket.created_at",
        "event.at - ticket.created_at > hours(2)",
        'alert.severity >= "info"',
        'alert.labels.team.lower() == "x" or alert.labels.a.b[3].c',
        '"x" in ticket.requester.name',
        'event.data.n == "x"',
        "ticket.affected_users == 0",
    ],
)
def test_what_is_missing_compares_as_false_and_never_fails(source: str) -> None:
    assert Condition(source).holds(bare()) is False


def test_what_is_missing_is_not_a_value() -> None:
    assert Condition('ticket.customer.tier != "vip" and not ticket.customer.tier == "vip"').holds(bare())


@pytest.mark.parametrize(
    ("words", "path"), [(Priority, "ticket.priority"), (Severity, "alert.severity"), (Tier, "ticket.customer.tier")]
)
def test_words_compare_by_rank_for_every_pair(words: Any, path: str) -> None:
    signs = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}
    for left_rank, left in enumerate(words):
        facts = full(priority=left, customer=Customer("A", left)) if words is not Severity else None
        facts = facts or ticket_facts(FULL, FULL_SLA, EVENT_NOW, replace(DISK, severity=left))
        for right_rank, right in enumerate(words):
            for sign, compare in signs.items():
                assert Condition(f'{path} {sign} "{right}"').holds(facts) is compare(left_rank, right_rank)


def test_a_word_that_is_not_of_the_scale_is_neither_less_nor_more() -> None:
    for sign in ("<", "<=", ">", ">="):
        assert not Condition(f"ticket.priority {sign} alert.labels.env").holds(full())


def test_every_condition_of_the_defaults_compiles_and_can_be_judged() -> None:
    for rule in Settings().notifications:
        assert Condition(rule.when).holds(bare()) in (True, False)
        assert Condition(rule.when).holds(full()) in (True, False)


def test_every_field_of_the_model_has_a_name() -> None:
    models = {Ticket: TICKET, PersonRef: PERSON, Customer: CUSTOMER, Event: EVENT, Alert: ALERT, SlaFacts: SLA}
    for model, kind in models.items():
        assert set(model.__struct_fields__) - set(kind.parts or ()) <= {"ticket_id", "seq"}


def test_every_name_can_be_asked_of_every_ticket() -> None:
    for root, kind in (("ticket", TICKET), ("event", EVENT), ("alert", ALERT), ("ticket.sla", SLA)):
        for name in kind.parts or ():
            for facts in (bare(), full()):
                assert isinstance(Template(f"{{{{ {root}.{name} }}}}").render(facts), str)


def test_judging_is_cheap() -> None:
    condition = Condition('ticket.priority >= "high" or ticket.customer.tier == "vip"')
    assert min(_microseconds(condition) for _ in range(30)) < 15
    assert Condition("true").holds({}) is True


def _microseconds(condition: Condition) -> float:
    began = time.perf_counter()
    for _ in range(50):
        condition.holds(ticket_facts(FULL, FULL_SLA, EVENT_NOW, DISK))
    return (time.perf_counter() - began) / 50 * 1e6


# -- What is refused before it runs


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("", ["it ends too early [1:1]"]),
        ("ticket.priority >=", ["it ends too early [1:19]"]),
        ("(ticket.id", ["it ends too early [1:11]"]),
        ("ticket.id = 3", ["= is not expected here; write == to compare [1:11]"]),
        ("ticket.id && true", ["&& is not expected here; write and [1:11]"]),
        ("ticket.id\n  || true", ["| is not expected here; write or [2:4]"]),
        ("!ticket.id", ["! is not expected here; write not [1:1]"]),
        ("{{ ticket.id }}", ["}} is not expected here; a condition stands without {{ }} [1:14]"]),
        ("ticket.id event", ["event is not expected here [1:11]"]),
        ('ticket.title == "x', ["a quoted text has no end; close the quotes [1:17]"]),
        ("tickt.priority >= 'high'", ["unknown name tickt; did you mean ticket? [1:1]"]),
        ("ticket.prority == 1 or ticket.titel",
         ["ticket has no prority; did you mean priority? [1:8]", "ticket has no titel; did you mean title? [1:31]"]),
        ("ticket['prority']", ["ticket has no prority; did you mean priority? [1:9]"]),
        ("ticket.assignee.mail", ["person has no mail; known here: id, name [1:17]"]),
        ("ticket.systems.first", ["a list of texts has no first [1:16]"]),
        ("ticket.priority >= high", ['unknown name high; write "high" in quotes [1:20]']),
        ('ticket.priority >= "hihg"', ["hihg is not a priority; did you mean high? [1:21]"]),
        ('"hihg" <= ticket.priority', ["hihg is not a priority; did you mean high? [1:2]"]),
        ("ticket.priority >= 3", ["3 is not a priority; known here: low, medium, high, critical [1:20]"]),
        ('ticket.status in ["new", "asigned"]', ["asigned is not a status; did you mean assigned? [1:27]"]),
        ('ticket.status >= "new"', ["a status has no order; compare with == or in [1:19]"]),
        ('event.kind == "ticket.opened"',
         ["ticket.opened is not a kind of event; did you mean ticket.reopened? [1:16]"]),
        ('ticket.affected_users > "100"',
         ["a number is compared with a text; write the number without quotes [1:26]"]),
        ("ticket.title > 3", ["a text is compared with a number [1:16]"]),
        ('ticket.requires_code_fix == "true"',
         ["true or false is compared with something else; write true or false [1:30]"]),
        ('ticket.assignee == "kim"', ["a person is compared with a constant; name a part: id, name [1:21]"]),
        ("ticket.assignee > ticket.requester", ["person has no order; name a part: id, name [1:None]"] * 2),
        ("ticket.created_at > 5",
         ["a time is compared with a constant; compare two times, or time - time with hours(2) [1:None]"]),
        ("'a' * 9", ["only numbers can be calculated with; texts are joined with ~ [1:None]"]),
        ("minutes > 3", ["minutes is a function; write minutes(30) [1:1]"]),
        ("minutes() > 2", ["minutes takes one number; write minutes(30) [1:1]"]),
        ("minute(3) > 2", ["unknown function minute; did you mean minutes? [1:1]"]),
        ("ticket.title.strip", ["strip is not called; write strip() [1:14]"]),
        ("ticket.systems.lower()", ["a list of texts has no lower [1:16]"]),
        ("ticket.title|uper", ["unknown filter uper; did you mean upper? [1:14]"]),
        ("ticket.id is od", ["unknown test od; did you mean odd? [1:14]"]),
        ("2 ** 3", ["** is not part of the language [1:3]"]),
        ("9" * 5000, ["longer than 2000 characters [None:None]"]),
        ("(" * 300 + "1" + ")" * 300, ["nested too deeply [None:None]"]),
        ("not " * 450 + "1", ["nested too deeply [None:None]"]),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_right_is_refused(source: str, faults: list[str]) -> None:
    assert said(source) == faults


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("{{ ticket.id", ["it ends too early [1:13]"]),
        ("{% if ticket %}", ["it ends too early; write {% endif %} [1:16]"]),
        ("{% endif %}", ["endif has no beginning [1:4]"]),
        ("{% iff ticket %}", ["unknown tag iff; did you mean if? [1:4]"]),
        ("{# note", ["a comment has no end; write #} [1:4]"]),
        ("one\n  {{ tickt.id }}\n", ["unknown name tickt; did you mean ticket? [2:6]"]),
        ("{%- if 1 %}\r\n a {{ = }}{% endif %}", ["= is not expected here; write == to compare [2:7]"]),
        ("{% for s in ticket.systems %}{{ s.id }}{{ loop.nr }}{% endfor %}{{ s1 }}",
         ["a text has no id; known here: lower, upper, strip, startswith, endswith [1:35]",
          "loop has no nr; known here: index, index0, first, last, length, revindex, revindex0 [1:48]",
          "unknown name s1; known here: ticket, event, alert, minutes, hours, days [1:68]"]),
        ("{% set x = 1 %}", ["set is not part of the language [1:4]"]),
        ("{% for loop in ticket.why %}{% endfor %}",
         ["Can't assign to special loop variable in for-loop target [1:None]"]),
        ("{{ '" + "9" * 4000 + "' }}{{ 9" + "9" * 4400 + " }}", ["a number has too many digits [None:None]"]),
        ("{% if 1 %}" * 120 + "{% endif %}" * 120, ["nested too deeply [None:None]"]),
        ("x" * 20_001, ["longer than 20000 characters [None:None]"]),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_right_is_refused(source: str, faults: list[str]) -> None:
    assert said(source, Template) == faults


@pytest.mark.parametrize(
    "source",
    [
        "{{ ticket.__class__ }}",
        "{{ ticket['__class__'] }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ ticket.title.format(ticket) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ ticket.title|format(1) }}",
        "{{ ticket.title|center(1000000000) }}",
        "{{ ticket.title|map(attribute='__class__') }}",
        "{{ range(1000000000) }}",
        "{{ lipsum(9) }}{{ cycler.__init__.__globals__ }}",
        "{{ self }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ minutes(*[1]) }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% macro a() %}{{ a() }}{% endmacro %}",
        "{% with a = 1 %}{% endwith %}",
        "{% filter upper %}a{% endfilter %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% for a in ticket.why recursive %}{% endfor %}",
        "{% for a in 'x' %}{% for b in 'x' %}{% for c in 'x' %}{% endfor %}{% endfor %}{% endfor %}",
    ],
)
def test_nothing_of_python_and_nothing_endless_is_in_reach(source: str) -> None:
    assert said(source, Template)


# -- Texts


def test_a_text_fills_in_facts_and_shows_what_is_missing_as_nothing() -> None:
    text = Template(
        "#{{ ticket.id }} {{ ticket.title }} ({{ ticket.priority }}, {{ ticket.customer }}, {{ ticket.assignee.name }})"
        "{% if ticket.systems %} on {{ ticket.systems|join(' and ') }}{% endif %} until {{ ticket.sla.due }}"
        "{{ event.data.n }}{{ ticket.requester }} {{ ticket.why }} {{ ticket.requires_code_fix }} {{ event.data.a }}"
        "{% for system in ticket.systems %} {{ loop.index }}.{{ system.upper() }}{% else %} none{% endfor %}"
    )
    assert text.render(full()) == (
        "#42 VPN down (high, Acme, Kim) on vpn and auth until 2026-11-23 09:50 UTC"
        " severity, vip false b: 1 1.VPN 2.AUTH"
    )
    assert text.render(bare()) == "#42 VPN down (medium, , ) until   false  none"


def test_what_is_filled_in_stays_data() -> None:
    hostile = "{{ ticket.id }} {% set x %} <!channel> <at>all</at> *b* & <b>"
    assert Template("{{ ticket.title }}").render(full(title=hostile)) == hostile
    assert (
        Template("{{ event.data.x }}").render(ticket_facts(BARE, BARE_SLA, replace(EVENT_NOW, data={"x": hostile})))
        == hostile
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ ticket.description }}!",
        "{{ ticket.description|join(ticket.description) }}{{ ticket.description }}",
        "{% for a in ticket.description %}{% for b in 'xxx' %}{{ ticket.description }}{% endfor %}{% endfor %}",
        "{{ " + "~".join(["ticket.description"] * 500) + " }}",
    ],
)
def test_a_text_has_an_end_whatever_it_is_filled_with(source: str) -> None:
    began = time.perf_counter()
    text = Template(source).render(full(description="x" * 20_000))
    assert len(text) == 20_000
    assert text.endswith("x…")
    assert time.perf_counter() - began < 5


def test_a_loop_takes_at_most_a_hundred_rounds() -> None:
    text = Template("{% for s in ticket.systems %}{{ loop.length }}.{% endfor %}")
    assert text.render(full(systems=("s",) * 500)) == "100." * 100


# -- What fails at run time


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("event.data.to > 3", "failed on this ticket; '>' not supported between instances of 'str' and 'int'"),
        ("event.data.to * 9 == 1", "failed on this ticket; * works on numbers alone"),
        ("event.data.to % 9 == 1", "failed on this ticket; % works on numbers alone"),
        ("1 / (ticket.id - 42) > 1", "failed on this ticket; division by zero"),
        ("(1e308 * 10)|int > 1", "failed on this ticket; OverflowError"),
        ("event.data.to.lower(1)", "failed on this ticket; str.lower() takes no arguments (1 given)"),
    ],
)
def test_a_failure_at_run_time_names_the_rule(source: str, why: str) -> None:
    with pytest.raises(ConditionError) as raised:
        Condition(source, "my_rule").holds(full())
    assert str(raised.value) == f"my_rule: {why}"
    with pytest.raises(ConditionError, match="my_text: failed on this ticket"):
        Template(f"{{{{ {source} }}}}", "my_text").render(full())


_WORDS = r"""ticket event alert . . priority sla customer tier remaining systems labels data title >= == < != in not and
or is none ( ) [ ] { } , : ~ | + - * / % // ** 'high' "x" 5 0 1.5 9999999999 minutes hours lower upper join round if
else endif for endfor s set range loop startswith {{ }} {% %} {# #} '\N{x}' '\d' \ @ é ' " """
_PIECES = st.lists(st.sampled_from([*_WORDS.split(), "\n", " "]), max_size=14).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(_PIECES | st.text(max_size=30))
@example("ticket.title[0] * 100 > 1")
@example("{% raw %}")
@example('"\\ud800" == ticket.title')
def test_any_condition_or_text_runs_or_is_refused(source: str) -> None:
    for facts in (bare(), full()):
        try:
            assert Condition(source).holds(facts) in (True, False)
        except ConditionError as error:
            assert str(error)  # noqa: PT017
        try:
            assert len(Template(source).render(facts)) <= 20_000
        except ConditionError as error:
            assert str(error)  # noqa: PT017
