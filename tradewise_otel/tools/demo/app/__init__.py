"""A TradeWise-like backend, written as a user of the distribution would write theirs.

Nothing in this package knows OpenTelemetry or TradeWise OTel: it logs through the standard
library and puts the caller on `request.state`. Everything else is what the launcher adds.
"""
