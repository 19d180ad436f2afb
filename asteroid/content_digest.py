"""The digest by which a file's content is known again."""

from __future__ import annotations

import hashlib


def content_digest(content: bytes) -> str:
    """BLAKE2b of a file's content, 16 bytes in hexadecimal."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
