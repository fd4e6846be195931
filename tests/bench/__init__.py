"""The benchmark: what a delivery costs, against a naive server and against other people's; `python -m tests.bench`."""
