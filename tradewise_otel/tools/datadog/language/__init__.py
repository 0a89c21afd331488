"""Datadog's query languages, as far as we write them: read into trees, for checks and for the replay."""
