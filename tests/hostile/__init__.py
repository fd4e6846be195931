"""Hostile clients: what one stranger can do to everybody else, measured by honest clients beside it."""
