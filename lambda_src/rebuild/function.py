"""The rebuild function put together: reads a raw object, writes what it becomes."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from rebuild.objects import ERRORS_PREFIX, rebuild
from shared.telemetry import log
from transform.function import CurrentTransformer
from transform.plan import MaskingPlan
from transform.settings import TransformerSettings


class RebuildHandler:
    """The function that a rebuild invokes for every raw object.

    Args:
        settings: what the construct told the function.
        plan: the masking plan.
        raw_key_arn: the KMS key of what is not masked, and so of the records that could not be transformed.
        make_client: makes the client of an AWS service; called once for each, when it is first needed.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        plan: MaskingPlan,
        raw_key_arn: str,
        make_client: Callable[[str], Any],
    ) -> None:
        self._settings = settings
        self._raw_key_arn = raw_key_arn
        self._client = cache(make_client)
        self._current = CurrentTransformer(settings, plan, self._client)

    def handle(self, event: Mapping[str, Any], function_arn: str) -> dict[str, Any] | None:
        """Rebuild the raw object whose key is ``event["key"]``, from its record ``event["start"]`` on, 0 by default.

        Its answer is the event to go on with, if there is more to do. After the last part it is nothing: the last
        answers of all objects of an hour make the output of one state, and AWS limits that.
        """
        answer = self._client("s3").get_object(Bucket=self._settings.bucket_name, Key=event["key"])
        start = event.get("start", 0)
        part = rebuild(event["key"], answer["Body"], self._current.get(), function_arn, start)
        written = sum(self._write(key, content) for key, content in part.objects.items())
        log("INFO", "a raw object is rebuilt", start=start, objects=len(part.objects), written=written)
        return None if part.following is None else {"key": event["key"], "start": part.following}

    def _write(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one of its name, and tell whether it was written.

        Without a key in the request S3 takes the bucket's, which is that of masked events.
        """
        encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._raw_key_arn}
            if key.startswith(ERRORS_PREFIX)
            else {}
        )
        try:
            self._client("s3").put_object(
                Bucket=self._settings.bucket_name,
                Key=key,
                Body=content,
                ContentType="application/gzip",
                IfNoneMatch="*",
                **encryption,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise
        return True
