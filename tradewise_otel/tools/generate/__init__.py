"""Texts that are derived from the catalogue and the settings, written by `tradewise-otel generate`."""
