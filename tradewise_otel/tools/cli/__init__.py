"""The commands of `tradewise-otel`, one file each."""
