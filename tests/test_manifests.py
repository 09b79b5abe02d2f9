"""The manifests in the repository are those that the code makes."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from bot.manifests import manifests
from core.config.settings import Settings

FOLDER = Path(__file__).parents[1] / "manifest"
BASE = "https://desk.example.com"


def meaning(name: str, data: bytes) -> object:
    """What a file says, however hard it was compressed: that differs from one zlib to the next."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return {each: meaning(each, packed.read(each)) for each in packed.namelist()}
    return pixels(data) if name.endswith(".png") else data.decode()


def pixels(png: bytes) -> tuple[bytes, bytes]:
    """The header and the unpacked image. A chunk is its length, its name, its data and a checksum."""
    header, packed, place = b"", b"", 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        header += data if kind == b"IHDR" else b""
        packed += data if kind == b"IDAT" else b""
        place += 12 + length
    return header, zlib.decompress(packed)


def test_the_committed_manifests_are_what_the_code_makes() -> None:
    made = manifests(Settings(), BASE)
    kept = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert kept.keys() == made.keys()
    differing = [name for name, data in made.items() if meaning(name, kept[name]) != meaning(name, data)]
    assert not differing, f"run `deskbell manifest --base-url {BASE}`"
