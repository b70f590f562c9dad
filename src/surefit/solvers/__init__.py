"""Solvers: functions of 1-D arrays that find where residuals are smallest. They know nothing of networks.

Each returns a `Result`: x, cost, the reason it stopped in a sentence that says what to do, counts, time, history.
"""

from .result import STATUSES, Iteration, Result, Trace

__all__ = ["STATUSES", "Iteration", "Result", "Trace"]
