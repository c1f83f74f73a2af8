# SPDX-License-Identifier: Apache-2.0
"""free_port.py [COUNT]: ports of loopback that nobody listens on."""
import socket
import sys

sockets = [socket.socket() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
