"""A recorded gauge file that is shown again as the service published it: bit by bit, in its own
format.

It reads only what the replay needs: the rows, when each was measured, and which series it belongs
to. The trigger service decides what a reading means.
"""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
BYTE_ORDER_MARK = "\ufeff"


class Unusable(Exception):
    """The file cannot be replayed; the text says why."""


@dataclass
class Series:
    name: str
    unit: str
    readings: list[tuple[float, float]] = field(default_factory=list)  # (seconds since 1970, value)

    def first_at_or_above(self, threshold: float) -> tuple[float, float] | None:
        return next(((at, value) for at, value in sorted(self.readings) if value >= threshold),
                    None)


def seconds_of(text: object) -> float | None:
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def number_of(text: object) -> float | None:
    word = str(text).strip()
    if not NUMBER.fullmatch(word):
        return None
    value = float(word)
    return value if math.isfinite(value) else None


class GaugeFile:
    """A file of one format, for each of which there is a class below."""

    format: str
    media_type: str
    series: dict[str, Series]

    def __init__(self, raw: bytes) -> None:
        """Raises Unusable for bytes that are not of the format."""
        raise NotImplementedError

    def body(self, until: float) -> bytes:
        """The file as it was when nothing later than `until` had been measured."""
        raise NotImplementedError


class EcccCsv(GaugeFile):
    """Environment and Climate Change Canada, hydrometric CSV of the datamart."""

    format = "eccc-csv"
    media_type = "text/csv"

    def __init__(self, raw: bytes) -> None:
        text = raw.decode("utf-8-sig", errors="replace")
        lines = text.splitlines(keepends=True)
        reader = csv.reader(lines)
        header = [cell.strip() for cell in next(reader, [])]
        columns = self._columns(header)
        self._head = BYTE_ORDER_MARK + "".join(lines[: reader.line_num])
        self._rows: list[tuple[float | None, str]] = []
        self.series = {}
        begin = reader.line_num
        for row in reader:
            raw_row, begin = "".join(lines[begin : reader.line_num]), reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            self._rows.append((self._take(row, columns), raw_row))

    @staticmethod
    def _columns(header: list[str]) -> dict[str, int]:
        columns: dict[str, int] = {}
        for index, name in enumerate(header):
            for key, words in {
                "station": ("ID",),
                "date": ("Date",),
                "level": ("Water Level", "Niveau d"),
                "discharge": ("Discharge", "Débit"),
            }.items():
                exact = key in ("station", "date")
                if any(name == word if exact else word in name for word in words):
                    columns.setdefault(key, index)
        if not {"station", "date"} <= columns.keys() or not {"level", "discharge"} & columns.keys():
            raise Unusable(
                "line 1 must have the columns ID, Date and a level or discharge; "
                "is it eccc-csv?"
            )
        return columns

    def _take(self, row: list[str], columns: dict[str, int]) -> float | None:
        cell = lambda key: (  # noqa: E731
            row[columns[key]].strip() if columns[key] < len(row) else "")
        at = seconds_of(cell("date"))
        for parameter, unit in (("level", "m"), ("discharge", "m3/s")):
            if parameter not in columns or at is None:
                continue
            value = number_of(cell(parameter))
            if value is None:
                continue
            name = f"{cell('station')}:{parameter}"
            self.series.setdefault(name, Series(name, unit)).readings.append((at, value))
        return at

    def body(self, until: float) -> bytes:
        shown = []
        for at, text in self._rows:
            if at is None or at <= until:
                shown.append(text)
        return (self._head + "".join(shown)).encode()


def method_of(sensor: dict) -> int:
    """Which of several sensors it is, by the provider's own number."""
    return int((sensor.get("method") or [{}])[0].get("methodID", 0))


class UsgsJson(GaugeFile):
    """USGS instantaneous values as JSON."""

    format = "usgs-json"
    media_type = "application/json"

    def __init__(self, raw: bytes) -> None:
        try:
            self._document = json.loads(raw)
            all_series = self._document["value"]["timeSeries"]
            self.series = {}
            for entry in all_series:
                self._take(entry)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Unusable(f"not USGS IV JSON ({error!r}); is it usgs-json?") from error

    def _take(self, entry: dict) -> None:
        site = entry["sourceInfo"]["siteCode"][0]["value"]
        variable = entry["variable"]
        name = f"{site}:{variable['variableCode'][0]['value']}"
        no_data = float(variable.get("noDataValue", -999999))
        unit = str(variable.get("unit", {}).get("unitCode", ""))
        for sensor in entry["values"]:
            chosen = name if len(entry["values"]) == 1 else f"{name}:{method_of(sensor)}"
            series = self.series[chosen] = Series(chosen, unit)
            for row in sensor["value"]:
                at, value = seconds_of(row.get("dateTime")), number_of(row.get("value"))
                if at is not None and value is not None and value != no_data:
                    series.readings.append((at, value))

    def body(self, until: float) -> bytes:
        shown = {**self._document, "value": {**self._document["value"]}}
        shown["value"]["timeSeries"] = [
            {
                **entry,
                "values": [
                    {**sensor,
                     "value": [row for row in sensor["value"] if self._is_due(row, until)]}
                    for sensor in entry["values"]
                ],
            }
            for entry in self._document["value"]["timeSeries"]
        ]
        return json.dumps(shown, ensure_ascii=False).encode()

    @staticmethod
    def _is_due(row: dict, until: float) -> bool:
        at = seconds_of(row.get("dateTime"))
        return at is None or at <= until


FORMATS = {one.format: one for one in GaugeFile.__subclasses__()}


def open_gauge(path: str, format_name: str) -> GaugeFile:
    try:
        with open(path, "rb") as file:
            return FORMATS[format_name](file.read())
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error


def span(gauge: GaugeFile) -> tuple[float, float]:
    """When the first and the last reading of the file were measured."""
    times = [at for series in gauge.series.values() for at, _ in series.readings]
    if not times:
        raise Unusable("the file has no reading")
    return min(times), max(times)
