"""The ledgers of app, agent and gateway side by side: where records went, and what does not add up."""
