"""What remembers between requests, off the request's path: sequences, counts, users, bots (contract 2)."""
