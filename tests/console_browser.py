"""A browser without pictures: it keeps cookies, fills in forms and looks at the tags of a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from tests.running_service import API_TOKEN, Answer, Running


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class Browser:
    """Keeps cookies as a browser does, and fills in forms."""

    def __init__(self, service: Running, **headers: str) -> None:
        self._service = service
        self.headers = headers
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", path, {**kind, **headers}, data=urlencode(form).encode())

    async def submit(self, page: str, path: str, **fields: str) -> Answer:
        """Posts the form of ``page`` that goes to ``path``, with the page's own token."""
        html = (await self.get(page)).text
        assert f'action="{path}"' in html, f"{page} has no form for {path}"
        return await self.post(path, {"form_token": token_of(html), **fields})

    async def login(self, token: str = API_TOKEN, **fields: str) -> Answer:
        return await self.submit("/login", "/login", token=token, **fields)

    async def _send(self, method: str, path: str, headers: dict[str, str], **options: Any) -> Answer:
        cookie = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        )
        sent = {**self.headers, **cookie, **headers}
        answer = await self._service.request(method, path, headers=sent, **options)
        for line in answer.headers.getall("Set-Cookie", ()):  # type: ignore[attr-defined]
            name, _, rest = line.partition("=")
            value = rest.split(";", 1)[0]
            if value and value != '""':
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer


def token_of(html: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


async def signed_in(service: Running) -> Browser:
    """A browser in which kim is signed in, reading English."""
    made = Browser(service)
    made.cookies["deskbell_language"] = "en"
    assert (await made.login(person="kim")).status == 303
    return made
