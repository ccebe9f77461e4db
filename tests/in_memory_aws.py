"""The AWS services that the functions call, in memory, with faults at any call.

Every call has a number. A schedule names, for some numbers, what goes wrong there: before the call has its effect, or
after it, when only the answer is lost. That is what no embedded AWS can do, and all that this one is for.
"""

# The arguments are named as AWS names them; the one queue and bucket need no name.
# ruff: noqa: N803, ARG002

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import botocore.session
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator


class Fault(Enum):
    """What can go wrong at a call."""

    CRASH_BEFORE = "the function dies before the call"
    CRASH_AFTER = "the function dies after the call"
    TIMEOUT = "the call never arrives and times out"
    LOST_ANSWER = "the call takes effect, its answer is lost"
    THROTTLE = "the call is throttled"
    REFUSED = "the call is refused for good"
    PARTIAL = "half of the call's entries fail"


class Crash(BaseException):
    """The execution environment is gone, with all that was in its memory."""


Schedule = Mapping[int, Fault]


class InMemoryAws:
    """Firehose, SQS, DynamoDB, Secrets Manager and S3."""

    def __init__(self, schedule: Schedule | None = None) -> None:
        self.schedule = dict(schedule or {})
        self.calls: list[str] = []
        self.in_stream: list[bytes] = []
        self.stream_of: dict[bytes, str] = {}
        self.raw: list[bytes] = []
        self.queue: list[str] = []
        self.dead_letters: list[str] = []
        self.reasons: list[str] = []
        self.hidden: dict[str, int] = {}
        self.owners: dict[str, str] = {}
        self.owners_expire: dict[str, int] = {}
        self.seconds: dict[str, dict[str, Any]] = {}
        self.write_units = 0
        self.now = datetime.now(UTC)
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}
        self.uploads: list[dict[str, Any]] = []
        self.secret_versions: dict[str, str | bytes] = {"AWSCURRENT": "the-first-key"}
        self.secret_created = datetime.now(UTC)
        self.previous_secret_created = datetime.now(UTC) - timedelta(days=100)
        self.stream_status = "ACTIVE"
        self.stream_statuses: dict[str, str] = {}
        self.described: list[str] = []

    def client(self, service: str) -> Any:
        services = {
            "firehose": _Firehose,
            "sqs": _Sqs,
            "dynamodb": _DynamoDb,
            "secretsmanager": _SecretsManager,
            "s3": _S3,
        }
        return _Validated(service, services[service](self))

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Let calls be made that have no number and no fault."""
        schedule, self.schedule = self.schedule, {}
        calls, self.calls = self.calls, []
        try:
            yield
        finally:
            self.schedule, self.calls = schedule, calls

    def call(self, name: str, effect: Callable[[bool], Any]) -> Any:
        """Make call number ``len(calls)``; ``effect`` is told whether half of its entries must fail."""
        fault = self.schedule.get(len(self.calls))
        self.calls.append(name)
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault is Fault.TIMEOUT:
            raise ReadTimeoutError(endpoint_url="")
        if fault is Fault.THROTTLE:
            raise refusal("ThrottlingException", name)
        if fault is Fault.REFUSED:
            raise refusal("AccessDeniedException", name)
        answer = effect(fault is Fault.PARTIAL)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is Fault.LOST_ANSWER:
            raise ReadTimeoutError(endpoint_url="")
        return answer


def refusal(code: str, operation: str) -> ClientError:
    metadata: Any = {"HTTPStatusCode": 400}
    return ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": metadata}, operation)


_ALLOWED = re.compile("Missing required parameter|Invalid length")


class _Validated:
    """A service whose requests and answers are as botocore's model of it says.

    The functions' own clients do not look at their requests, for their speed.
    """

    def __init__(self, service: str, itself: "_Service") -> None:
        self._name = service
        self._service = itself

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            operation = _operation(self._name, method)
            assert not (faults := _faults(parameters, operation.input_shape)), faults
            answer = getattr(self._service, method)(**parameters)
            # What the functions never look at is left out, and a test may plant a value that AWS would not keep.
            faults = [each for each in _faults(answer, operation.output_shape) if not _ALLOWED.match(each)]
            assert not faults, faults
            return answer

        return call

    def get_paginator(self, method: str) -> Any:
        return SimpleNamespace(paginate=lambda **parameters: iter([getattr(self, method)(**parameters)]))


def _faults(values: Mapping[str, Any], shape: Shape) -> list[str]:
    """What values are not as botocore's model has them, each in a line."""
    return str(ParamValidator().validate(values, shape).generate_report()).splitlines()


@cache
def _operation(service: str, method: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(method.title().replace("_", ""))


class _Service:
    def __init__(self, aws: InMemoryAws) -> None:
        self._aws = aws


class _Firehose(_Service):
    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:
        assert 0 < len(Records) <= 500
        assert sum(len(record["Data"]) for record in Records) <= 4 * 1024 * 1024
        assert all(len(record["Data"]) <= 1000 * 1024 for record in Records)

        def effect(partial: bool) -> dict[str, Any]:
            responses: list[dict[str, str]] = []
            for index, record in enumerate(Records):
                if partial and index % 2 == 0:
                    responses.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
                    continue
                self._aws.in_stream.append(record["Data"])
                self._aws.stream_of[record["Data"]] = DeliveryStreamName
                self._aws.raw.append(record["Data"])
                responses.append({"RecordId": str(len(self._aws.raw))})
            failed = sum("ErrorCode" in response for response in responses)
            return {"FailedPutCount": failed, "RequestResponses": responses}

        answer: dict[str, Any] = self._aws.call("PutRecordBatch", effect)
        return answer

    def describe_delivery_stream(self, *, DeliveryStreamName: str) -> dict[str, Any]:
        self._aws.described.append(DeliveryStreamName)
        status = self._aws.stream_statuses.get(DeliveryStreamName, self._aws.stream_status)
        description = {"DeliveryStreamDescription": {"DeliveryStreamStatus": status}}
        answer: dict[str, Any] = self._aws.call("DescribeDeliveryStream", lambda _partial: description)
        return answer


class _Sqs(_Service):
    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert 0 < len(Entries) <= 10
        attributes = [entry.get("MessageAttributes", {}) for entry in Entries]
        reasons = [each["Reason"]["StringValue"] for each in attributes if each]
        bodies = [entry["MessageBody"].encode("utf-8", "surrogatepass") for entry in Entries]
        assert sum(map(len, bodies)) + sum(len(f"ReasonString{reason}") for reason in reasons) <= 1024 * 1024
        is_buffer = QueueUrl.endswith("buffer")
        assert is_buffer or len(reasons) == len(Entries)

        def effect(partial: bool) -> dict[str, Any]:
            failed, sent = [], []
            for index, entry in enumerate(Entries):
                if partial and index % 2 == 0:
                    failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                elif is_buffer:
                    self._aws.queue.append(entry["MessageBody"])
                    sent.append({"Id": entry["Id"], "MessageId": f"sent {entry['MessageBody']}"})
                else:
                    self._aws.dead_letters.append(entry["MessageBody"])
                    self._aws.reasons.append(reasons[index])
                    sent.append({"Id": entry["Id"], "MessageId": f"sent {entry['MessageBody']}"})
            return {name: entries for name, entries in (("Successful", sent), ("Failed", failed)) if entries}

        answer: dict[str, Any] = self._aws.call("SendMessageBatch", effect)
        return answer

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            bodies = self._aws.dead_letters[:MaxNumberOfMessages]
            messages = [{"MessageId": body, "ReceiptHandle": body, "Body": body} for body in bodies]
            return {"Messages": messages} if messages else {}

        answer: dict[str, Any] = self._aws.call("ReceiveMessage", effect)
        return answer

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        def effect(partial: bool) -> dict[str, Any]:
            failed = []
            for index, entry in enumerate(Entries):
                if partial and index % 2 == 0:
                    failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                elif entry["ReceiptHandle"] in self._aws.dead_letters:
                    self._aws.dead_letters.remove(entry["ReceiptHandle"])
            return {"Failed": failed} if failed else {}

        answer: dict[str, Any] = self._aws.call("DeleteMessageBatch", effect)
        return answer

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert 0 < len(Entries) <= 10
        assert QueueUrl.endswith("buffer")

        def effect(partial: bool) -> dict[str, Any]:
            taken = [entry for index, entry in enumerate(Entries) if not (partial and index % 2 == 0)]
            self._aws.hidden.update({entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in taken})
            failed = [{"Id": e["Id"], "Code": "InternalError", "SenderFault": False} for e in Entries if e not in taken]
            return {"Failed": failed} if failed else {}

        answer: dict[str, Any] = self._aws.call("ChangeMessageVisibilityBatch", effect)
        return answer


def _write_units(item: dict[str, Any]) -> int:
    size = sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
    return -(-size // 1024)


class _DynamoDb(_Service):
    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:
        assert 0 < len(Statements) <= 25

        def effect(partial: bool) -> dict[str, Any]:
            responses: list[dict[str, Any]] = []
            for index, statement in enumerate(Statements):
                key, owner, expiry = (value for item in statement["Parameters"] for value in item.values())
                if partial and index % 2 == 0:
                    responses.append({"Error": {"Code": "ThrottlingError"}})
                elif key in self._aws.owners:
                    responses.append({"Error": {"Code": "DuplicateItem"}})
                else:
                    self._aws.write_units += 1
                    self._aws.owners[key] = owner
                    self._aws.owners_expire[key] = int(expiry)
                    responses.append({})
            return {"Responses": responses}

        answer: dict[str, Any] = self._aws.call("BatchExecuteStatement", effect)
        return answer

    def update_item(
        self,
        *,
        TableName: str,
        Key: dict[str, Any],
        UpdateExpression: str,
        ExpressionAttributeValues: dict[str, Any],
        ConditionExpression: str = "",
        ExpressionAttributeNames: dict[str, str] | None = None,
        ReturnValues: str = "",
        ReturnValuesOnConditionCheckFailure: str = "",
    ) -> dict[str, Any]:
        """Change an item as the two expressions that the functions use say; ministack holds the expressions."""
        names = ExpressionAttributeNames or {}
        if not names:
            assert UpdateExpression == "SET expires_at = :expires_at"
            prolonged: dict[str, Any] = self._aws.call(
                "UpdateItem",
                lambda _partial: (
                    self._aws.seconds.setdefault(Key["dedup_key"]["S"], {"claims": {"N": "0"}}).update(
                        expires_at=ExpressionAttributeValues[":expires_at"]
                    )
                    or {}
                ),
            )
            return prolonged
        assert len(UpdateExpression) < 4096
        assert ConditionExpression == "attribute_not_exists(claims) OR claims < :full"
        assert (ReturnValues, ReturnValuesOnConditionCheckFailure) == ("UPDATED_NEW", "ALL_OLD")
        claims = re.findall(r"(#\d+) = if_not_exists\((#\d+), (:\d+)\)", UpdateExpression)
        assert claims
        assert all(name == same for name, same, _ in claims)

        def effect(_partial: bool) -> dict[str, Any]:
            values = ExpressionAttributeValues
            item = self._aws.seconds.setdefault(Key["dedup_key"]["S"], {"claims": {"N": "0"}})
            if int(item["claims"]["N"]) >= int(values[":full"]["N"]):
                # A refused write is billed, too (Amazon DynamoDB Developer Guide, "Conditional writes").
                self._aws.write_units += _write_units(item)
                error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}, "Item": dict(item)}
                raise ClientError(error, "UpdateItem")
            for name, _, value in claims:
                item.setdefault(names[name], values[value])
            item["expires_at"] = values[":expires_at"]
            item["claims"] = {"N": str(int(item["claims"]["N"]) + int(values[":claims"]["N"]))}
            self._aws.write_units += _write_units(item)
            updated = ["expires_at", "claims", *names.values()]
            return {"Attributes": {name: item[name] for name in updated}}

        answer: dict[str, Any] = self._aws.call("UpdateItem", effect)
        return answer

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        [(table, request)] = RequestItems.items()
        assert request["ConsistentRead"]
        keys = [key["dedup_key"]["S"] for key in request["Keys"]]
        assert 0 < len(keys) <= 100

        def effect(partial: bool) -> dict[str, Any]:
            items = [
                {"dedup_key": {"S": key}, "owner": {"S": self._aws.owners[key]}}
                for index, key in enumerate(keys)
                if key in self._aws.owners and not (partial and index % 2 == 0)
            ]
            return {"Responses": {table: items}, "UnprocessedKeys": {}}

        answer: dict[str, Any] = self._aws.call("BatchGetItem", effect)
        return answer


class _SecretsManager(_Service):
    def get_secret_value(self, *, SecretId: str, VersionStage: str = "AWSCURRENT") -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            if VersionStage not in self._aws.secret_versions:
                raise refusal("ResourceNotFoundException", "GetSecretValue")
            value = self._aws.secret_versions[VersionStage]
            is_current = VersionStage == "AWSCURRENT"
            created = self._aws.secret_created if is_current else self._aws.previous_secret_created
            member = "SecretBinary" if isinstance(value, bytes) else "SecretString"
            return {member: value, "CreatedDate": created, "VersionId": f"version of {value!r}"}

        answer: dict[str, Any] = self._aws.call("GetSecretValue", effect)
        return answer


class _S3(_Service):
    def put_object(self, **request: Any) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            if request.get("IfNoneMatch") == "*" and request["Key"] in self._aws.objects:
                raise refusal("PreconditionFailed", "PutObject")
            self._aws.objects[request["Key"]] = request.get("Body", b"")
            self._aws.written[request["Key"]] = self._aws.now
            self._aws.uploads.append(request)
            return {}

        answer: dict[str, Any] = self._aws.call("PutObject", effect)
        return answer

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            if Key not in self._aws.objects:
                raise refusal("NoSuchKey", "GetObject")
            return {"Body": io.BytesIO(self._aws.objects[Key])}

        answer: dict[str, Any] = self._aws.call("GetObject", effect)
        return answer

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            contents = [
                {"Key": key, "ETag": f'"{crc32(body)}"', "LastModified": self._aws.written.get(key, self._aws.now)}
                for key, body in sorted(self._aws.objects.items())
                if key.startswith(Prefix)
            ]
            return {"Contents": contents} if contents else {}

        answer: dict[str, Any] = self._aws.call("ListObjectsV2", effect)
        return answer
