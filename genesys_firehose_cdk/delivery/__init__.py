"""How events get from the delivery stream into the lake: stream, role, transform, de-duplication, rebuild.

May import `common`, `events` and `lake`. Where events come from is not known here.
"""
