"""Apps under test, each one module that a test copies into a folder of its own and serves."""
