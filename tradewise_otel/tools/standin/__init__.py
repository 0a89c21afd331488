"""Plays Datadog's intake on loopback, records what comes, and reads a recording as Datadog would."""
