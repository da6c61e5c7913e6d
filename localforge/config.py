"""What a running forge was told on its command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything that may differ between two forges."""

    data: Path
    port: int
    host: str = "127.0.0.1"
    root_token: str | None = None
    root_password: str | None = None
    public_url: str | None = None
    merge_check_delay: float = 0.05
    webhook_retry_seconds: float = 1.0
    max_body_bytes: int = 300 * 1024 * 1024

    @property
    def repositories(self) -> Path:
        """Where the bare repositories are."""
        return self.data / "repositories"
