"""The settings, one class; `.env.example` mirrors it line for line."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from microgrid.domain.errors import BadInputError


class Settings(BaseSettings):
    """Where the parts are, from the environment (`MICROGRID_…`) and `.env`; the command line has the last word."""

    model_config = SettingsConfigDict(env_prefix="MICROGRID_", env_file=".env", extra="ignore")

    site: str = Field("community", pattern=r"^[A-Za-z0-9_-]{1,32}$", description="Name of the site in MQTT topics.")
    backend: str = Field("eth_tester", description="Chain backend: eth_tester (in process), anvil or rpc.")
    rpc_url: str = Field("http://127.0.0.1:8545", description="JSON-RPC address used by the rpc backend.")
    deployment: Path = Field(Path("deployment.json"), description="File with the contracts' addresses.")
    operator_key: SecretStr | None = Field(
        None, description="Private key of the operator, 64 hexadecimal digits; never logged. Empty: a local test key."
    )
    anvil: Path | None = Field(None, description="Path of the anvil binary; empty: searched for.")
    broker_url: str = Field(
        "", description="MQTT broker, mqtt:// or mqtts://; empty: an embedded broker on a free port."
    )
    store_url: str = Field("", description="Database as SQLAlchemy writes it; empty: a SQLite file in the run folder.")
    out: Path = Field(Path("runs/demo"), description="Folder that a run is written to.")
    reading_timeout_s: float = Field(
        60.0, gt=0, description="How long an interval waits for its meters before it goes on without them, seconds."
    )


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with the given ones (None means not given) in front.

    Raises:
        BadInputError: a value that cannot be used, by its name.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "MICROGRID_" + "_".join(str(part) for part in first["loc"]).upper()
        message = f"setting {name}: {first['msg']}"
        raise BadInputError(message) from error
