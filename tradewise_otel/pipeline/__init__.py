"""What runs between an event and its export: processors, sampling, metrics, queues, the account."""
