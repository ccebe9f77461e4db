"""Alarms on everything that would lose, delay or refuse an event.

May import every wing but `genesys`.
"""
