"""Settings: environment variables ``TIMBRA_*``, or a TOML file named by ``TIMBRA_CONFIG`` (the environment wins)."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from timbra.platform import json
from timbra.platform.addresses import Allowed
from timbra.platform.mailer import MailServer
from timbra.platform.storage import refuse_storage

DATABASE_FILE = "timbra.sqlite"
DEFAULT_ORIGIN = "http://127.0.0.1:8000"


class Settings(BaseSettings):
    """Every setting of the server, with what it means. ``timbra doctor`` prints them."""

    model_config = SettingsConfigDict(env_prefix="TIMBRA_", env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: Path = Field(Path("var"), description="folder of the embedded database, keys and compiled catalogues")
    database_url: str | None = Field(None, description="SQLAlchemy or postgresql:// URL; default: SQLite in data_dir")
    public_url: str | None = Field(None, description="origin used in links, file URLs and the iss claim of API keys")
    listen_url: str = Field(DEFAULT_ORIGIN, description="where this server listens; `timbra serve` sets it")
    portal_url: str | None = Field(None, description="origin of hosted pages; default: public_url")
    internal_api_keys: str = Field(
        "", description="SHA-256 digests in hex of the partner keys for POST /auth/signup, separated by commas"
    )
    rate_limits: str = Field("", description="'off', or sizes such as 'api=120,stamp=60' (0 switches a bucket off)")
    rate_limit_storage: str = Field("memory://", description="memory://, redis://host or valkey://host")
    cors_origins: str = Field("", description="origins allowed to call from browsers, separated by commas")
    catalog_path: Path | None = Field(
        None, description="SAT catalogue database to use, or folder of the compiled data; default: data_dir"
    )
    master_key_dir: Path | None = Field(None, description="folder of the master key; default: data_dir/keys")
    sat_ca_dir: Path | None = Field(None, description="further CA certificates that issuers' certificates may chain to")
    pac_certificate_dir: Path | None = Field(
        None, description="certificates of PACs, completed from SAT's repository; default: data_dir/pac-certificates"
    )
    allow_test_csd_in_live: bool = Field(False, description="accept SAT test certificates in the live slot")
    document_url_days: int = Field(7, ge=1, le=365, description="life of the file URLs of documents")
    fiscal_validator: SecretStr = Field(
        SecretStr("embedded"),
        description="who validates clients: embedded, or facturama://user:password@api.facturama.mx for live ones",
    )
    webhook_allow_private_hosts: str = Field("", description="private hosts and networks that webhooks may be sent to")
    egress_allow_private_hosts: str = Field(
        "", description="private hosts and networks that the server's own calls (PACs, SAT, catalogues) may go to"
    )
    storage: SecretStr | None = Field(
        None,
        description="where uploaded files are: a folder, or s3://bucket/prefix?endpoint=https://host&region=...; "
        "default: data_dir/files",
    )
    sat_list_sources: Annotated[dict[str, tuple[str, ...]], NoDecode] = Field(
        {}, description='URLs or files of SAT\'s lists as JSON, {"69b": "https://..."}; "" for one never fetched'
    )
    sandbox_latency_ms: int = Field(0, ge=0, le=60_000, description="artificial delay of the sandbox PAC")
    mail: SecretStr | None = Field(
        None, description="smtp://user:password@host:587?from=no-reply@example.com&tls=starttls; unset: no mail is sent"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR")

    @field_validator("internal_api_keys")
    @classmethod
    def _are_digests(cls, value: str) -> str:
        if not re.fullmatch(r"\s*([0-9a-fA-F]{64}(\s*,\s*[0-9a-fA-F]{64})*)?\s*", value):
            raise ValueError("internal_api_keys: SHA-256 digests of 64 hex digits, separated by commas")
        return value

    @field_validator("webhook_allow_private_hosts", "egress_allow_private_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        Allowed.of(value)
        return value

    @field_validator("public_url", "portal_url", "listen_url")
    @classmethod
    def _without_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    @field_validator("fiscal_validator")
    @classmethod
    def _known_validator(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"embedded|facturama://[^:@/\s]+:[^@/\s]+@[^@/\s]+/?", value.get_secret_value()):
            raise ValueError("fiscal_validator: embedded, or facturama://user:password@api.facturama.mx")
        return value

    @field_validator("mail")
    @classmethod
    def _usable_mail(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            MailServer.from_url(value.get_secret_value())
        return value

    @field_validator("storage")
    @classmethod
    def _usable_storage(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            refuse_storage(value.get_secret_value())
        return value

    @field_validator("sat_list_sources", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                value = json.loads(value.encode())
            except json.JsonRefused as error:
                raise ValueError(f"is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError('must be an object such as {"69b": "https://..."}')  # noqa: TRY004 (the library wants it)
        return {name: ((one,) if one else ()) if isinstance(one, str) else one for name, one in value.items()}

    @property
    def storage_url(self) -> str:
        """Where uploaded files are."""
        return str(self.data_dir / "files") if self.storage is None else self.storage.get_secret_value()

    @property
    def url(self) -> str:
        """The database URL in force."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{(self.data_dir / DATABASE_FILE).resolve()}"

    @property
    def key_folder(self) -> Path:
        """Where the master key is."""
        return self.master_key_dir or self.data_dir / "keys"

    @property
    def is_embedded(self) -> bool:
        """Whether the database is an SQLite file, which has one server process."""
        return self.url.startswith("sqlite")

    @property
    def origin(self) -> str:
        """Where links point to: the public URL, or this very server while none is set."""
        return self.public_url or self.listen_url

    @property
    def issuer(self) -> str:
        """The ``iss`` claim: it must not depend on the port, or a restart elsewhere would end every key."""
        return self.public_url or DEFAULT_ORIGIN

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=os.environ.get("TIMBRA_CONFIG"))
        return (init_settings, env_settings, toml)
