from __future__ import annotations

import pytest

import adaptive_cards
from bot.demo.adaptive_card_lint import lint_card
from core.views import (
    Field,
    FieldError,
    Option,
)
from tests.adaptive_card_views import (
    ENGLISH,
    KOREAN,
    PEOPLE,
    PRIORITIES,
    SAMPLES,
    card_of,
    form,
    inputs,
    shown,
    submits,
)


def test_a_form_submits_its_name_its_ticket_and_its_context() -> None:
    asked = form(Field("text", "multiline", "field.note"), ticket_id=42, context={"v": "3", "form": "spoofed"})
    assert submits(adaptive_cards.dialog(asked, ENGLISH).card) == [{"form": "note", "ticket_id": 42, "v": "3"}]


def test_a_dialog_has_a_title_and_a_size() -> None:
    dialog = adaptive_cards.dialog(form(Field("text", "multiline", "field.note")), KOREAN)
    assert dialog.title == "메모 추가"
    assert (dialog.width, dialog.height) == (600, 260)
    many = adaptive_cards.dialog(form(*(Field(f"f{n}", "text", "field.text") for n in range(30))), KOREAN)
    assert many.height == 700


def test_every_input_is_labelled_and_says_when_it_is_required() -> None:
    card = adaptive_cards.dialog(
        form(
            Field("a", "text", "field.title", required=True, max_length=100),
            Field("b", "number", "field.affected_users", required=True, minimum=1, maximum=10),
            Field("c", "select", "field.priority", required=True, options=PRIORITIES, initial="high"),
        ),
        KOREAN,
    ).card
    assert [(made["label"], made["isRequired"], made["errorMessage"]) for made in inputs(card)] == [
        ("제목", True, "필수 항목입니다."),
        ("영향받는 사용자 수", True, "1에서 10 사이의 값을 입력해 주세요."),
        ("우선순위", True, "필수 항목입니다."),
    ]
    assert inputs(card)[2]["value"] == "high"
    assert [made["title"] for made in inputs(card)[2]["choices"]] == ["낮음", "보통", "높음", "긴급"]


def test_what_is_wrong_stands_below_its_input() -> None:
    card = card_of(SAMPLES["form_refused"])
    after = {
        item["id"]: shown(card["body"][place + 1])
        for place, item in enumerate(card["body"])
        if "label" in item and place + 1 < len(card["body"]) and "inlines" in card["body"][place + 1]
    }
    assert after == {
        "affected_users": "⚠ Error: From 10 to 1,000.",
        "assignee": "⚠ Error: I don’t know anybody called 홍길동.",
    }
    assert "Please mend what is marked below." in shown(card)


def test_what_is_wrong_with_no_input_is_told_all_the_same() -> None:
    asked = form(errors=(FieldError("gone", "error.field.unknown_field"),))
    assert "This field is not known." in shown(card_of(asked))


@pytest.mark.parametrize(("people", "kind"), [((), "Input.Text"), (PEOPLE, "Input.ChoiceSet")])
def test_a_person_is_chosen_where_people_are_known_and_typed_where_not(people: tuple[Option, ...], kind: str) -> None:
    assert inputs(card_of(form(Field("who", "person", "field.assignee", options=people))))[0]["type"] == kind


def test_more_people_than_a_card_can_hold_are_typed() -> None:
    crowd = tuple(Option(str(number), label=f"사용자 이름 {number}") for number in range(2000))
    card = card_of(form(Field("who", "person", "field.assignee", options=crowd, initial="7")))
    assert inputs(card)[0]["type"] == "Input.Text"


def test_a_choice_that_is_cut_says_so_and_keeps_what_was_chosen() -> None:
    many = tuple(Option(str(number), label=f"Choice {number}") for number in range(1000))
    card = card_of(form(Field("which", "select", "field.status", options=many, initial="999")))
    made = inputs(card)[0]
    assert made["value"] == "999"
    assert made["choices"][-1] == {"title": "Choice 999", "value": "999"}
    assert f"Only {len(made['choices'])} of the choices are shown." in shown(card)
    assert lint_card(card) == []


def test_what_was_typed_comes_back_whole_however_many_choices_there_are() -> None:
    typed = "가" * 1300
    crowd = tuple(Option(str(number), label="이름 " * 20) for number in range(150))
    card = card_of(
        form(
            Field("description", "multiline", "field.description", initial=typed, max_length=20_000),
            Field("comment", "multiline", "field.comment", initial=typed),
            Field("title", "text", "field.title", initial="나" * 250),
            Field("who", "select", "field.assignee", options=crowd),
        )
    )
    assert [made.get("value") for made in inputs(card)[:3]] == [typed, typed, "나" * 250]
    assert [made["maxLength"] for made in inputs(card)[:3]] == [1300, 1300, 250]


@pytest.mark.parametrize(
    ("initial", "value"), [("12", 12), ("abc", None), ("-1", None), ("9" * 400, None), (None, None)]
)
def test_a_number_input_starts_with_a_number_or_empty(initial: str | None, value: int | None) -> None:
    made = inputs(card_of(form(Field("n", "number", "field.limit", initial=initial))))[0]
    assert made.get("value") == value


def test_a_context_that_no_card_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shortened"):
        adaptive_cards.dialog(form(context={"big": "x" * 30_000}), ENGLISH)


def test_systems_are_ticked_in_a_list_and_typed_where_there_is_none() -> None:
    known = tuple(Option(name, label=name) for name in ("결제", "mail"))
    field = Field("systems", "systems", "field.systems", initial="mail,gone", options=known)
    card = adaptive_cards.dialog(form(field), KOREAN).card
    assert lint_card(card) == []
    (chosen,) = inputs(card)
    assert (chosen["type"], chosen["isMultiSelect"], chosen["value"]) == ("Input.ChoiceSet", True, "mail")
    typed = adaptive_cards.dialog(form(Field("systems", "systems", "field.systems")), KOREAN).card
    assert [item["type"] for item in inputs(typed)] == ["Input.Text"]
