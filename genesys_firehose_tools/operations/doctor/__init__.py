"""Checks a deployed pipeline, and changes nothing.

A check looks, which asks AWS and makes a typed snapshot of the answers, and judges, which is a pure function of that
snapshot. `checks` is the table of all of them, `diagnosis` runs it.
"""
