"""Draws docs/dashboard.svg with the data of a local run: an hour of traffic, and failures in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from genesys_firehose_tools.local.dashboard_picture.draw import draw
from genesys_firehose_tools.local.dashboard_picture.widgets import metrics_of
from genesys_firehose_tools.local.drills.alarms import history
from genesys_firehose_tools.local.drills.catalogue import DRILLS
from genesys_firehose_tools.local.drills.definitions import Definitions
from genesys_firehose_tools.local.drills.local_metrics import is_measured, read_samples
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline

_PICTURE = Path(__file__).parents[3] / "docs" / "dashboard.svg"
_MINUTES_OF_TRAFFIC = 12
_EVENTS_A_MINUTE = 10
_FAILURES = ("missing-checksum", "schema-change", "wrong-key", "dead-transform")


def _make_picture(pipeline: LocalPipeline) -> None:
    definitions, stage = Definitions(pipeline), Stage(pipeline)
    _send(stage)
    for name in _FAILURES:
        for _ in DRILLS[name].steps(stage):
            pass
        _send(stage, 5)
    stage.verdict()
    _send(stage)
    body, begin, end = definitions.dashboard(), stage.time.begin, stage.time.of(datetime.now(UTC))
    alarms = [alarm for alarm in stage.alarms if all(is_measured(each.metric) for each in alarm.metrics.values())]
    watched = (each.metric for alarm in alarms for each in alarm.metrics.values())
    data = read_samples(stage.client("cloudwatch"), [*metrics_of(body), *watched], stage.time)
    changes = {alarm.name: history(alarm, data, begin, end) for alarm in alarms}
    states = {name: each[-1].state for name, each in changes.items() if each}
    draw(body, data, states, begin, end + timedelta(minutes=1), _PICTURE)


def _send(stage: Stage, minutes: int = _MINUTES_OF_TRAFFIC) -> None:
    for minute in range(minutes):
        if minute % 5 == 0:
            stage.run_watch()
        stage.send(stage.generate(_EVENTS_A_MINUTE), batch=1)
        stage.send_by_bus(_EVENTS_A_MINUTE)
        stage.wait_minutes(0.5)


if __name__ == "__main__":
    with temporary_pipeline("picture") as pipeline:
        _make_picture(pipeline)
