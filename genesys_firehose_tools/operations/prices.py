"""List prices as data: each with its unit, region, date, source, and whether the source was read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genesys_firehose_tools.errors import ToolError

ATHENA_LEAST_BYTES = 10_000_000
"""Athena counts at least so much for a query (known at second hand, as its price)."""

_BUILT_IN = Path(__file__).with_name("prices.json")


class PricesError(ToolError):
    """A file of prices can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What more units cost.

    Attributes:
        above: Units in a month above which it begins.
        usd: US dollars for one unit more.
    """

    above: float
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A list price, without taxes, discounts and free tiers.

    Attributes:
        usd: US dollars for one unit, up to the first tier.
        unit: What one unit is.
        region: The AWS region it is asked in.
        as_of: When it was so, as exactly as is known.
        source: Where it is from.
        status: "documented" when the source was read, "unverified" when it is known at second hand or from memory.
        tiers: What more units cost, where that is something else, in order. Default: none.
    """

    usd: float
    unit: str
    region: str
    as_of: str
    source: str
    status: Literal["documented", "unverified"]
    tiers: tuple[Tier, ...] = ()

    def dollars(self, quantity: float) -> float:
        """US dollars for so many units in a month."""
        steps = (Tier(above=0, usd=self.usd), *self.tiers)
        ends = (*(tier.above for tier in self.tiers), math.inf)
        return sum(max(0.0, min(quantity, end) - step.above) * step.usd for step, end in zip(steps, ends, strict=True))


def read_prices(path: Path | None = None) -> Mapping[str, Price]:
    """Read the built-in prices, or a file that replaces some or all of them.

    Args:
        path: A JSON object in the form of the built-in `prices.json`; what it does not name stays. Default: none.

    Raises:
        PricesError: The file is no such object, or names a price that is not used.
    """
    prices = _read(_BUILT_IN)
    if path is None:
        return prices
    given = _read(path)
    if unknown := sorted(given.keys() - prices.keys()):
        raise PricesError(f"{path} names {', '.join(unknown)}; the names are {', '.join(prices)}.")
    return {**prices, **given}


def _read(path: Path) -> dict[str, Price]:
    try:
        prices = {name: _price(fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError):
        raise PricesError(
            f"{path} is no JSON object of prices, each with {', '.join(Price.__slots__)}, of which tiers, each with "
            f"{' and '.join(Tier.__slots__)}, may be left out."
        ) from None
    for name, price in prices.items():
        for usd in (price.usd, *(tier.usd for tier in price.tiers)):
            if not _is_amount(usd):
                raise PricesError(f"{path} has {usd!r} for {name}; a number of US dollars is allowed.")
        if price.status not in ("documented", "unverified"):
            raise PricesError(f"{path} calls {name} {price.status!r}; documented and unverified are allowed.")
        begins = [0.0, *(tier.above for tier in price.tiers)]
        if not all(_is_amount(begin) for begin in begins) or begins != sorted(set(begins)):
            raise PricesError(f"{path} has tiers above {begins[1:]} for {name}; growing numbers above 0 are allowed.")
    return prices


def _price(fields: dict[str, Any]) -> Price:
    return Price(**{**fields, "tiers": tuple(Tier(**tier) for tier in fields.get("tiers", ()))})


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < math.inf
