"""Config tests: what goes into a Collector, what comes out of it, whole records, by the real binary."""
