"""The function behind the custom resource: a trial of the delivery for every creation, and an answer in any case."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from shared.telemetry import log, log_exception
from verification.answer import answer
from verification.delivery import DeliveryError, DeliveryTrial
from verification.settings import VerificationSettings


class VerificationHandler:
    """Answers CloudFormation's requests.

    Args:
        settings: what the construct told the function.
        client: makes the client of an AWS service.
        trial: makes a trial.
    """

    def __init__(
        self,
        settings: VerificationSettings,
        client: Callable[[str], Any],
        trial: Callable[[VerificationSettings, Callable[[str], Any]], DeliveryTrial] = DeliveryTrial,
    ) -> None:
        self._settings = settings
        self._client = client
        self._trial = trial

    def handle(self, request: Mapping[str, Any]) -> None:
        """Try the delivery, unless the resource goes: there is nothing to delete."""
        if request["RequestType"] == "Delete":
            answer(request, {})
            return
        data: dict[str, str] = {}
        problem: str | None = None
        try:
            data = self._trial(self._settings, self._client).run().attributes
            log("INFO", "the delivery works", seconds=data["Seconds"])
        except DeliveryError as error:
            problem = str(error)
            log("ERROR", "the delivery does not work", reason=problem)
        except ClientError as error:
            log_exception("a call of the verification was refused", error)
            problem = (
                f"The verification's call {error.operation_name} was refused with {error.response['Error']['Code']}: "
                "give its role its policy back, or leave the verification out."
            )
        except Exception as error:
            log_exception("the verification failed", error)
            problem = f"The verification itself failed with {type(error).__name__}: its log names the place."
        answer(request, data, problem)
