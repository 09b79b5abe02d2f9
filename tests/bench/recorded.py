"""Recorded alerts whose truth is known, read without any library: labelled intrusion alerts and telecom alarms.

Neither is part of this project: their places are given by option or environment. AIT-ADS (ait-aecid/alert-data-set) is
a zip of CSV files; the telecom alarms (huawei-noah/trustworthyAI) are ``alarm.csv`` with ``topology.npy`` and
``true_graph.npy``.
"""

from __future__ import annotations

import ast
import csv
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.correlation.signal import Signal, families_of, words_of

BENIGN = "false_positive"
_CODES = {"<f8": "d", "<i8": "q", "<i4": "i", "|b1": "?"}


class Labelled(NamedTuple):
    signal: Signal
    phase: str


def ait_scenarios(path: Path) -> Iterator[tuple[str, list[Labelled]]]:
    """Name and alerts, in the order of time, of every scenario in the zip."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".csv"):
                with archive.open(name) as file:
                    rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
                rows.sort(key=lambda row: float(row["time"]))
                yield (
                    name.removesuffix("_alerts.csv"),
                    [_intrusion(number, row) for number, row in enumerate(rows)],
                )


def _intrusion(number: int, row: dict[str, str]) -> Labelled:
    words = words_of((row["name"],))
    signal = Signal(
        id=str(number),
        at=float(row["time"]),
        kind=row["name"],
        thing=row["host"],
        problem=f"{row['name']}/{row['host']}",
        host=row["host"],
        words=words,
        families=families_of(words),
    )
    return Labelled(signal, row["time_label"])


class Alarm(NamedTuple):
    kind: int
    device: int
    at: float


class Telecom(NamedTuple):
    alarms: list[Alarm]
    neighbours: list[set[int]]
    causes: set[tuple[int, int]]
    kinds: int


def telecom(folder: Path) -> Telecom:
    """The alarms in the order of time, which devices adjoin (each itself too), and the true causes (from, to)."""
    with (folder / "alarm.csv").open(encoding="utf-8") as file:
        alarms = [
            Alarm(*(int(row[k]) for k in ("alarm_id", "device_id", "start_timestamp"))) for row in csv.DictReader(file)
        ]
    links, graph = matrix(folder / "topology.npy"), matrix(folder / "true_graph.npy")
    neighbours = [{j for j, linked in enumerate(line) if linked} | {i} for i, line in enumerate(links)]
    causes = {(i, j) for i, line in enumerate(graph) for j, is_cause in enumerate(line) if is_cause}
    return Telecom(sorted(alarms, key=lambda alarm: alarm.at), neighbours, causes, len(graph))


def matrix(path: Path) -> list[tuple[float, ...]]:
    """A two-dimensional array of NumPy's file format, version 1, in C order."""
    data = path.read_bytes()
    length = struct.unpack_from("<H", data, 8)[0]
    header = ast.literal_eval(data[10 : 10 + length].decode("latin-1"))
    (lines, width), code = header["shape"], _CODES[header["descr"]]
    values = struct.unpack_from(f"<{lines * width}{code}", data, 10 + length)
    return [values[i * width : (i + 1) * width] for i in range(lines)]
