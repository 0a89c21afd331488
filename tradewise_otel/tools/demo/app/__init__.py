"""A TradeWise-like backend, written as a user of the distribution would write theirs.

Requests, statements and calls to bots become events without a word here: the launcher adds them. The app
puts the caller on `request.state`, logs through the standard library, and states what only it knows
(journeys, logins, business, audit) with `tradewise_otel.events`. It runs without the launcher as well.
"""
