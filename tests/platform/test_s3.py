"""Pictures in S3, as moto plays it."""

import secrets

import pytest

moto = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")

from tfproductgan.platform.app import open_platform  # noqa: E402
from tfproductgan.platform.settings import Settings  # noqa: E402
from tfproductgan.platform.store.pictures import PictureStore  # noqa: E402


@pytest.fixture
def bucket(monkeypatch):
    """Address of a bucket that is there."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    name = f"shop-{secrets.token_hex(8)}"  # servers of one process share their buckets
    s3fs.S3FileSystem().mkdir(name, region_name="eu-central-1")
    yield f"s3://{name}/drawn"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_pictures_are_kept_in_a_bucket_and_go_from_there(bucket):
    import s3fs

    store = PictureStore(bucket)
    name, twin = store.put("shop", b"picture"), store.put("shop", b"picture")
    assert store.get("shop", name) == b"picture" and store.get("other", name) is None
    assert s3fs.S3FileSystem().exists(f"{bucket}/shop/{name[:2]}/{name}")
    store.delete("shop", name)
    store.delete("shop", name)
    assert store.get("shop", name) is None and store.get("shop", twin) == b"picture"


def test_a_gateway_keeps_its_pictures_there(bucket, tmp_path, engine, fake_engine):
    from starlette.testclient import TestClient

    from tfproductgan.platform.access import keys
    from tfproductgan.platform.app import create_app

    settings = Settings(folder=tmp_path, pictures=bucket, engine=engine.url, models=("shop",), reference_pictures=0)
    platform = open_platform(settings)
    with platform.database.writing() as session:
        secret = keys.first_administrator(session, "shop")
    with TestClient(create_app(platform), headers={"Authorization": f"Bearer {secret}"}) as client:
        item = client.post("/api/v1/models/shop/generate", json={"seed": 3}).json()["items"][0]
        assert client.get(item["file"]).content.startswith(b"\x89PNG")
        assert client.delete(f"/api/v1/pictures/{item['id']}").status_code == 204
    assert not (tmp_path / "pictures").exists()
