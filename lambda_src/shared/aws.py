"""AWS clients with bounded waiting.

botocore rather than boto3: the resource layer that boto3 adds is import time the functions would pay for nothing.
"""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader


class _EveryService(tuple[str, ...]):
    """The names of all services, unlisted."""

    def __contains__(self, _name: object) -> bool:
        return True


class _Loader(Loader):  # type: ignore[misc]  # botocore publishes no types
    """Opens the model of the service that is asked for.

    botocore's own lists the directories of all services first, twice, to say which one does not exist. That is
    a tenth of what the first client costs a cold start; a service that does not exist is an error all the same.
    """

    def list_available_services(self, type_name: str) -> tuple[str, ...]:  # noqa: ARG002 - botocore's signature
        return _EveryService()


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


def client(
    service: str, *, connect_seconds: float, read_seconds: float, attempts: int = 1, connections: int = 2
) -> Any:
    """Make a client that gives up a silent service after ``attempts`` times connecting plus reading, and backing off.

    These are the waits of botocore: for a connection to one address, and for the next bytes of an answer. A service
    that sends byte by byte outlasts them; then the function's own timeout ends the request.

    ``attempts`` is 1 by default: who retries decides here, in our code, because a retry of a put is a new copy of
    its records and must fit into what is left of the request's time.
    """
    return _session().create_client(
        service,
        config=Config(
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            # One environment serves one request at a time; a function that reads side by side asks for more.
            max_pool_connections=connections,
            # botocore builds its user agent twice for each call: a seventh of a call's CPU. This is its text without
            # the features that a call uses.
            user_agent=_session().user_agent(),
            # The tests validate the functions' parameters, and AWS refuses wrong ones. Validation costs 5 % of a call
            # with one record, and 12 % of one with a hundred.
            parameter_validation=False,
        ),
    )
