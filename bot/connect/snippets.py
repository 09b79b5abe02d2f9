"""The templates of each kind of source, filled in with an address and a token.

A template is a file below ``templates/<kind>/`` with the marks ``@URL@`` (where alerts are posted), ``@BASE@`` (the
installation), ``@TOKEN@`` and ``@NAME@`` (of the source). What fills them is letters, digits and ``-_.:/[]`` alone: it
needs no quotation in any of the languages that the templates are written in.
"""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
KINDS = tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir() and folder.name != "spool"))
_WITH_SPOOL = frozenset({"nagios", "icinga"})
_PLAIN = re.compile(r"[A-Za-z0-9_.:/\[\]-]*")


def snippets(kind: str, name: str, base_url: str, token: str) -> dict[str, str]:
    """The files of a kind by their names. Raises ``ValueError`` for an address or a token that needs quotation."""
    base = base_url.rstrip("/")
    filled = {"@URL@": f"{base}/webhooks/{name}", "@BASE@": base, "@TOKEN@": token, "@NAME@": name}
    for value in filled.values():
        if not _PLAIN.fullmatch(value):
            raise ValueError(f"{value!r} has characters that cannot stand in every template")
    folders = [TEMPLATES / kind, *([TEMPLATES / "spool"] if kind in _WITH_SPOOL else [])]
    return {path.name: _fill(path.read_text(), filled) for folder in folders for path in sorted(folder.iterdir())}


def _fill(text: str, filled: dict[str, str]) -> str:
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text
