"""Datadog as code: what stands in `deploy/datadog/`, checked, and carried to an organisation."""
