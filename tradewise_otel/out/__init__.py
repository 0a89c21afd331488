"""What lets bytes out: lines on stdout, OTLP requests, upstream's exporters."""
