"""Failure drills: each breaks a local pipeline in one way, and shows what an operator would see."""
