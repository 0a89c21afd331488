"""The contract as declarations: every event, field, metric, query, alert, retention class and secret."""
