"""What AWS counts and ministack does not: in the process of an embedded AWS, into its CloudWatch.

- every invocation of a function, and the metrics that it writes as lines of the embedded metric format (AWS Lambda
  Developer Guide, "Types of metrics for Lambda functions"),
- Amazon API Gateway's counts and latency, by API, stage and method (API Gateway Developer Guide, "Amazon API Gateway
  dimensions and metrics"),
- an Application Load Balancer's counts and times, of it and of each target group (Elastic Load Balancing User Guide for
  Application Load Balancers, "CloudWatch metrics for your Application Load Balancer"),
- the depth of each queue and the age of its oldest message (Amazon SQS Developer Guide, "Available CloudWatch metrics
  for Amazon SQS"),
- the invocations of each rule (Amazon EventBridge User Guide, "Monitoring Amazon EventBridge").

The alarms of the embedded AWS keep the state that they are given: ministack's own evaluation knows neither dimensions
nor missing data. `genesys_firehose_tools.local.drills` evaluates them.
"""

import json
import threading
import time
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import alb, apigateway_v1, cloudwatch, eventbridge, lambda_svc, sqs

_SAMPLE_SECONDS = 0.5
# Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS": it leaves the metric of the age then.
_RECEIVED_TOO_OFTEN = 3


def record_metrics(speed: float) -> None:
    """Record all of them from now on.

    Args:
        speed: Seconds of waiting that pass in one; the age of a message is told in those.
    """
    cloudwatch._evaluate_alarm = lambda _alarm: None
    _read_functions()
    _count_requests()
    _count_balanced_requests()
    _count_invocations()
    threading.Thread(target=_sample_queues, args=(speed,), daemon=True).start()


def _read_functions() -> None:
    """Count and read at the worker, which every invocation passes; ministack counts those of its Invoke alone."""
    invoke = lambda_runtime.Worker.invoke

    def read(worker: Any, *event: Any, **context: Any) -> dict[str, Any]:
        started = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            answer = invoke(worker, *event, **context)
            return answer
        finally:
            measured = {
                "Invocations": 1.0,
                "Errors": float(answer.get("status") != "ok"),
                "Throttles": 0.0,
                "Duration": (time.monotonic() - started) * 1000,
            }
            for name, value in measured.items():
                cloudwatch.record_metric("AWS/Lambda", name, value, "None", {"FunctionName": worker.func_name})
            for line in answer.get("log", "").splitlines():
                if line.startswith('{"_aws"'):
                    values = json.loads(line)
                    for directive in values["_aws"]["CloudWatchMetrics"]:
                        _record(directive, values)

    def count_throttle(function: str, *, throttle: bool, **_: Any) -> None:
        if throttle:
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function})

    lambda_runtime.Worker.invoke = read
    lambda_svc._emit_lambda_metrics = count_throttle


def _record(directive: dict[str, Any], values: dict[str, Any]) -> None:
    for names in directive["Dimensions"]:
        dimensions = {name: values[name] for name in names}
        for metric in directive["Metrics"]:
            value = values[metric["Name"]]
            cloudwatch.record_metric(directive["Namespace"], metric["Name"], value, metric["Unit"], dimensions)


def _count_requests() -> None:
    execute = apigateway_v1.handle_execute

    async def handle_execute(api_id: str, stage: str, method: str, path: str, *rest: Any) -> Any:
        started = time.monotonic()
        answer = await execute(api_id, stage, method, path, *rest)
        api = {"ApiName": apigateway_v1._rest_apis.get(api_id, {}).get("name", api_id)}
        measured = {
            "Count": 1,
            "4XXError": answer[0] // 100 == HTTPStatus.BAD_REQUEST // 100,
            "5XXError": answer[0] // 100 == HTTPStatus.INTERNAL_SERVER_ERROR // 100,
            "Latency": (time.monotonic() - started) * 1000,
        }
        of_stage = {**api, "Stage": stage}
        for dimensions in (api, of_stage, {**of_stage, "Method": method, "Resource": path}):
            for name, value in measured.items():
                cloudwatch.record_metric("AWS/ApiGateway", name, float(value), "None", dimensions)
        return answer

    apigateway_v1.handle_execute = handle_execute


def _count_balanced_requests() -> None:
    dispatch, forward = alb.dispatch_request, alb._forward_to_tg
    balancer: ContextVar[str] = ContextVar("balancer")

    async def dispatch_request(load_balancer: Any, *request: Any, **more: Any) -> Any:
        arn = load_balancer["LoadBalancerArn"]
        balancer.set(alb._elbv2_resource_tail(arn, "loadbalancer/"))
        return await dispatch(load_balancer, *request, **more)

    async def forward_to_tg(arn: str, *request: Any, **more: Any) -> Any:
        started = time.monotonic()
        answer = await forward(arn, *request, **more)
        status = answer[0] // 100
        # A function that fails is answered 502 by the load balancer itself.
        by = "ELB" if answer[0] == HTTPStatus.BAD_GATEWAY else "Target"
        measured = {
            "RequestCount": 1.0,
            f"HTTPCode_{by}_{status}XX_Count": 1.0,
            "TargetResponseTime": time.monotonic() - started,
        }
        of_all = {"LoadBalancer": balancer.get()}
        of_group = {**of_all, "TargetGroup": arn.rpartition(":")[2]}
        for name, value in measured.items():
            for dimensions in (of_all, of_group):
                cloudwatch.record_metric("AWS/ApplicationELB", name, value, "None", dimensions)
        return answer

    alb.dispatch_request = dispatch_request
    alb._forward_to_tg = forward_to_tg


def _count_invocations() -> None:
    invoke = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, *rest: Any) -> Any:
        of_rule = {"RuleName": rule["Name"]}
        for dimensions in (of_rule, {**of_rule, "EventBusName": rule["EventBusName"]}):
            cloudwatch.record_metric("AWS/Events", "Invocations", 1, "Count", dimensions)
        return invoke(target, event, rule, *rest)

    eventbridge._invoke_target = invoke_target


def _sample_queues(speed: float) -> None:
    while True:
        time.sleep(_SAMPLE_SECONDS)
        now = time.time()
        for url, queue in list(sqs._queues.items()):
            messages = list(queue["messages"])
            in_flight = [each["visible_at"] > now and each["receive_count"] > 0 for each in messages]
            delayed = [each["visible_at"] > now and each["receive_count"] == 0 for each in messages]
            ages = [now - each["sent_at"] for each in messages if each["receive_count"] < _RECEIVED_TOO_OFTEN]
            measured = {
                "ApproximateNumberOfMessagesVisible": len(messages) - sum(in_flight) - sum(delayed),
                "ApproximateNumberOfMessagesNotVisible": sum(in_flight),
                "ApproximateNumberOfMessagesDelayed": sum(delayed),
                "ApproximateAgeOfOldestMessage": max(ages, default=0) * speed,
            }
            dimensions = {"QueueName": url.rsplit("/", 1)[1]}
            for name, value in measured.items():
                cloudwatch.record_metric("AWS/SQS", name, float(value), "None", dimensions)
