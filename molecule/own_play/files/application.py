"""What a host runs besides the collection: an application on 127.0.0.1:8080 and a game that echoes on 27015/udp."""

import http.server
import socket
import threading


class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = "the shop, asked as {Host} over {X-Forwarded-Proto}\n".format(**self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


def play():
    game = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    game.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    game.bind(("::", 27015))
    while True:
        said, player = game.recvfrom(2048)
        game.sendto(said, player)


threading.Thread(target=play, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Application).serve_forever()
