"""Nothing leaves unscanned: the trigger gate, structured redaction, keyed pseudonyms."""
