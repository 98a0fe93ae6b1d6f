"""What an installation may decide, from the environment or the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of a gateway; each is also an environment variable, `TFPRODUCTGAN_PLATFORM_ENGINE` for `engine`.

    Args:
        folder: Where the database and the pictures lie unless they have an address of their own.
        database: SQLAlchemy's URL of the store, such as `postgresql+psycopg://shop@db/shop`. Defaults to SQLite in
            `folder`.
        pictures: Where pictures lie: a folder, or an address that fsspec knows, such as `s3://bucket/path`. Defaults to
            `folder`/pictures.
        engine: Address of TensorFlow Serving, or what speaks its API: `http://host:8501` or `grpc://host:8500`.
        models: The models to ask there; it cannot list them itself.
        limits: Where rates are counted: `memory://`, or `redis://host:6379` for several gateways together.
        requests_per_minute: Of one caller, unless its key says otherwise.
        pictures_per_day: Of one caller, unless its key says otherwise.
        queued_pictures: Pictures that may wait in the jobs of one caller, unless its key says otherwise.
        pictures_per_request: Asked for in one request; more are a job's.
        session_hours: How long a person stays signed in.
        secure_cookies: Whether the page is reached by HTTPS only: cookies and `Strict-Transport-Security` say so.
        upload_megabytes: The largest file that is taken.
        job_threads: Rows of jobs that are drawn at a time.
        terms: Words at the foot of every page. Defaults to ones that say that no picture shows a product that exists.
        visible_mark: Words in the corner of every picture, such as `AI`; Latin letters. Defaults to none.
        oidc_issuer: Address of an issuer of OpenID Connect that signs people in, beside those with a password here.
        oidc_client_id: What the gateway is called there.
        oidc_client_secret: By which it is known there.
        oidc_address: Of this page, as browsers reach it, such as `https://pictures.example`; the issuer sends people
            back to `/oidc/back` there.
        oidc_roles: Claim of the issuer that names a role: `viewer`, `maker` or `administrator`, or several.
        oidc_role: Role of those whose claim names none; empty to let nobody else in.
        oidc_tenant: Whose pictures people of the issuer see.
        c2pa_certificate: PEM file of certificates to sign every picture by, the shop's own first. Defaults to none.
        c2pa_key: PEM file of its private key.
        picture_days: How long pictures live that nobody keeps; 0 for ever.
        reference_pictures: Drawn once of each new model, to compare later ones with; 0 for none.
    """

    model_config = SettingsConfigDict(env_prefix="TFPRODUCTGAN_PLATFORM_", extra="forbid")

    folder: Path = Path("platform")
    database: str = ""
    pictures: str = ""
    engine: str = "http://127.0.0.1:8501"
    models: tuple[str, ...] = ("studio",)
    limits: str = "memory://"
    requests_per_minute: int = Field(default=600, ge=1)
    pictures_per_day: int = Field(default=20_000, ge=1)
    queued_pictures: int = Field(default=10_000, ge=1)
    pictures_per_request: int = Field(default=64, ge=1, le=1024)
    session_hours: float = Field(default=12, gt=0)
    secure_cookies: bool = False
    upload_megabytes: int = Field(default=10, ge=1)
    job_threads: int = Field(default=2, ge=1)
    terms: str = ""
    visible_mark: str = Field(default="", pattern=r"^[ -~]{0,40}$")
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_address: str = ""
    oidc_roles: str = "roles"
    oidc_role: Literal["", "viewer", "maker", "administrator"] = ""
    oidc_tenant: str = "shop"
    c2pa_certificate: Path | None = None
    c2pa_key: Path = Path("c2pa.key")
    picture_days: float = Field(default=0, ge=0)
    reference_pictures: int = Field(default=64, ge=0, le=1024)

    @model_validator(mode="after")
    def _issuer(self) -> Settings:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_address):
            raise ValueError("oidc_issuer needs oidc_client_id and oidc_address")
        return self

    @model_validator(mode="after")
    def _places(self) -> Settings:
        self.database = self.database or f"sqlite:///{self.folder / 'platform.db'}"
        self.pictures = self.pictures or str(self.folder / "pictures")
        return self
