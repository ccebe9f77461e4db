"""IP sets of AWS WAF in memory, which change only for who has read them last, with an error at any call."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.model import Shape, StringShape
from botocore.validate import ParamValidator


@cache
def _inputs() -> dict[str, Shape]:
    model = botocore.session.get_session().get_service_model("wafv2")
    return {xform_name(name): model.operation_model(name).input_shape for name in model.operation_names}


def _validate(method: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what AWS's own model of the call refuses, forms of texts included."""
    shape = _inputs()[method]
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()
    for name, value in parameters.items():
        member = shape.members[name]
        if isinstance(member, StringShape):
            assert re.fullmatch(member.metadata.get("pattern", ".*"), value), (name, value)
            assert len(value) <= member.metadata.get("max", len(value)), (name, value)


def waf_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "a sentence of AWS"}}, "IPSet")


class InMemoryWaf:
    """The IP sets of an account and region.

    Attributes:
        sets: What there is, by name.
        calls: The calls made.
        errors: What goes wrong at the call of a number, before it has its effect.
        lost_answers: The numbers of the calls whose answer is lost after the effect.
        in_use_for: How many deletions a set refuses because a web ACL uses it.
        page_size: How many sets a page of the list shows at most.
    """

    def __init__(self) -> None:
        self.sets: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.errors: dict[int, str] = {}
        self.lost_answers: set[int] = set()
        self.in_use_for = 0
        self.page_size = 100
        self._ids = map("0a1b2c3d-0000-4000-8000-{:012x}".format, count(1))

    @property
    def addresses(self) -> dict[str, list[str]]:
        """What the sets hold, by name."""
        return {name: each["Addresses"] for name, each in self.sets.items()}

    @property
    def writes(self) -> int:
        """How many calls changed something."""
        return sum(call.split("_")[0] in ("create", "update", "delete") for call in self.calls)

    def add_foreign(self, name: str) -> None:
        """Let somebody else have a set."""
        self._create_ip_set(Name=name, IPAddressVersion="IPV4", Addresses=["10.0.0.0/8"])

    def touch(self) -> None:
        """Let somebody else write every set."""
        for each in self.sets.values():
            each["LockToken"] = next(self._ids)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if not method.endswith(("_ip_set", "_ip_sets")):
            raise AttributeError(method)
        effect = getattr(self, f"_{method}")

        def call(**parameters: Any) -> Any:
            number = len(self.calls)
            self.calls.append(method)
            _validate(method, parameters)
            if number in self.errors:
                raise waf_error(self.errors[number])
            answer = effect(**parameters)
            if number in self.lost_answers:
                raise ReadTimeoutError(endpoint_url="")
            return answer

        return call

    def _list_ip_sets(self, *, NextMarker: str = "0", Limit: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        start, names = int(NextMarker), sorted(self.sets)
        end = start + min(self.page_size, Limit)
        summaries = [
            {"Name": name, "Id": self.sets[name]["Id"], "LockToken": self.sets[name]["LockToken"]}
            for name in names[start:end]
        ]
        # AWS WAF may give a marker although no more sets follow.
        return {"IPSets": summaries, "NextMarker": str(end)} if summaries else {"IPSets": []}

    def _get_ip_set(self, *, Name: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self._existing(Name)
        return {
            "IPSet": {"Addresses": found["Addresses"], "ARN": found["ARN"]},
            "LockToken": found["LockToken"],
        }

    def _create_ip_set(self, *, Name: str, IPAddressVersion: str, Addresses: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        if Name in self.sets:
            raise waf_error("WAFDuplicateItemException")
        identifier = next(self._ids)
        arn = f"arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/{Name}/{identifier}"
        self.sets[Name] = {
            "Id": identifier,
            "ARN": arn,
            "Addresses": Addresses,
            "LockToken": next(self._ids),
            "Version": IPAddressVersion,
        }
        return {"Summary": {"ARN": arn}}

    def _update_ip_set(self, *, Name: str, Addresses: list[str], LockToken: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self._held(Name, LockToken)
        found["Addresses"], found["LockToken"] = Addresses, next(self._ids)
        return {}

    def _delete_ip_set(self, *, Name: str, LockToken: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._held(Name, LockToken)
        if self.in_use_for:
            self.in_use_for -= 1
            raise waf_error("WAFAssociatedItemException")
        del self.sets[Name]
        return {}

    def _existing(self, name: str) -> dict[str, Any]:
        if name not in self.sets:
            raise waf_error("WAFNonexistentItemException")
        return self.sets[name]

    def _held(self, name: str, lock_token: str) -> dict[str, Any]:
        found = self._existing(name)
        if found["LockToken"] != lock_token:
            raise waf_error("WAFOptimisticLockException")
        return found
