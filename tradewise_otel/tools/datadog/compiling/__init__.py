"""From the catalogue to the bodies that Datadog's API takes; `resources.py` has the list."""
