"""The function's entry: a schedule's events and CloudFormation's requests."""

from typing import Any

from genesys_ipranges.deployment import answer
from genesys_ipranges.function import IpRangesHandler
from genesys_ipranges.settings import IpRangesSettings
from shared import aws

_settings = IpRangesSettings.from_environment()
_function = IpRangesHandler(
    _settings,
    lambda service: aws.client(service, connect_seconds=3, read_seconds=10, attempts=3),
)


def handle(event: dict[str, Any], _context: object) -> None:
    """Refresh the allow-list."""
    if "ResponseURL" in event:
        answer(event, _settings.set_name, lambda: _function.handle(event))
    else:
        _function.handle({})
