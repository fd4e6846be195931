"""The terminal client, and under it a client library for programs and bots."""
