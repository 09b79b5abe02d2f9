"""The demo's Slack asks the app what a menu offers while a person types."""

from __future__ import annotations

from tests.browser.demo_page import DemoPage
from tests.browser.demo_script import input_block, modal, option

ASKING = {"type": "multi_external_select", "min_query_length": 0, "max_selected_items": 2}


def test_systems_are_offered_as_one_types_and_what_is_ticked_stays(demo: DemoPage) -> None:
    demo.backend.answers["slack/options"] = {"options": [option("결제", "pay"), option("Mail", "mail")]}
    view = {**modal(), "blocks": [input_block("systems", {**ASKING, "initial_options": [option("VPN", "vpn")]})]}
    demo.backend.push("slack.view", {"user": "U1", "view_id": "V9", "view": view})
    demo.type("[data-block=systems] input", "결ㅈ")
    demo.click("[data-block=systems] .radios label:nth-child(2)")
    demo.click("[data-block=systems] .radios label:nth-child(3)")  # one more than may be chosen
    demo.click("#slack .modal .primary")
    asked = [body for path, body in demo.backend.posted if path == "slack/options"]
    assert asked[-1] == {"user": "U1", "view_id": "V9", "block_id": "systems", "text": "결ㅈ"}
    chosen = demo.posted("slack/submit")["values"]["systems"]["value"]
    assert chosen == {
        "type": "multi_external_select",
        "selected_options": [option("VPN", "vpn"), option("결제", "pay")],
    }
