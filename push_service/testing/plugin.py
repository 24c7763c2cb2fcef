"""pytest fixtures of the harness; pytest loads this module through its entry point.

It imports nothing but pytest until a fixture is used.
"""
