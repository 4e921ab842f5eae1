"""The built web client: a handful of files, read into memory once."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jifen_graphql.responses import CONTENT_SECURITY_POLICY, Response

WEB: Final = Path(__file__).parent / "web"
"""Where `app/` builds to. The files are committed: a machine without Node serves them too."""

CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""What we serve. A file of another kind is not served, so that nothing is ever sniffed."""

PAGES: Final = {"/": "index.html", "/playground": "playground.html"}
"""Paths of the pages; everything else is served under its own name."""


def load_assets(directory: Path = WEB) -> Mapping[str, Response]:
    """Return the answer to a GET of every path of the web client."""
    names = {f"/{path.relative_to(directory).as_posix()}": path for path in sorted(directory.rglob("*"))}
    files = {name: path for name, path in names.items() if path.is_file() and path.suffix in CONTENT_TYPES}
    loaded = {name: _response(name, path) for name, path in files.items()}
    pages = {page: loaded[f"/{name}"] for page, name in PAGES.items() if f"/{name}" in loaded}
    return {**loaded, **pages}


def _response(name: str, path: Path) -> Response:
    body = path.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode("ascii")
    hashed = name.startswith("/assets/")  # their names change with their contents
    headers = [
        (b"etag", etag),
        (b"cache-control", b"public, max-age=31536000, immutable" if hashed else b"no-cache"),
        (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    ]
    return Response(200, body, CONTENT_TYPES[path.suffix], tuple(headers))
