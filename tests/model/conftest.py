"""No test here asks the hub, and each computes on one core."""

from models import offline

__all__ = ["offline"]
