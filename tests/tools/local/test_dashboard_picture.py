"""The picture of the dashboard shows every widget, line, unit and threshold of the definition."""

import html
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.local.dashboard_picture.draw import draw
from genesys_firehose_tools.local.dashboard_picture.widgets import Graph, metrics_of
from genesys_firehose_tools.local.drills.alarms import AlarmState, Samples
from tests.library.monitoring.test_dashboard import body_of
from tests.library.synthesis import ROOT
from tests.library.templates import template

BEGIN = datetime(2026, 11, 30, 10, tzinfo=UTC)
END = BEGIN + timedelta(hours=1)


def _texts(body: dict[str, Any]) -> Iterator[str]:
    """What must stand in the picture."""
    for widget in body["widgets"]:
        properties = widget["properties"]
        yield properties.get("title") or properties["markdown"].lstrip("# ")
        yield from (alarm.rsplit("/", 1)[-1] for alarm in properties.get("alarms", []))
        if widget["type"] == "metric" and properties["view"] == "timeSeries":
            yield from (line.label for line in Graph(properties).lines)
            yield properties["yAxis"]["left"]["label"]
            yield from (each["label"] for each in properties.get("annotations", {}).get("horizontal", []))
        elif widget["type"] == "metric":
            # A label is broken into lines.
            yield from (word for line in Graph(properties).lines for word in line.label.split())


def _draw(body: dict[str, Any], path: Path) -> str:
    data = Samples()
    for number, metric in enumerate(metrics_of(body), start=1):
        for minute in range(0, 60, 5):
            data.add(
                metric, BEGIN + timedelta(minutes=minute), Sum=number, SampleCount=2, Minimum=number, Maximum=number
            )
    states = dict.fromkeys(
        (alarm for widget in body["widgets"] for alarm in widget["properties"].get("alarms", [])), AlarmState.OK
    )
    draw(body, data, states, BEGIN, END, path)
    return html.unescape(path.read_text())


@pytest.mark.parametrize("name", ["maximal", "every wing of Genesys Cloud", "bus alone"])
def test_every_widget_line_unit_and_threshold_of_the_definition_stands_in_the_picture(
    name: str, tmp_path: Path
) -> None:
    body = body_of(template(name))
    picture = _draw(body, tmp_path / "dashboard.svg")
    assert [text for text in _texts(body) if text not in picture] == []
    assert "no data" not in picture


def test_the_same_data_make_the_same_picture_and_none_make_one_that_says_so(tmp_path: Path) -> None:
    body = body_of(template("bus alone"))
    assert _draw(body, tmp_path / "one.svg") == _draw(body, tmp_path / "two.svg")
    draw(body, Samples(), {}, BEGIN, END, tmp_path / "none.svg")
    assert "no data" in (tmp_path / "none.svg").read_text()


def test_the_picture_of_the_documentation_is_of_the_dashboard_as_it_is_now() -> None:
    picture = html.unescape((ROOT / "docs" / "dashboard.svg").read_text())
    body = body_of(template("Pipeline of local"))
    names = set(_texts({"widgets": [each for each in body["widgets"] if each["type"] != "alarm"]}))
    assert [text for text in names if text not in picture] == []
