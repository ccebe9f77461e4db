"""The bill of a month as a part of the page."""

from dataclasses import replace

from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.cost import DAYS, Estimate, Traffic, estimate
from genesys_firehose_tools.operations.deployed_design import design_of
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.prices import read_prices
from genesys_firehose_tools.operations.report.page import Bar, Section, Table


def bill_of(clients: Clients, deployed: DeployedPipeline, traffic: Traffic) -> Estimate:
    """Estimate the bill of a pipeline as it is deployed."""
    template = clients.client("cloudformation").get_template(StackName=deployed.stack, TemplateStage="Original")
    design = design_of(template["TemplateBody"], deployed.path, f"The stack {deployed.stack}")
    way = traffic.ingress if design.has_webhook else "eventbridge"
    return estimate(design, replace(traffic, ingress=way), read_prices())


def bill_section(bill: Estimate) -> Section:
    """Return the estimate by service, the dearest first, with the analysts' tables on a line of their own."""
    services = sorted(bill.by_service.items(), key=lambda service: service[1], reverse=True)
    dearest = services[0][1]
    rows = [(name, *_figures(bill, dollars), Bar([dollars / dearest])) for name, dollars in services]
    sums = (("All", bill.dollars), ("of which the analysts' tables", bill.dollars_of_tables))
    return Section(
        title="What it costs",
        text="An estimate by list prices, in US dollars, without free tiers, discounts and taxes: a month of 30 days "
        f"of {bill.events / DAYS:,.0f} events each.",
        tables=[
            Table(
                columns=["Service", "A month", "A million events", ""],
                rows=[*rows, *((name, *_figures(bill, dollars), "") for name, dollars in sums)],
            )
        ],
    )


def _figures(bill: Estimate, dollars: float) -> tuple[str, str]:
    return f"{dollars:,.2f}", f"{dollars / bill.events * 1e6:,.2f}"
