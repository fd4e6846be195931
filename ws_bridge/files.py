"""The page's files, read and hashed before anybody asks for them.

No request touches the disk, so no spelling of a path leads out of the folder. In a checkout a changed file is noticed
without a restart: at most once a second a request looks through the folder, and reads the files that are new.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

# No other kind of file is served.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

LOOK_SECONDS = 1.0  # between two looks through the folder; one takes 1 ms


def find_web() -> Path:
    """Return the folder of the page: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "web"
    return inside if (inside / "index.html").is_file() else package.parent / "web"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page as it was when it was read."""

    content_type: str
    body: bytes
    tag: str  # the ETag, with its quotes
    version: tuple[int, int, int]  # changes with the content: inode, size, nanoseconds of the last change


class Files:
    """All files of a folder that a browser may have.

    Args:
        clock: returns seconds.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder.resolve()
        self._clock = clock
        self._by_path: dict[str, File] = {}
        self._look()

    def find(self, path: str) -> File | None:
        """Return the file that a request's path names; None if the folder has no such file."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            self._look()
        try:
            return self._by_path.get(unquote_to_bytes(path).decode())
        except UnicodeDecodeError:
            return None

    def _look(self) -> None:
        """Read what is new in the folder, and forget what is gone."""
        self._looked_at = self._clock()
        known = self._by_path
        found: dict[str, File] = {}
        for path, place in self._paths():
            try:
                file = _read(place, known.get(path))
            except OSError:  # gone meanwhile, or no permission
                continue
            found[path] = file
        if "/index.html" in found:
            found["/"] = found["/index.html"]
        self._by_path = found

    def _paths(self) -> Iterator[tuple[str, Path]]:
        """Yield the path of each file as a request names it, and its place; hidden files and folders are left out."""
        for folder, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            prefix = "/".join(["", *Path(folder).relative_to(self._folder).parts])
            for name in names:
                place = Path(folder, name)
                if name.startswith(".") or place.suffix not in CONTENT_TYPES:
                    continue
                if place.is_symlink() and not place.resolve().is_relative_to(self._folder):
                    continue
                yield f"{prefix}/{name}", place


def _read(place: Path, known: File | None) -> File:
    """Return a file's content, or the known one if that is still the same.

    Raises:
        OSError: it can't be read, or is no file.
    """
    status = place.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("a pipe or a device")
    version = (status.st_ino, status.st_size, status.st_mtime_ns)
    if known is not None and known.version == version:
        return known
    body = place.read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return File(CONTENT_TYPES[place.suffix], body, tag, version)
