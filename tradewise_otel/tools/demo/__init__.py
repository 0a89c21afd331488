"""`tradewise-otel demo`: an app as a user writes it, traffic for it, and what plays them on a laptop."""
