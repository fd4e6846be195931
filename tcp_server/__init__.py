"""The chat server, its protocol library and its log; importing this package loads none of them."""
