"""The Teams side of the demo page: what each press and each line of text sends, and how answers and news are shown."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.demo_page import DemoPage
from tests.browser.demo_script import activity, dialog_card, ticket_card

CARD = "#teams [data-activity=a]"
COMPOSER = "#teams .composer textarea"


def open_dialog(demo: DemoPage) -> None:
    demo.backend.answers["teams/submit"] = {"dialog": {"title": "Update status", "card": dialog_card()}}
    demo.click(f"{CARD} [data-action=update_status]")
    demo.find("#teams .dialog")


def test_a_submit_sends_the_data_of_its_button(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=assign_to_me]")
    assert demo.posted("teams/submit") == {
        "user": "V1",
        "conversation": "T1",
        "activity_id": "a",
        "data": {"action": "assign_to_me", "ticket_id": 42},
    }


def test_an_execute_sends_its_verb(demo: DemoPage) -> None:
    demo.click(f"{CARD} [data-action=acknowledge]")
    posted = demo.posted("teams/submit")
    assert (posted["verb"], posted["execute"], posted["data"]) == ("acknowledge", True, {"ticket_id": 42})


def test_a_required_input_of_a_shown_card_is_wanted_before_it_sends(demo: DemoPage) -> None:
    show = "[...document.querySelectorAll('#teams .button')].find((b) => b.textContent === 'Note').click()"
    demo.script(show)
    demo.click(f"{CARD} .shown-card [data-action=note]")
    assert demo.find(f"{CARD} .shown-card .field-error").text == "Say it."
    assert demo.backend.posted == []
    demo.type(f"{CARD} .shown-card input", "Router replaced")
    demo.gone(f"{CARD} .shown-card .field-error")
    demo.click(f"{CARD} .shown-card [data-action=note]")
    assert demo.posted("teams/submit")["data"] == {"action": "note", "text": "Router replaced"}


def test_a_fetching_button_opens_a_dialog_which_sends_and_closes(demo: DemoPage) -> None:
    open_dialog(demo)
    assert demo.posted("teams/submit")["data"]["msteams"] == {"type": "task/fetch"}
    demo.type("#teams .dialog input", "12")
    demo.click("#teams .dialog .button")
    assert [node.text for node in demo.all("#teams .dialog .field-error")] == ["Choose one.", "1 to 9."]
    demo.script("document.querySelector('#teams .dialog select').value = 'waiting'")
    demo.type("#teams .dialog input", Keys.BACKSPACE)
    demo.backend.answers["teams/dialog"] = {"done": True}
    demo.click("#teams .dialog .button")
    demo.gone("#teams .dialog")
    assert demo.posted("teams/dialog") == {
        "user": "V1",
        "conversation": "T1",
        "data": {"form": "status", "status": "waiting", "hours": "1"},
    }


def test_a_dialog_may_answer_with_a_message(demo: DemoPage) -> None:
    open_dialog(demo)
    demo.script("document.querySelector('#teams .dialog select').value = 'waiting'")
    demo.backend.answers["teams/dialog"] = {"message": "The ticket is closed already."}
    demo.click("#teams .dialog .card .button")
    demo.until(lambda: "closed already" in demo.find("#teams .dialog").text, "no message")
    demo.click("#teams .dialog .dialog-foot .button")
    demo.gone("#teams .dialog")


def test_a_message_says_whether_it_mentions_the_bot_and_whom_else(demo: DemoPage) -> None:
    demo.type(COMPOSER, "@Deskbell assign 42 @Dana Cruz\n")
    expected = {"user": "V1", "conversation": "T1", "text": "assign 42 @Dana Cruz", "mention": True, "mentions": ["V2"]}
    assert demo.posted("teams/message") == expected
    demo.click("#teams .rooms [data-focus=P1]")
    demo.type(COMPOSER, "help\n")
    demo.until(lambda: len(demo.backend.posted) == 2, "the second message was not sent")
    assert demo.posted("teams/message") == {
        "user": "V1", "conversation": "P1", "text": "help", "mention": False, "mentions": [],
    }  # fmt: skip


def test_a_reply_names_the_post_that_it_answers(demo: DemoPage) -> None:
    demo.click(f"{CARD} .reply")
    assert "Ticket #42" in demo.find("#teams .replying").text
    demo.type(COMPOSER, "back again\n")
    posted = demo.posted("teams/message")
    assert (posted["reply_to"], posted["mention"], posted["text"]) == ("a", False, "back again")
    demo.gone("#teams .replying")


def test_commands_are_suggested_once_the_bot_is_mentioned(demo: DemoPage) -> None:
    demo.type(COMPOSER, "res")
    assert demo.all("#teams .suggestions li") == []
    demo.find(COMPOSER).clear()
    demo.type(COMPOSER, "@Deskbell res")
    demo.type(COMPOSER, Keys.TAB)
    assert demo.find(COMPOSER).get_property("value") == "@Deskbell resolve "


def test_a_changed_card_is_replaced_in_place(demo: DemoPage) -> None:
    demo.backend.push("teams.activity", activity("a", ticket_card("Dana Cruz"), edited=True))
    demo.until(lambda: "Dana Cruz" in demo.find(CARD).text, "the card did not change")
    assert "flash" in str(demo.find(CARD).get_dom_attribute("class"))
    assert demo.find(f"{CARD} .edited").text == "Edited"


def test_replies_stand_below_their_post_and_chats_belong_to_one_person(demo: DemoPage) -> None:
    demo.backend.push("teams.activity", activity("bb", reply_to="a", text="Kim **took** it."))
    demo.until(lambda: demo.all(f"{CARD} .replies [data-activity=bb] strong"), "no reply below the card")
    demo.backend.push("teams.activity", activity("ccc", conversation="P1", text="For Lee."))
    demo.find("#teams .rooms [data-focus=P1] .badge")
    assert [node.get_dom_attribute("data-focus") for node in demo.all("#teams .rooms button")] == ["T1", "P1"]


def test_what_people_write_is_never_markdown(demo: DemoPage) -> None:
    typed = {"from": "V2", "text": "<at>Deskbell</at> **x** [a](https://evil.example) <b>y</b>"}
    demo.backend.push("teams.activity", activity("dd") | typed)
    shown = demo.find("#teams [data-activity=dd] .bubble")
    assert shown.text == "Deskbell **x** [a](https://evil.example) <b>y</b>"
