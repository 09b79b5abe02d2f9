"""Loading: what a file and the environment come to, and exactly what is said of one that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.config.check import check, schema
from core.config.document import MAX_BYTES
from core.config.fields import duration, seconds
from core.config.load import VARIABLES, ConfigError, build, load, load_with_lines
from core.config.problems import ConfigProblem
from core.config.reference import PAGE, renewed
from core.config.settings import Settings
from core.model import Priority, Severity

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "deskbell.example.yaml"


def settings_of(text: str, environ: Mapping[str, str] | None = None) -> Settings:
    return build("deskbell.yaml", text.encode(), environ or {}).settings


def problems_of(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as raised:
        build("deskbell.yaml", raw, environ or {})
    return str(raised.value).splitlines()


# -- What a file comes to


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Settings()


def test_the_file_in_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deskbell.yaml").write_text("language: ko\n", "utf-8")
    assert load(None, {}).language == "ko"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "people:\nsla:\nlanguage:\nsources: {}\n", "\ufeff{}"])
def test_an_empty_file_and_empty_keys_are_the_defaults(text: str) -> None:
    assert settings_of(text) == Settings()


def test_a_scalar_takes_the_type_that_its_key_wants() -> None:
    found = settings_of(
        """
        server: {port: 0123, drain: 90}
        msteams: {insecure: yes, app_id: 0012}
        sla: {warn_at_risk: 0.5, warn_before: [1h30m, "15 m"]}
        calendars: {x: {hours: {mon: [09:00-18:00]}, holidays: {country: NO, add: [2026-12-24]}}}
        notifications: [{name: n, on: [ticket.created], when: true, to: [assignee], urgent: True}]
        """
    )
    assert (found.server.port, found.server.drain, found.msteams.app_id) == (123, 90, "0012")
    assert found.msteams.insecure is True
    assert (found.sla.warn_at_risk, found.sla.warn_before) == (0.5, (5400, 900))
    assert found.calendars["x"].holidays.country == "NO"
    assert str(found.calendars["x"].holidays.add[0]) == "2026-12-24"
    assert (found.notifications[0].when, found.notifications[0].urgent) == ("true", True)


def test_a_map_that_names_some_entries_keeps_the_others() -> None:
    found = settings_of(
        "audiences: {executives: ['slack:#board']}\nalerts: {priorities: {info: medium}}\n"
        "calendars: {seoul: {hours: {mon: ['09:00-10:00']}}}"
    )
    assert found.audiences["executives"] == ("slack:#board",)
    assert found.audiences["desk"] == Settings().audiences["desk"]
    assert found.alerts.priorities[Severity.INFO] is Priority.MEDIUM
    assert found.alerts.priorities[Severity.CRITICAL] is Priority.CRITICAL
    assert set(found.calendars) == {"business", "seoul"}


def test_aliases_repeat_a_value() -> None:
    found = settings_of("audiences:\n  a: &them ['slack:#x']\n  b: *them\n")
    assert found.audiences["b"] == found.audiences["a"] == ("slack:#x",)


# -- The environment


def test_variables_of_the_environment_come_before_the_file() -> None:
    environ = {name: f"value-of-{name}" for name in VARIABLES} | {"DESKBELL_DATABASE_URL": "sqlite:///elsewhere.db"}
    environ |= {
        "DESKBELL_LOG": "json",
        "DESKBELL_BASE_URL": "https://desk.example/",
        "MICROSOFT_APP_TYPE": "MultiTenant",
    }
    found = settings_of("log: text\nslack: {bot_token: xoxb-file, per_channel_burst: 9}\n", environ)
    assert (found.log, found.base_url, found.msteams.app_type) == ("json", "https://desk.example", "MultiTenant")
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.get_secret_value() == "value-of-SLACK_BOT_TOKEN"
    assert found.slack.per_channel_burst == 9
    assert found.database.url == "sqlite:///elsewhere.db"
    assert found.msteams.tenant_id == "value-of-MICROSOFT_APP_TENANT_ID"


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings_of("log: json", {"DESKBELL_LOG": " ", "SLACK_BOT_TOKEN": ""}) == settings_of("log: json")


def test_a_problem_of_a_variable_names_the_variable() -> None:
    environ = {"DESKBELL_LOG": "jsno", "DESKBELL_BASE_URL": "desk", "DESKBELL_API_TOKEN": "\udcff"}
    assert problems_of("", environ) == [
        "environment: DESKBELL_API_TOKEN: not valid Unicode",
        "environment: DESKBELL_BASE_URL: not an address; write http://... or https://...",
        "environment: DESKBELL_LOG: must be text or json; did you mean json?",
    ]


def test_a_name_in_braces_is_taken_from_the_environment() -> None:
    text = 'api_token: ${TOKEN}\nserver: {port: "${PORT}"}\ntemplates: {a: "$${TOKEN} ${TOKEN}!"}\n'
    found = settings_of(text, {"TOKEN": "yes: {no}", "PORT": "99"})
    assert found.api_token is not None
    assert found.api_token.get_secret_value() == "yes: {no}"
    assert (found.server.port, found.templates["a"]) == (99, "${TOKEN} yes: {no}!")


def test_a_missing_variable_is_named_with_its_line_and_nothing_follows_from_it() -> None:
    text = "api_token: ${TOKEN}\npeople:\n  - id: ${WHO}\n    name: ${not a name}\n"
    assert problems_of(text, {"WHO": ""}) == [
        "deskbell.yaml:1: api_token: the environment variable TOKEN is not set; write $${ for the text ${",
        "deskbell.yaml:3: people[0].id: the environment variable WHO is not set; write $${ for the text ${",
        "deskbell.yaml:4: people[0].name: ${...} must hold the name of an environment variable; "
        "write $${ for the text ${",
    ]


# -- What is wrong with a file


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
log: jsn
sla:
  targets:
    - priority: hihg
      resoluton: 5m
      first_response: soon
server:
  port: 99999
  drain: 11y
time_zone: Asia/Seul
slak: {}
"""
    assert problems_of(text) == [
        "deskbell.yaml:1: log: must be text or json; did you mean json?",
        "deskbell.yaml:4: sla.targets[0].priority: must be low, medium, high or critical; did you mean high?",
        "deskbell.yaml:5: sla.targets[0].resoluton: unknown key; did you mean resolution?",
        "deskbell.yaml:6: sla.targets[0].first_response: not a duration; write 30s, 15m, 4h, 2d or 1h30m",
        "deskbell.yaml:8: server.port: must be at most 65535",
        "deskbell.yaml:9: server.drain: not a duration; write 30s, 15m, 4h, 2d or 1h30m",
        "deskbell.yaml:10: time_zone: not a time zone; write a name of the IANA list, like Asia/Seoul",
        "deskbell.yaml:11: slak: unknown key; did you mean slack?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {prot: 1}", "server.prot: unknown key; did you mean port?"),
        ("server: {zzz: 1}", "server.zzz: unknown key; known here: host, port, drain"),
        ('"two words": 1', '["two words"]: unknown key'),
        ("people: [{name: Kim}]", "people[0].id: this key is required"),
        ("people: {kim: {}}", "people: must be a list"),
        ("people: kim", "people: must be a list; put it in brackets: [...]"),
        ("people: [kim]", "people[0]: must be a map (key: value)"),
        ("people: [{id: a b, name: Kim}]", "people[0].id: must be 1 to 64 of the characters A-Z, a-z, 0-9, ., _ and -"),
        ("slack: [1]", "slack: must be a map (key: value)"),
        ("teams: [a]", "teams: must be a map (key: value)"),
        ("log: [text]", "log: must be text or json"),
        ("database: {url: [1]}", "database.url: must be text"),
        ("api_token: {a: b}", "api_token: must be text"),
        ("api_token: ''", "api_token: must not be empty"),
        ("server: {port: http}", "server.port: must be a whole number"),
        ("server: {port: 80.5}", "server.port: must be a whole number"),
        ("server: {port: true}", "server.port: must be a whole number"),
        ("server: {port: [1]}", "server.port: must be a whole number"),
        ("server: {port: -1}", "server.port: must be at least 0"),
        ("server: {drain: []}", "server.drain: must be a whole number"),
        ("server: {drain: 9999w}", "server.drain: longer than ten years"),
        ("intake: {max_body: 5}", "intake.max_body: must be at least 1024"),
        ("sla: {warn_at_risk: 1}", "sla.warn_at_risk: must be less than 1"),
        ("sla: {warn_at_risk: 0}", "sla.warn_at_risk: must be more than 0"),
        ("sla: {warn_at_risk: half}", "sla.warn_at_risk: must be a number"),
        ("slack: {per_channel_rate: inf}", "slack.per_channel_rate: must be a number"),
        ("msteams: {insecure: maybe}", "msteams.insecure: must be true or false"),
        ("time_zone: [UTC]", "time_zone: must be text"),
        ("base_url: ftp://x", "base_url: not an address; write http://... or https://..."),
        ("calendars: {x: {hours: {mo: []}}}", "calendars.x.hours.mo: unknown key; did you mean mon?"),
        ("calendars: {x: {hours: {mon: 9-18}}}", "calendars.x.hours.mon: must be a list; put it in brackets: [...]"),
        ("calendars: {business: {hours: {}, holidays: {add: [24.12.]}}}",
         "calendars.business.holidays.add[0]: must be a date, like 2026-12-24"),
        ("alerts: {priorities: {warn: low}}", "alerts.priorities.warn: unknown key; did you mean warning?"),
        ("notifications: [{name: A, on: [], to: []}]",
         "notifications[0].name: must be 1 to 64 of the characters a-z, 0-9 and _"),
        ("slack: {commands: {root: /t}}", "slack.commands.root: must be 1 to 31 of the characters a-z, 0-9, _ and -"),
        ("log: text\nlog: json", "log: the key stands twice, first in line 1"),
        ("? [a]\n: b", "a key must be plain text"),
        ('"\\ud800": b', "a key must be plain text"),
        ('log: "\\ud800"', "log: not valid Unicode"),
        ("log: !!python/name:os.system", "log: tags (!name) are not known here"),
        ("people: !!set {a, b}", "people: tags (!name) are not known here"),
        ("server:\n  <<: {port: 1}", "server: merge keys (<<) are not known here; repeat the keys"),
        ("- a", "the file must be a map of keys; write key: value"),
        ("text", "the file must be a map of keys; write key: value"),
        ("a: 1\n---\nb: 2", "a second document begins here; keep everything in one"),
        ("server:\n\tport: 1", "a tab stands where only spaces may; indent with spaces"),
        ("a: @b", "a character that cannot begin a text; put the text in quotes"),
        ("log: 'text", "a quoted text has no end; close the quotes"),
        ("log: [text", "the file ends where something is still open; close the brackets"),
        ("log: {a: ]", "not valid YAML; check the indentation and the quotes"),
        ("a: b: c", "a colon that YAML does not expect here; check the indentation, or put the text in quotes"),
        ("log: *text", "an alias (*name) without its anchor (&name); put a text that begins with * in quotes"),
        ("{api_token: ${TOKEN}}", "not valid YAML; put a text with ${...} in quotes when it stands between brackets"),
        ("a: 1\n  b: 2", "a colon that YAML does not expect here; check the indentation, or put the text in quotes"),
        ("a:\n  - b\n c", "not valid YAML; check the indentation, and brackets and quotes that were not closed"),
        ('log: "\\UFFFFFFFF"', "not valid YAML"),
        ("log: \x07", "a control character stands in the text; remove it"),
        ("a: &x [*x]", "nested deeper than 50 levels"),
        (f"a: {'[' * 60}{']' * 60}", "nested deeper than 50 levels"),
    ],
)  # fmt: skip
def test_each_problem_has_its_words(text: str, said: str) -> None:
    first, *_ = problems_of(text)
    assert re.sub(r"^deskbell\.yaml:\d+: ", "", first) == said


def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as raised:
        load(missing, {})
    assert str(raised.value) == f"{missing}: cannot be read; No such file or directory"
    assert problems_of(b"log: text\nbase_url: \xff") == ["deskbell.yaml:2: not UTF-8; save the file as UTF-8"]
    assert problems_of(b"#" * (MAX_BYTES + 1)) == ["deskbell.yaml: larger than 1024 KiB"]
    assert problems_of("[" * 1500) == ["deskbell.yaml: nested deeper than 50 levels"]


def test_aliases_cannot_blow_up_a_small_file() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert problems_of(bomb) == ["deskbell.yaml:1: aliases repeat more than 10000 values"]


def test_a_problem_is_printed_with_place_level_key_and_hint() -> None:
    assert str(ConfigProblem("d.yaml", 3, "a.b", "odd", "mend it", "warning")) == "d.yaml:3: warning: a.b: odd; mend it"
    assert str(ConfigProblem(None, None, "a", "wrong")) == "a: wrong"


SECRET = "xoxb-7f3a-very-secret"


@pytest.mark.parametrize("path", [path for path in VARIABLES.values() if path != ("database", "url")])
@pytest.mark.parametrize("shape", ["[{0}]", "{{x: {0}}}", "{0}: x", "*{0}", "'{0}", "!{0} x", "&{0} [*{0}]"])
def test_no_message_repeats_a_value(path: tuple[str, ...], shape: str) -> None:
    text = (
        f"{path[0]}: {shape.format(SECRET)}" if len(path) == 1 else f"{path[0]}:\n  {path[1]}: {shape.format(SECRET)}"
    )
    assert SECRET not in "".join(problems_of(text))


@pytest.mark.parametrize("key", ["log", "time_zone", "language", "server.port", "server.drain", "base_url", "slack"])
def test_a_secret_in_the_wrong_place_is_not_repeated(key: str) -> None:
    outer, _, inner = key.partition(".")
    text = f"{outer}: {{{inner}: '${{S}}'}}" if inner else f"{outer}: ${{S}}"
    assert SECRET not in "".join(problems_of(text, {"S": SECRET}))


_YAML = st.text(st.sampled_from(list("abz_:-[]{},&*!|>'\"%@`#?<~$\\ \t\n019.é\x85\u2028\ufeff")), max_size=60)
_KEYS = st.sampled_from([*Settings.model_fields, "port", "hours", "targets", "x", "", "a b", "[key]"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def _loads_or_is_refused(raw: bytes) -> None:
    said = "nothing wrong"
    try:
        build("f.yaml", raw, {"A": "1"})
    except ConfigError as error:
        said = str(error)
    assert said
    assert not re.search(r"pydantic|Input should|valid dictionary|acceptable", said)


@settings(max_examples=70, deadline=None)
@given(_YAML)
@example("%YAML 99999999999999999999.1\n---\n")
@example('"\\x')
@example("? ? ? a")
@example("${A}: 1")
def test_any_text_loads_or_is_refused(text: str) -> None:
    _loads_or_is_refused(text.encode("utf-8"))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused(raw: bytes) -> None:
    _loads_or_is_refused(raw)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_any_values_load_or_are_refused(values: dict[str, Any]) -> None:
    _loads_or_is_refused(yaml.safe_dump(values, allow_unicode=True).encode("utf-8"))


@given(st.integers(min_value=0, max_value=3650 * 86_400))
def test_a_duration_reads_as_it_is_written(length: int) -> None:
    assert seconds(duration(length)) == length


# -- What is published


class _Yaml12(yaml.SafeLoader):
    """As editors read YAML: ``on`` is a word, a date a text."""


_Yaml12.yaml_implicit_resolvers = {
    first: [
        (tag, pattern if not tag.endswith(":bool") else re.compile("true|false"))
        for tag, pattern in resolvers
        if not tag.endswith((":timestamp", ":merge"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in "yYnNoO"
}


def _errors(text: str) -> list[str]:
    document = yaml.load(text, _Yaml12)  # noqa: S506
    return [error.message for error in Draft202012Validator(schema()).iter_errors(document)]


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    published = schema()
    Draft202012Validator.check_schema(published)
    for model in (published, *published["$defs"].values()):
        for name, part in model.get("properties", {}).items():
            referred = published["$defs"].get(part.get("$ref", "").rpartition("/")[2], {})
            assert part.get("description") or referred.get("description"), name


def test_the_example_is_what_the_schema_wants() -> None:
    assert _errors(EXAMPLE.read_text("utf-8")) == []


def test_the_schema_refuses_what_loading_refuses() -> None:
    assert _errors("slak: {}")
    assert _errors("server: {drain: soon}")
    assert _errors("sla: {targets: [{priority: hihg}]}")
    assert not _errors("server: {port: '${PORT}', drain: 1h30m}\nlog: ${LOG}")


def test_the_example_has_no_problem_and_no_warning() -> None:
    loaded = load_with_lines(EXAMPLE, {})
    assert [str(problem) for problem in check(loaded.settings, loaded.lines)] == []


def test_the_page_of_the_configuration_is_up_to_date() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    assert renewed(page) == page
    for name in (*VARIABLES, *Settings.model_fields):
        assert name in page
