"""The client without a face: one user of the chat over any number of connections. It knows the protocol alone.

Programs import its names from `cli_client` itself; the faces and the driver stand on it.
"""
