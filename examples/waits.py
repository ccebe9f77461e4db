# %% [markdown]
# # How long people wait, and when they give up
#
# Each `# %%` begins a cell: Visual Studio Code, PyCharm and Jupyter with jupytext open this file as a notebook. It
# needs the extra `report` and an extract of the tables, of the local stack or of a deployed one with `--stack`:
#
# ```sh
# genesys-firehose query --csv "SELECT * FROM sessions WHERE day >= DATE '2026-11-23'" > sessions.csv
# genesys-firehose query --csv "SELECT * FROM dim_queues" > dim_queues.csv
# ```
#
# It does not read the tables' Parquet objects themselves: among them are those that a later merge replaced, which
# Athena knows and a glob does not.

# %%
import os
from pathlib import Path

import duckdb
from matplotlib.figure import Figure

EXTRACT = Path(os.environ.get("EXTRACT", "."))
lake = duckdb.connect()
for table in ("sessions", "dim_queues"):
    lake.read_csv(str(EXTRACT / f"{table}.csv")).create(table)

# %% [markdown]
# ## Waits of each queue
#
# A wait in a queue is a session whose purpose is `acd`. Averages hide the long waits, so here are quantiles.

# %%
waits = lake.sql("""
    SELECT
        coalesce(any_value(queues.name), queue_id) AS queue,
        count(*) AS waits,
        quantile_cont(waited_ms / 1000, 0.5) AS half_below_seconds,
        quantile_cont(waited_ms / 1000, 0.9) AS nine_tenths_below_seconds,
        max(waited_ms / 1000) AS longest_seconds
    FROM sessions
    LEFT JOIN dim_queues AS queues ON queues.id = queue_id AND queues.latest
    WHERE purpose = 'acd' AND waited_ms IS NOT NULL
    GROUP BY queue_id
    ORDER BY waits DESC, queue
""")
waits

# %% [markdown]
# ## Patience
#
# Of those who still waited after so many seconds, how many gave up in the next ten?

# %%
patience = lake.sql("""
    SELECT
        seconds,
        count(CASE WHEN acd_outcome = 'ABANDON' AND waited_ms < (seconds + 10) * 1000 THEN 1 END) AS gave_up,
        count(*) AS still_waiting
    FROM sessions
    JOIN range(0, 180, 10) AS steps (seconds) ON waited_ms >= seconds * 1000
    WHERE purpose = 'acd'
    GROUP BY seconds
    ORDER BY seconds
""")

# %%
steps, gave_up, still_waiting = zip(*patience.fetchall(), strict=True)
figure = Figure(figsize=(8, 3), layout="constrained")
axes = figure.add_subplot(xlabel="seconds waited", ylabel="gave up in the next 10 s", title="Patience")
axes.bar(steps, [left / there for left, there in zip(gave_up, still_waiting, strict=True)], width=9, align="edge")
axes.yaxis.set_major_formatter("{x:.0%}")
figure

# %% [markdown]
# ## Transfers
#
# In how many queues did a conversation wait, and how long altogether?

# %%
transfers = lake.sql("""
    SELECT queues, count(*) AS conversations, avg(waited_ms) / 1000 AS average_wait_seconds
    FROM (
        SELECT conversation_id, count(*) AS queues, sum(waited_ms) AS waited_ms
        FROM sessions
        WHERE purpose = 'acd'
        GROUP BY conversation_id
    )
    GROUP BY queues
    ORDER BY queues
""")
transfers
