"""The Slack side of the demo page: what each press and each line of text sends, and how answers and news are shown."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.demo_page import DemoPage
from tests.browser.demo_script import START, message, modal, option, text, ticket_blocks

CARD = f"#slack .feed-box [data-ts='{START}.000100']"
PLACE = {"user": "U1", "channel": "C1", "ts": f"{START}.000100"}


def open_modal(demo: DemoPage) -> None:
    demo.backend.push("slack.view", {"user": "U1", "view_id": "V9", "view": modal()})
    demo.find("#slack .modal")


def test_a_button_sends_its_action_and_place(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=assign_to_me]")
    posted = demo.posted("slack/action")
    assert {key: posted[key] for key in PLACE} == PLACE
    assert posted["action"] == {
        "type": "button",
        "block_id": "verbs",
        "action_id": "assign_to_me",
        "text": text("Assign to me"),
        "value": "42",
    }


def test_an_overflow_menu_sends_the_chosen_option(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=more]")
    demo.type(".menu .menu-item:focus", Keys.ARROW_DOWN)
    demo.type(".menu .menu-item:focus", Keys.ENTER)
    action = demo.posted("slack/action")["action"]
    assert (action["action_id"], action["selected_option"]) == ("more", option("Wait", "wait"))


def test_selects_send_the_choice_and_show_it(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=priority]")
    demo.click(".menu .menu-item:last-child")
    posted = demo.posted("slack/action")
    assert posted["action"]["selected_option"] == option("High", "high")
    assert posted["state"]["values"]["verbs"]["priority"]["selected_option"] == option("High", "high")
    assert demo.find(f"{CARD} [data-action=priority]").text == "High"


def test_a_select_of_people_offers_the_people_of_the_workspace(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=give]")
    assert [node.text for node in demo.all(".menu .menu-item")] == ["Kim Minji", "Alex Park"]
    demo.click(".menu .menu-item:last-child")
    assert demo.posted("slack/action")["action"]["selected_user"] == "U2"


@pytest.mark.parametrize(("answer", "posts"), [(".danger, .dialog-foot .primary", 1), (".dialog-foot .button", 0)])
def test_a_confirmation_is_asked_before_anything_is_sent(demo: DemoPage, answer: str, posts: int) -> None:
    demo.click(f"{CARD} [data-action=close]")
    dialog = demo.find("#slack .dialog")
    assert "This ends it." in dialog.text
    assert demo.backend.posted == []
    demo.click(f"#slack .dialog :is({answer})")
    demo.gone("#slack .dialog")
    if posts:
        assert demo.posted("slack/action")["action"]["action_id"] == "close"
    assert len(demo.backend.posted) == posts


def test_what_is_typed_is_sent_with_people_and_channels_as_mentions(demo: DemoPage) -> None:
    demo.type("#slack .room .composer textarea", "/ticket assign 42 @Alex Park in #it-support <now> & here\n")
    assert demo.posted("slack/command") == {
        "user": "U1",
        "channel": "C1",
        "text": "/ticket assign 42 <@U2> in <#C1> <now> & here",
    }
    demo.until(lambda: demo.find("#slack .room textarea").get_property("value") == "", "the text stays")


def test_slash_commands_are_suggested_and_completed(demo: DemoPage) -> None:
    demo.type("#slack .room .composer textarea", "/ticket re")
    assert [node.text.split("\n")[0] for node in demo.all("#slack .suggestions li")] == [
        "/ticket resolve 42 what was done",
        "/ticket reopen 42",
    ]
    demo.type("#slack .room .composer textarea", Keys.ARROW_DOWN + Keys.ARROW_DOWN + Keys.ENTER)
    assert demo.find("#slack .room textarea").get_property("value") == "/ticket reopen "
    assert demo.backend.posted == []


def test_a_reply_in_a_thread_names_the_thread(demo: DemoPage) -> None:
    demo.click(f"{CARD} .thread-link")
    assert [node.text for node in demo.all("#slack .thread .message .mrkdwn")][-1] == "Looking."
    demo.type("#slack .thread textarea", "On it.\n")
    assert demo.posted("slack/command") == {
        "user": "U1", "channel": "C1", "text": "On it.", "thread_ts": f"{START}.000100",
    }  # fmt: skip
    demo.type("#slack .thread textarea", Keys.ESCAPE)
    demo.gone("#slack .thread")


def test_an_ephemeral_message_shows_only_to_its_person(demo: DemoPage) -> None:
    assert "Only for Kim." in demo.find("#slack .ephemeral").text
    demo.act_as("U2")
    demo.gone("#slack .ephemeral")
    demo.click(f"{CARD} [data-action=assign_to_me]")
    assert demo.posted("slack/action")["user"] == "U2"


def test_a_changed_card_is_replaced_flashes_and_keeps_the_focus(demo: DemoPage) -> None:
    demo.script(f'document.querySelector("{CARD} [data-action=close]").focus()')
    demo.backend.push("slack.message", message(0, ticket_blocks("Kim Minji"), edited=True))
    demo.until(lambda: "Assignee: Kim Minji" in demo.find(CARD).text, "the card did not change")
    assert "flash" in str(demo.find(CARD).get_dom_attribute("class"))
    assert demo.find(f"{CARD} .edited").text == "(edited)"
    assert demo.focused() == "Close"
    demo.backend.push("slack.message", message(0, deleted=True))
    demo.gone(CARD)


def test_news_elsewhere_count_as_unread_until_they_are_seen(demo: DemoPage) -> None:
    demo.backend.push("slack.message", message(9, channel="C2", text="All well again."))
    demo.find("#slack .rooms [data-focus=C2] .badge")
    assert "All well again." in str(demo.script("return document.querySelector('.announcer').textContent"))
    demo.click("#slack .rooms [data-focus=C2]")
    demo.gone("#slack .rooms .badge")
    assert "All well again." in demo.find("#slack .messages").text


def test_a_modal_wants_its_required_fields_before_it_sends(demo: DemoPage) -> None:
    open_modal(demo)
    demo.type("[data-block=users] input", "0")
    demo.click("#slack .modal .primary")
    errors = {
        name: demo.script(f"return document.querySelector('[data-block={name}] .field-error').textContent")
        for name in ("title", "users", "kind", "owner")
    }
    required = "Please complete this required field."
    assert errors == {"title": required, "users": "Must be at least 1.", "kind": required, "owner": ""}
    assert demo.script("return document.activeElement.closest('[data-block]').dataset.block") == "title"
    assert demo.backend.posted == []


def test_a_modal_sends_its_values_and_shows_errors_at_their_fields(demo: DemoPage) -> None:
    open_modal(demo)
    demo.backend.answers["slack/submit"] = {"errors": {"title": "Too vague."}}
    demo.type("[data-block=title] input", "Help")
    demo.click("[data-block=kind] label:nth-child(2)")
    demo.script("document.querySelector('[data-block=owner] select').value = '1'")
    demo.click("#slack .modal .primary")
    assert demo.find("[data-block=title] .field-error").text == "Too vague."
    assert demo.find("[data-block=title] input").get_dom_attribute("aria-invalid") == "true"
    assert demo.posted("slack/submit") == {
        "user": "U1",
        "view_id": "V9",
        "values": {
            "title": {"value": {"type": "plain_text_input", "value": "Help"}},
            "users": {"value": {"type": "number_input", "value": None}},
            "kind": {"value": {"type": "radio_buttons", "selected_option": option("Ask", "ask")}},
            "owner": {"value": {"type": "users_select", "selected_user": "U2"}},
        },
    }
    demo.backend.answers.clear()
    demo.click("#slack .modal .primary")
    demo.gone("#slack .modal")


def test_a_changed_view_keeps_what_was_typed(demo: DemoPage) -> None:
    open_modal(demo)
    demo.type("[data-block=title] input", "Printer")
    view = {**modal(), "title": text("New request")}
    demo.backend.push("slack.view", {"user": "U1", "view_id": "V9", "view": view, "errors": {"users": "How many?"}})
    demo.until(lambda: demo.find("#slack .modal h2").text == "New request", "the view did not change")
    assert demo.find("[data-block=title] input").get_property("value") == "Printer"
    assert demo.find("[data-block=users] .field-error").text == "How many?"


def test_a_dialog_keeps_the_keyboard_and_gives_it_back(demo: DemoPage) -> None:
    demo.script("document.querySelector('#slack .room textarea').focus()")
    open_modal(demo)
    for _ in range(12):
        demo.browser.switch_to.active_element.send_keys(Keys.TAB)
        assert demo.script("return Boolean(document.activeElement.closest('#slack .modal'))")
    demo.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    demo.gone("#slack .modal")
    assert demo.posted("slack/close") == {"user": "U1", "view_id": "V9"}
    assert demo.script("return document.activeElement.closest('.composer') !== null")


def test_the_home_tab_is_asked_for_and_acts(demo: DemoPage) -> None:
    demo.click("#slack .rooms [data-focus=D1]")
    demo.click("#slack .room-tab")
    assert demo.posted("slack/home") == {"user": "U1"}
    button = {"type": "button", "action_id": "create", "text": text("New ticket"), "value": "{}"}
    blocks = [{"type": "actions", "block_id": "top", "elements": [button]}]
    demo.backend.push("slack.view", {"user": "U1", "view_id": "H1", "view": {"type": "home", "blocks": blocks}})
    demo.click("#slack .home [data-action=create]")
    posted = demo.posted("slack/action")
    assert (posted["view_id"], posted["action"]["action_id"]) == ("H1", "create")


def test_a_modal_waits_on_the_screen_of_its_own_person(demo: DemoPage) -> None:
    demo.backend.push("slack.view", {"user": "U2", "view_id": "V8", "view": modal()})
    demo.backend.push("slack.message", message(30, text="after it"))
    demo.until(lambda: "after it" in demo.find("#slack .messages").text, "the stream stopped")
    assert demo.all("#slack .modal") == []
    demo.act_as("U2")
    demo.click("#slack .modal .dialog-foot .button:first-child")
    demo.gone("#slack .modal")
    assert demo.posted("slack/close") == {"user": "U2", "view_id": "V8"}
    demo.act_as("U1")
    demo.act_as("U2")
    assert demo.all("#slack .modal") == []


def test_a_note_from_elsewhere_stands_under_its_authors_name_and_shows_that_an_app_wrote_it(demo: DemoPage) -> None:
    demo.backend.push("slack.message", message(7, username="Lee Jiwon (Teams)"))
    head = demo.find(f"#slack .feed-box [data-ts='{START + 7}.000100'] .message-head")
    assert head.text.startswith("Lee Jiwon (Teams)")
    assert "APP" in head.text
