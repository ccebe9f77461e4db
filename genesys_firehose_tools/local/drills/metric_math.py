"""The metric math that the pipeline's alarms and dashboard use.

After the Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Where one side of an operator
has a value and the other has none, that is 0 (documented); where no metric has one, there is no result. A metric
without any value in the range is not filled (documented nowhere; the pipeline's alarms work either way).
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import compress

Series = list[float | None]

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISON: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def calculate(expression: str, metrics: Mapping[str, Series], times: Sequence[datetime]) -> Series:
    """Calculate an expression at every time.

    Args:
        expression: The expression.
        metrics: Each metric's values at these times, by its id; None where it has none.
        times: The times, UTC.

    Raises:
        ValueError: The expression has something else than the pipeline's own have.
    """
    # CloudWatch's AND and OR are Python's and, or; everything else is written in the same way.
    text = re.sub(r"\b(AND|OR)\b", lambda match: match[0].lower(), expression)
    return _Calculation(metrics, times).of(ast.parse(text, mode="eval").body)


class _Calculation:
    def __init__(self, metrics: Mapping[str, Series], times: Sequence[datetime]) -> None:
        self._metrics = metrics
        self._times = times

    def of(self, node: ast.expr) -> Series:
        match node:
            case ast.Name(id=name):
                return list(self._metrics[name])
            case ast.Constant(value=int() | float() as value):
                return [float(value)] * len(self._times)
            case ast.BinOp(left=left, op=operation, right=right):
                return self._each(_ARITHMETIC[type(operation)], left, right)
            case ast.Compare(left=left, ops=[comparison], comparators=[right]):
                return self._each(_COMPARISON[type(comparison)], left, right)
            case ast.BoolOp(op=operation, values=values):
                combine = all if isinstance(operation, ast.And) else any
                return self._each(lambda *sides: combine(sides), *values)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        raise ValueError(f"{ast.unparse(node)} is no metric math that is known here.")

    def _each(self, function: Callable[..., float], *operands: ast.expr) -> Series:
        """Apply a function to the values of each time at which a metric has one; another's missing value is 0."""
        is_metric = [not isinstance(operand, ast.Constant) for operand in operands]
        return [
            _apply(function, [value or 0.0 for value in values])
            if any(value is not None for value in compress(values, is_metric))
            else None
            for values in zip(*(self.of(operand) for operand in operands), strict=True)
        ]

    def _call(self, name: str, arguments: list[ast.expr]) -> Series:
        match name, arguments:
            case "FILL", [metric, value]:
                series = self.of(metric)
                if all(each is None for each in series):
                    return series
                return [filled if each is None else each for each, filled in zip(series, self.of(value), strict=True)]
            case "IF", [condition, yes, no]:
                chosen = zip(self.of(condition), self.of(yes), self.of(no), strict=True)
                # A missing value is 0 where the condition is true, and missing where it is not.
                return [None if fact is None else ((then or 0.0) if fact else other) for fact, then, other in chosen]
            case "RUNNING_SUM", [metric]:
                series = self.of(metric)
                return [
                    None if each is None else sum(value or 0 for value in series[: place + 1])
                    for place, each in enumerate(series)
                ]
            case "MAX", [ast.List(elts=parts)]:
                sides = zip(*(self.of(part) for part in parts), strict=True)
                return [max((each for each in values if each is not None), default=None) for values in sides]
            case "DAY", [_]:
                return [float(time.isoweekday()) for time in self._times]
            case "HOUR", [_]:
                return [float(time.hour) for time in self._times]
        raise ValueError(f"{name} is no function of metric math that is known here.")


def _apply(function: Callable[..., float], values: Sequence[float]) -> float | None:
    try:
        return float(function(*values))
    except ZeroDivisionError:
        # "If the value of a data point causes a function to attempt to divide by zero, the data point is dropped."
        return None
