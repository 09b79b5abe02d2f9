"""Views to Slack's Block Kit, in the reader's language. Pure: values in, JSON out.

User text goes where Slack parses nothing (``plain_text`` objects and the text leaves of ``rich_text``); mrkdwn is for
our own words and for facts made inert. Every limit of Block Kit holds for any input: what is too long is shortened.
"""

from blocks.form import field_errors, loading_modal, modal, suggested
from blocks.home import home
from blocks.render import render
from blocks.rendered import Block, Rendered

__all__ = ["Block", "Rendered", "field_errors", "home", "loading_modal", "modal", "render", "suggested"]
