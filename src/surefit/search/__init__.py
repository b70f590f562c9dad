"""From a Problem to a record: strategies propose attempts, one runner performs, judges and keeps the best."""
