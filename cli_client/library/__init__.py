"""The client without a face: one user of the chat over any number of connections. It knows the protocol alone."""
