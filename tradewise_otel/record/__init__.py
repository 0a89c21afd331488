"""One event: built, checked against the catalogue, judged."""
