"""What the tests share: real processes under the real launcher, and a real OTLP door."""
