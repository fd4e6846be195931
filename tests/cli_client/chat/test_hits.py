"""The numbered hits of a search."""

from cli_client.chat.hits import Hits
from tcp_server.protocol import client_packets
from tests.cli_client.scripted_server import msg


def test_hits_are_counted_over_pages_until_another_search() -> None:
    """A number leads to the target and the id of its message; a direct message leads to the other person."""
    hits = Hits()
    assert hits.add(msg(9), "alice") == (1, "#lobby")
    hits.end_page(client_packets.Search(query="x", before=9))
    assert hits.older is not None
    assert hits.add(msg(4, nickname="alice", to="bob"), "Alice") == (2, "@bob")
    hits.end_page(None)
    assert hits.older is None
    assert (hits.get(1), hits.get(2)) == (("#lobby", 9), ("@bob", 4))
    assert hits.get(0) is hits.get(3) is None
    hits.clear()
    assert hits.get(1) is None
