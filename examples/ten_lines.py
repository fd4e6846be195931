"""Chat with a plain blocking socket, in ten lines: python examples/ten_lines.py HOST PORT NICKNAME, then type."""

import socket
import sys
from threading import Thread

from tcp_server.wordpacket import read_message, send_message, send_packet


def speak() -> None:
    for line in sys.stdin:
        send_message(sock, sys.argv[3], line.rstrip("\n"))
    send_packet(sock, {"type": "BYE"})


sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
send_packet(sock, {"type": "NICK", "nickname": sys.argv[3]})
Thread(target=speak, daemon=True).start()
while (packet := read_message(sock))["type"] != "BYE":
    if "message" in packet:
        print(packet.get("nickname", "server"), packet["message"], sep=": ", flush=True)
