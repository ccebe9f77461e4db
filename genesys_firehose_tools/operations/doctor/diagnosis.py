"""Runs the checks, several at a time; what can't be looked at is a finding, too."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.operations.doctor.checks import CHECKS, Check
from genesys_firehose_tools.operations.doctor.findings import Finding, State, fault, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection

_AT_ONCE = 8
_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "403")
_GONE = ("NotFound", "NoSuch", "Nonexistent", "NonExistent", "DoesNotExist", "404")


def diagnose(inspection: Inspection, checks: Sequence[Check[Any]] = CHECKS) -> Iterator[tuple[str, Finding]]:
    """Yield what every check finds, by its name, in the order of the table.

    Raises:
        BotoCoreError: AWS can't be reached, or not with these credentials.
    """
    looks = {check.look for check in checks}
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        # Checks of the same snapshot look once.
        snapshots = {look: executor.submit(_look, look, inspection) for look in looks}
        for check in checks:
            snapshot = snapshots[check.look].result()
            if isinstance(snapshot, Finding):
                yield check.name, snapshot
                continue
            for finding in list(check.judge(snapshot)) or [ok(check.good)]:
                yield check.name, finding


def _look(look: Callable[[Inspection], Any], inspection: Inspection) -> Any:
    try:
        return look(inspection)
    except ClientError as error:
        return explain(error)


def explain(error: ClientError) -> Finding:
    """Say what it means that AWS refused a question."""
    code, operation = error.response["Error"]["Code"], error.operation_name
    if any(part in code for part in _DENIED):
        return warning(
            f"{operation} is denied, so this could not be checked.",
            means="Nothing is known of it.",
            fix="Let pipeline.grant_operate give you the rights, or name another AWS profile with --profile.",
        )
    if any(part in code for part in _GONE):
        return fault(
            f"Something that the stack made is gone: AWS answers {operation} with {code}.",
            means="What depends on it fails.",
            fix="aws cloudformation detect-stack-drift names it; restore it, or deploy the stack again.",
        )
    return warning(
        f"AWS answers {operation} with {code}, so this could not be checked.",
        means="Nothing is known of it.",
        fix="Run this again; if it stays, ask AWS for it by hand.",
    )


def worst(findings: Sequence[Finding]) -> State:
    """Return the state of a check, or of all of them."""
    order = (State.FAULT, State.WARNING, State.OK)
    states = {finding.state for finding in findings}
    return next((state for state in order if state in states), State.NOT_APPLICABLE)
