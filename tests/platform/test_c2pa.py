"""Pictures signed by C2PA, as its own reader tells."""

import datetime
import io
import json

import pytest
from PIL import Image

c2pa = pytest.importorskip("c2pa")

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402

from tfproductgan.cli.main import main  # noqa: E402
from tfproductgan.errors import PlatformError  # noqa: E402
from tfproductgan.platform.c2pa import Seal  # noqa: E402

USES = [
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
]


def certificate(name, issuer, public, signs_with, above):
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who), x509.NameAttribute(NameOID.ORGANIZATION_NAME, who)])
        for who in (name, issuer)
    ]
    builder = x509.CertificateBuilder(*reversed(names), public, x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=9))
    others = dict.fromkeys(USES, False)
    usage = x509.KeyUsage(digital_signature=not above, key_cert_sign=above, crl_sign=above, **others)
    builder = builder.add_extension(x509.BasicConstraints(above, None), True).add_extension(usage, True)
    if not above:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    issued = x509.AuthorityKeyIdentifier.from_issuer_public_key(signs_with.public_key())
    return builder.add_extension(issued, False).sign(signs_with, hashes.SHA256())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The certificate of a shop, the one above it, and the shop's key."""
    folder = tmp_path_factory.mktemp("c2pa")
    root, shop = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = (
        certificate("Shop", "Root", shop.public_key(), root, False),
        certificate("Root", "Root", root.public_key(), root, True),
    )
    (folder / "shop.pem").write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "shop.key").write_bytes(shop.private_bytes(serialization.Encoding.PEM, *plain))
    return folder / "shop.pem", folder / "shop.key"


def test_every_picture_is_signed_and_says_that_a_model_made_it(client, platform, files, monkeypatch, tmp_path, capsys):
    object.__setattr__(platform, "seal", Seal(*files))
    try:
        item = client.post("/api/v1/models/shop/generate", json={"seed": 5}).json()["items"][0]
    finally:
        object.__setattr__(platform, "seal", None)
    data = client.get(item["file"]).content
    reader = c2pa.Reader("image/png", io.BytesIO(data))
    told = json.loads(reader.json())
    manifest = told["manifests"][told["active_manifest"]]
    assert reader.get_validation_state() == "Valid" and manifest["signature_info"]["issuer"] == "Shop"
    [action] = manifest["assertions"][0]["data"]["actions"]
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert json.loads(Image.open(io.BytesIO(data)).info["tfproductgan"])["seed"] == 5
    (tmp_path / "a.png").write_bytes(data)
    assert main(["inspect", "--json", str(tmp_path / "a.png")]) == 0
    assert json.loads(capsys.readouterr().out)["c2pa"] == "Valid, signed by Shop"


def test_a_pixel_that_was_changed_is_found(files):
    file = io.BytesIO()
    Image.effect_noise((16, 16), 40).save(file, "PNG", compress_level=0)
    sealed = bytearray(Seal(*files).sealed(file.getvalue()))
    sealed[-60] ^= 1
    assert c2pa.Reader("image/png", io.BytesIO(bytes(sealed))).get_validation_state() == "Invalid"


def test_what_is_no_certificate_is_said(files, tmp_path):
    (tmp_path / "bad").write_text("no key")
    for pair in ((files[0], tmp_path / "bad"), (files[0], tmp_path / "none"), (tmp_path / "bad", files[1])):
        with pytest.raises(PlatformError, match="cannot be signed"):
            Seal(*pair)
