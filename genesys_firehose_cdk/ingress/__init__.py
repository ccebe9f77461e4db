"""How events come in: the webhook, the partner event bus, and the queue and function behind both.

May import `common`, `events` and `lake`. What happens behind the delivery stream is not known here.
"""
