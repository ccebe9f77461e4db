"""What the stack manages and watches at Genesys Cloud: integration, subscription, address ranges.

May import every wing but `monitoring`.
"""
