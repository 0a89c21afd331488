"""Builds, configures and runs the Collector of a role."""
