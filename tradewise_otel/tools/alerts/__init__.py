"""The monitors, run over what Datadog's stand-in has recorded: which would have told whom, and when."""
