"""Modals and Home tabs: trigger ids, view stacks, hashes, and what an answer to a submission does to the screen.

Rules: https://docs.slack.dev/surfaces/modals. A trigger id lives three seconds and opens one view; a stack holds three.
"""

from __future__ import annotations

import copy
import json
import re
from collections import OrderedDict
from collections.abc import Mapping

from bot.demo.block_kit_lint import VIEW_LIMIT, lint_view
from bot.demo.slack_facts import TRIGGER_SECONDS, VIEWS_IN_STACK
from bot.demo.slack_records import Change, ChangeKind, Json, OpenView, SlackRefusal, Trigger
from bot.demo.slack_state import Workspace

_TRIGGERS_KEPT = 500
_HOMES_KEPT = 500
_SCREENS_KEPT = 500
_TRIGGER = re.compile(r"\d+\.\d+\.[0-9a-z]+")
_ABSENT: Json = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
}


class Modals:
    """What stands on people's screens. ``stacks`` are the open modals of each user, topmost last."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.stacks: OrderedDict[str, list[OpenView]] = OrderedDict()
        self.homes: OrderedDict[str, OpenView] = OrderedDict()
        self._triggers: OrderedDict[str, Trigger] = OrderedDict()

    # triggers

    def issue_trigger(self, user: str, view: str | None = None) -> str:
        """A trigger id for a command or click of ``user``; ``view`` is the modal that it was made in, if any."""
        serial = self._workspace.next_id("")
        trigger_id = f"{int(self._workspace.clock() * 1000)}.{int(serial, 16)}.{serial.lower()}"
        expires = self._workspace.clock() + TRIGGER_SECONDS
        self._triggers[trigger_id] = Trigger(trigger_id, user, expires, view)
        while len(self._triggers) > _TRIGGERS_KEPT:
            self._triggers.popitem(last=False)
        return trigger_id

    def issued(self, trigger_id: str) -> bool:
        return trigger_id in self._triggers

    def _exchange(self, trigger_id: object) -> Trigger:
        if not isinstance(trigger_id, str) or not _TRIGGER.fullmatch(trigger_id):
            raise SlackRefusal("invalid_arguments", "invalid `trigger_id`")
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger.used:
            raise SlackRefusal("exchanged_trigger_id")
        if self._workspace.clock() > trigger.expires:
            raise SlackRefusal("expired_trigger_id")
        return trigger

    # views

    def view(self, view_id: str) -> OpenView | None:
        """A modal that is open or a Home tab, by its id."""
        return next((view for view in self._all() if view.id == view_id), None)

    def payload(self, view: OpenView, state: Json | None = None) -> Json:
        app = self._workspace.app
        return view.payload(app.team, app.app_id, app.bot_id, state)

    def open(self, trigger_id: object, content: object) -> OpenView:
        trigger = self._exchange(trigger_id)
        complete = self._checked(content, "modal")
        trigger.used = True
        self._close_all(trigger.user)
        return self._show(trigger.user, complete, None)

    def push(self, trigger_id: object, content: object) -> OpenView:
        trigger = self._exchange(trigger_id)
        stack = self.stacks.get(trigger.user, [])
        if trigger.view is None or not stack:
            raise SlackRefusal("not_found", "the trigger_id does not come from an open modal")
        if len(stack) >= VIEWS_IN_STACK:
            raise SlackRefusal("push_limit_reached")
        complete = self._checked(content, "modal")
        trigger.used = True
        return self._show(trigger.user, complete, stack[-1])

    def update(self, view_id: object, external_id: object, hash: object, content: object) -> OpenView:
        view = next((v for v in self._all() if v.id == view_id or self._is(v, external_id)), None)
        if view_id is None and external_id is None:
            raise SlackRefusal("invalid_arguments", "[ERROR] missing required field: view_id")
        if view is None:
            raise SlackRefusal("not_found")
        if hash is not None and hash != view.hash:
            raise SlackRefusal("hash_conflict")
        self._replace(view, self._checked(content, view.type, instead_of=view))
        return view

    def publish(self, user: object, hash: object, content: object) -> OpenView:
        if not isinstance(user, str) or user not in self._workspace.people:
            raise SlackRefusal("invalid_arguments", "invalid `user_id`")
        home = self.homes.get(user)
        if hash is not None and home is not None and hash != home.hash:
            raise SlackRefusal("hash_conflict")
        complete = self._checked(content, "home", instead_of=home)
        if home is None:
            view_id = self._workspace.next_id("V")
            home = self.homes[user] = OpenView(view_id, user, complete, self._hash(), view_id)
            while len(self.homes) > _HOMES_KEPT:
                self.homes.popitem(last=False)
        else:
            home.content, home.hash = complete, self._hash()
        self._tell(ChangeKind.HOME_PUBLISHED, home)
        return home

    def close(self, view_id: str, *, whole_stack: bool = False) -> list[OpenView]:
        """Take a modal, those above it, or the whole stack off the screen; the views closed, topmost first."""
        view = self.view(view_id)
        stack = self.stacks.get(view.user, []) if view else []
        if view is None or view not in stack:
            return []
        closed = list(reversed(stack if whole_stack else stack[stack.index(view) :]))
        for gone in closed:
            stack.remove(gone)
            self._tell(ChangeKind.VIEW_CLOSED, gone)
        if not stack:
            del self.stacks[view.user]
        return closed

    def answer_submission(self, view: OpenView, answer: object) -> None:
        """What the app's acknowledgement of a view_submission does; a malformed one is a violation and does nothing."""
        try:
            self._apply(view, answer)
        except SlackRefusal as refusal:
            self._workspace.violate("view_submission", refusal.code, *refusal.messages)

    def _apply(self, view: OpenView, answer: object) -> None:
        if not answer:
            self.close(view.id)
            return
        if not isinstance(answer, Mapping):
            raise SlackRefusal("invalid_response", "the answer is not a JSON object")
        action = answer.get("response_action")
        if action == "clear":
            self.close(view.id, whole_stack=True)
        elif action == "update":
            self._replace(view, self._checked(answer.get("view"), "modal", instead_of=view))
        elif action == "push":
            if len(self.stacks[view.user]) >= VIEWS_IN_STACK:
                raise SlackRefusal("push_limit_reached")
            self._show(view.user, self._checked(answer.get("view"), "modal"), view)
        elif action == "errors":
            self._tell(ChangeKind.VIEW_ERRORS, view, errors=self._errors(view, answer.get("errors")))
        else:
            raise SlackRefusal("invalid_response", f"response_action {action!r} is unknown")

    # parts

    def _errors(self, view: OpenView, errors: object) -> Json:
        inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
        if not isinstance(errors, Mapping) or not errors:
            raise SlackRefusal("invalid_response", "errors is not an object of block_id and text")
        strangers = set(errors) - inputs
        if strangers or not all(isinstance(text, str) and text for text in errors.values()):
            raise SlackRefusal("invalid_response", f"errors has no such input blocks: {sorted(strangers)}")
        return dict(errors)

    def _checked(self, content: object, type_: str, instead_of: OpenView | None = None) -> Json:
        """The view as Slack completes it. Raises what Slack refuses, and notes it as a violation of the app."""
        if isinstance(content, str):
            try:
                content = json.loads(content)
            except ValueError:
                content = None
        if not isinstance(content, dict):
            raise SlackRefusal("invalid_arguments", "[ERROR] must provide an object [json-pointer:/view]")
        if content.get("type") != type_:
            raise SlackRefusal("invalid_arguments", f"[ERROR] must be {type_} [json-pointer:/view/type]")
        if len(json.dumps(content, ensure_ascii=False).encode()) > VIEW_LIMIT:
            raise SlackRefusal("view_too_large")
        problems = lint_view(content)
        if problems:
            raise SlackRefusal("invalid_arguments", *(f"[ERROR] {problem}" for problem in problems))
        external = content.get("external_id")
        if external and any(self._is(view, external) for view in self._all() if view is not instead_of):
            raise SlackRefusal("duplicate_external_id")
        complete = copy.deepcopy(_ABSENT) | copy.deepcopy(content)
        self._workspace.name_blocks(complete["blocks"])
        return complete

    @staticmethod
    def _is(view: OpenView, external_id: object) -> bool:
        return bool(external_id) and view.content.get("external_id") == external_id

    def _show(self, user: str, content: Json, below: OpenView | None) -> OpenView:
        view_id = self._workspace.next_id("V")
        root = below.root_id if below else view_id
        view = OpenView(view_id, user, content, self._hash(), root, below.id if below else None)
        self.stacks.setdefault(user, []).append(view)
        while len(self.stacks) > _SCREENS_KEPT:
            self.stacks.popitem(last=False)
        self._tell(ChangeKind.VIEW_OPENED, view)
        return view

    def _replace(self, view: OpenView, content: Json) -> None:
        view.content, view.hash = content, self._hash()
        kind = ChangeKind.HOME_PUBLISHED if view.type == "home" else ChangeKind.VIEW_UPDATED
        self._tell(kind, view)

    def _close_all(self, user: str) -> None:
        stack = self.stacks.get(user)
        if stack:
            self.close(stack[0].id)

    def _all(self) -> list[OpenView]:
        return [view for stack in self.stacks.values() for view in stack] + list(self.homes.values())

    def _hash(self) -> str:
        return f"{int(self._workspace.clock())}.{self._workspace.next_id('h')}"

    def _tell(self, kind: ChangeKind, view: OpenView, **extra: Json) -> None:
        self._workspace.feed.tell(Change(kind, self.payload(view) | extra, user=view.user))
