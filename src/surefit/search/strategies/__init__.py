"""Strategies: what to try next, and nothing else. Each is a generator of attempts for `search.runner.run`."""
