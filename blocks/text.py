"""Text that is safe to show in Slack: cleaned, shortened, and inert where Slack parses it.

Slack counts in JavaScript's UTF-16 units, so that is how lengths are measured here. Cleaning removes what a reader
cannot see but what changes what they read: control characters, bidirectional overrides, zero-width characters.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
# Letters and symbols that show as nothing: they would let a title look empty or split a word.
_BLANK = frozenset({0x034F, 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0})
_JOINER = "\u200d"
_PICTURE = "\u2190-\u2bff\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_PICTURE}\ufe0f]){_JOINER}|{_JOINER}(?![{_PICTURE}])")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
_BACK_AT_MOST = 64


class _Visible(dict[int, int | None]):
    """Table for ``str.translate``: invisible characters vanish, lone surrogates become U+FFFD."""

    def __missing__(self, code: int) -> int | None:
        self[code] = visible = _visible(code)
        return visible


def _visible(code: int) -> int | None:
    if chr(code) in ("\n", _JOINER):
        return code
    if chr(code) in ("\r", "\v", "\f", "\x85", "\u2028", "\u2029"):
        return ord("\n")
    if chr(code) == "\t":
        return ord(" ")
    category = unicodedata.category(chr(code))
    if category == "Cs":
        return 0xFFFD
    return None if category in ("Cc", "Cf") or code in _BLANK else code


_VISIBLE = _Visible()


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def clean(text: str) -> str:
    """Without invisible characters; line ends are ``\\n``; a joiner stays only inside an emoji."""
    return _STRAY_JOINER.sub("", text.replace("\r\n", "\n").translate(_VISIBLE))


def one_line(text: str, limit: int) -> str:
    """Clean, on one line, at most ``limit`` UTF-16 units. Empty when nothing visible is left."""
    return clip(" ".join(clean(text[: limit * 8]).split()), limit)


def title(text: str) -> str:
    """A title on one line; never empty."""
    return one_line(text, 250) or ELLIPSIS


def paragraph(text: str, limit: int, lines: int = 40) -> str:
    """Clean, at most ``limit`` UTF-16 units and ``lines`` lines, blank lines kept single."""
    tidy = _BLANK_LINES.sub("\n\n", clean(text[: limit * 8])).strip()
    kept = tidy.split("\n")
    if len(kept) > lines:
        tidy = "\n".join(kept[:lines]).rstrip() + "\n" + ELLIPSIS
    return clip(tidy, limit)


def clip(text: str, limit: int) -> str:
    """At most ``limit`` UTF-16 units, an ellipsis where it was cut, never cut within what a reader sees as one."""
    if units(text) <= limit:
        return text
    used = cut = 0
    for cut, character in enumerate(text):  # noqa: B007 - the place is the result
        used += 2 if character > "\uffff" else 1
        if used > limit - 1:
            break
    return text[: _boundary(text, cut)].rstrip() + ELLIPSIS


def _boundary(text: str, cut: int) -> int:
    """``cut`` or the nearest earlier place between two user-perceived characters."""
    for place in range(cut, max(cut - _BACK_AT_MOST, 0), -1):
        if not _joined(text, place):
            return place
    return cut


def _joined(text: str, place: int) -> bool:
    """Whether the characters around ``place`` belong together (the common cases of Unicode's UAX #29)."""
    before, after = text[place - 1], text[place]
    if _JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Mc", "Me"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # a skin tone
        return True
    if "\u1160" <= after <= "\u11ff" or "\u1100" <= before <= "\u115f":  # Hangul in parts
        return True
    if not (_flag_half(before) and _flag_half(after)):
        return False
    run = place
    while run > 0 and _flag_half(text[run - 1]):
        run -= 1
    return (place - run) % 2 == 1


def _flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


# What starts or ends formatting, and what stands for it. Slack formats with * ~ ` even inside words, with _ only at
# their edges; a colon could complete an emoji name or an address; & < > have their own escapes.
_MARKS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_EDGE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9_])_+|_+(?![A-Za-z0-9_])")
_COLON = re.compile(r":(?=\S)(?!(?<=\d:)\d\d\s)")  # but not that of 10:30 within a text
_CALL = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_QUOTE = re.compile(r"^(\s*)>", re.MULTILINE)


def inert(text: str) -> str:
    """User text for the inside of mrkdwn: shows as it is, and can be no mention, link, emoji or formatting.

    https://docs.slack.dev/messaging/formatting-message-text#escaping names & < > only; the other marks have no escape,
    so characters that look alike stand for them.
    """
    quoteless = _QUOTE.sub(r"\1›", text)
    marked = _CALL.sub("＠", _COLON.sub("∶", quoteless)).translate(_MARKS)
    return _EDGE_UNDERSCORE.sub(lambda found: "＿" * len(found.group()), marked)


def plain(text: str, limit: int = 3000) -> dict[str, object]:
    """A plain_text object: Slack parses nothing in it, emoji names neither."""
    return {"type": "plain_text", "text": clip(text, limit), "emoji": False}


def mrkdwn(text: str) -> dict[str, object]:
    """A mrkdwn object of our own words; facts in it are ``inert``. Verbatim: bare addresses do not become links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
