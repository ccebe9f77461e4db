"""Alarms on everything that would lose, delay or refuse an event, and a dashboard of it all.

May import every wing but `genesys`.
"""
