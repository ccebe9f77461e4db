"""What every wing builds on: keys, functions, logs, checks of property values.

Nothing here knows of events, storage or delivery, and nothing here imports another wing.
"""
