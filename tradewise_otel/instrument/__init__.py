"""Libraries and the process itself become events; one file a library."""
