"""The benchmark: the cost of a delivery, here, on a naive server and on other servers; `python -m tests.bench`."""
