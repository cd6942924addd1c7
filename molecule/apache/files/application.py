"""What a host runs besides the collection: a shop on 127.0.0.1:8080 and a blog on 127.0.0.1:8081."""

import http.server
import threading


class Shop(http.server.BaseHTTPRequestHandler):
    told = "the shop, asked as {} over {}\n"

    def do_GET(self):
        said = self.told.format(self.headers["Host"], self.headers["X-Forwarded-Proto"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_HEAD(self):
        self.do_GET()


class Blog(Shop):
    told = "the blog\n"


threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", 8081), Blog).serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Shop).serve_forever()
