"""The transform function put together: what lives as long as its execution environment, and what it does per batch."""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from shared.secret_key import usable_key
from shared.telemetry import Metrics, log_exception
from transform.batch import answer_batch
from transform.deduplication import KeyOwners
from transform.masking import Masker
from transform.plan import MaskingPlan
from transform.records import Transformer
from transform.settings import TransformerSettings, TransformSettings
from transform.tokens import identifier, key_id

KEY_CACHE_SECONDS = 300.0


class CurrentTransformer:
    """What turns raw records into clean ones, the same for events that arrive and for those read again.

    Its tokenization key is read again after five minutes, so that a key that leaked is out of use soon after it was
    replaced, whatever environments are warm. While the key can't be read, the known one goes on.

    Args:
        settings: what the construct told the function.
        plan: the masking plan.
        client: gives the client of an AWS service.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        plan: MaskingPlan,
        client: Callable[[str], Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._client = client
        self._clock = clock
        self._transformer: Transformer | None = None
        self._read_at = 0.0

    def get(self) -> Transformer:
        """Return the transformer. Without a key nothing could be masked, so an error of the first reading is raised."""
        now = self._clock()
        if self._transformer is None or now - self._read_at > KEY_CACHE_SECONDS:
            self._transformer = self._made_anew(self._transformer)
            self._read_at = now
        return self._transformer

    def _made_anew(self, known: Transformer | None) -> Transformer:
        try:
            made = self._made()
        except Exception as error:
            if known is None:
                raise
            log_exception("the tokenization key can't be read again; the known one goes on", error)
            return known
        # With the same key, the one that is there remembers its tokens.
        return known if known is not None and known.version == made.version else made

    def _made(self) -> Transformer:
        settings = self._settings
        secret = self._client("secretsmanager").get_secret_value(SecretId=settings.tokenization_secret_arn)
        key = usable_key(secret.get("SecretString"), "tokenization key")
        # AWS Secrets Manager API Reference, "GetSecretValue": when this version of the secret was created.
        key_version = f"{int(secret['CreatedDate'].timestamp()):010d}.{key_id(key)}"
        masker, identify = Masker(self._plan, key), identifier(key)
        return Transformer(masker, identify, self._plan.version, key_version, settings.date_window, self._get_object)

    def _get_object(self, key: str) -> bytes:
        content: bytes = self._client("s3").get_object(Bucket=self._settings.bucket_name, Key=key)["Body"].read()
        return content


class TransformHandler:
    """The function behind Firehose's data transformation.

    Args:
        settings: what the construct told the function.
        plan: the masking plan.
        make_client: makes the client of an AWS service; called once for each: at once for what every batch needs, and
            for S3 when it is first needed.
    """

    def __init__(
        self,
        settings: TransformSettings,
        plan: MaskingPlan,
        make_client: Callable[[str], Any],
    ) -> None:
        self._client = cache(make_client)
        # Made while the environment starts (AWS Lambda Developer Guide, "Best practices for working with AWS Lambda
        # functions"): the first batch would wait for four times the CPU time otherwise.
        for service in ("secretsmanager", "dynamodb"):
            self._client(service)
        self._key_owners = KeyOwners(
            partial(self._client, "dynamodb"), settings.table_name, int(settings.owner_ttl.total_seconds())
        )
        self._current = CurrentTransformer(settings.transformer, plan, self._client)

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a Firehose batch.

        Without the tokenization key nothing could be masked, so nothing passes: the error fails the batch, Firehose
        tries again, and in the end files it under ``errors/``.
        """
        metrics = Metrics()
        try:
            transformer = self._current.get()
            known = transformer.tokens_made
            answers = answer_batch(event["records"], transformer, self._key_owners, metrics)
            metrics.count("TokensMade", transformer.tokens_made - known)
            return {"records": answers}
        finally:
            metrics.flush()
