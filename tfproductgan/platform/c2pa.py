"""Pictures signed by C2PA, with the shop's own certificate: others can tell who vouches for them, and that no pixel was
changed since.

Reference:
    C2PA Technical Specification, https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html
"""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

from PIL import Image

import tfproductgan
from tfproductgan.errors import PlatformError, require
from tfproductgan.provenance import SYNTHETIC_URL

_BY_BITS = {256: "es256", 384: "es384", 521: "es512"}


class Seal:
    """Signs pictures.

    Args:
        certificate: PEM file of the certificate and those above it, the shop's own first.
        key: PEM file of its private key, without a password.

    Raises:
        PlatformError: If a file cannot be read, or is none of these.
        MissingExtraError: If c2pa-python is not installed.
    """

    def __init__(self, certificate: Path, key: Path):
        self._c2pa = require("c2pa", "c2pa")
        try:
            chain, private = certificate.read_bytes(), key.read_bytes()
            facts = self._c2pa.C2paSignerInfo(_algorithm(private), chain, private, None)
            self._signer = self._c2pa.Signer.from_info(facts)
        except (OSError, ValueError, TypeError, self._c2pa.C2paError) as error:
            raise PlatformError(f"Pictures cannot be signed by {str(certificate)!r} and its key: {error}") from error
        # thumbnails would be several times as large as the pictures
        options = self._c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
        self._context = self._c2pa.Context(options)
        self._lock = threading.Lock()
        tried = io.BytesIO()
        Image.new("L", (1, 1)).save(tried, "PNG")
        self.sealed(tried.getvalue())  # what is no certificate, or not of this key, it says only here

    def sealed(self, png: bytes) -> bytes:
        """A PNG file with a signed manifest that says that a model made it.

        Raises:
            PlatformError: If it cannot be signed, as by a certificate that has run out.
        """
        created = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC_URL}
        manifest: dict[str, Any] = {
            "claim_generator_info": [{"name": "tfproductgan", "version": tfproductgan.__version__}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
        }
        file = io.BytesIO()
        try:
            with self._lock:
                builder = self._c2pa.Builder(json.dumps(manifest), context=self._context)
                builder.sign(self._signer, "image/png", io.BytesIO(png), file)
        except self._c2pa.C2paError as error:
            raise PlatformError(f"A picture cannot be signed: {error}") from error
        return file.getvalue()


def _algorithm(private: bytes) -> str:
    """What keys of that kind sign by, in the words of C2PA."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(private, None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size in _BY_BITS:
        return _BY_BITS[key.curve.key_size]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise ValueError("the key is of no kind that C2PA knows: P-256, P-384, P-521, Ed25519 or RSA")
