"""The bridge: browsers on WebSocket on one side, one TCP link to the server on the other."""
