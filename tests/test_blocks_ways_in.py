"""What the ways in add to Slack's blocks: the home's parts, answers below messages, the menu of systems."""

from __future__ import annotations

from msgspec.structs import replace

from blocks import home, modal, render
from bot.demo.block_kit_lint import lint_message, lint_view
from core.i18n import Words
from core.views import Field, Home, Notice, Option
from tests.block_samples import CREATE, LINK, NOW


def test_nobody_is_on_call_where_nobody_plans_it() -> None:
    assert Words().text("home.on_call") not in str(home(Home((), NOW), Words()))


def test_an_answer_below_another_message_names_its_ticket() -> None:
    answer = Notice("notice.request", 42, "VPN <!channel>", link=LINK, actions=("show",), answers=True, version=1)
    shown = render(answer, Words(), in_thread=True)
    assert lint_message({"text": shown.text, "blocks": shown.blocks}) == []
    assert "Ticket #42" in str(shown.blocks)
    assert [button["action_id"] for button in shown.blocks[-1]["elements"]] == ["show", "open_ticket"]


def test_systems_are_chosen_from_a_menu_that_is_asked_as_one_types() -> None:
    known = tuple(Option(name, label=name) for name in ("결제", "mail", "x" * 151))
    field = Field("systems", "systems", "field.systems", initial="mail, gone,결제", options=known)
    view = modal(replace(CREATE, fields=(field,), errors=()), Words("ko"))
    assert lint_view(view) == []
    element = view["blocks"][0]["element"]
    assert element["type"] == "multi_external_select"
    assert [option["value"] for option in element["initial_options"]] == ["mail", "결제"]
    typed = modal(replace(CREATE, fields=(replace(field, options=()),), errors=()), Words())
    assert typed["blocks"][0]["element"]["type"] == "plain_text_input"
