"""An Azure Blob server (Azurite) on this machine, behind a proxy that can refuse requests and lose answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.stores.store_proxy import Call, StoreProcess, free_port

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own account, which its documentation names."""


class AzureServer(StoreProcess):
    """The server. It keeps its objects in memory.

    :param command: the program.
    """

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(free_port())
        options = ["--blobHost", "127.0.0.1", "--blobPort", str(self.backend), "--inMemoryPersistence", "--silent"]
        self.start([*command, *options, "--skipApiVersionCheck", "--disableTelemetry"], f"/{ACCOUNT}?comp=list")

    def connection(self, port: int) -> str:
        """Azure's connection string."""
        end = f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{end}"

    def file_system(self) -> Any:
        """What a connection of Airflow would make."""
        from adlfs import AzureBlobFileSystem

        return AzureBlobFileSystem(connection_string=self.connection(self.port), skip_instance_cache=True)


class AzureContainer:
    """A container of its own for each test.

    :param server: the server.
    :param name: the container.
    """

    def __init__(self, server: AzureServer, name: str) -> None:
        from azure.storage.blob import ContainerClient

        self.server, self.name = server, name
        self.root = f"abfs://kinde@{name}/kinde"
        self._client = ContainerClient.from_connection_string(server.connection(server.backend), name)
        self._client.create_container()
        server.calls.clear()

    def objects(self) -> list[str]:
        """All objects, without ``kinde/`` before them."""
        return sorted(blob.name.removeprefix("kinde/") for blob in self._client.list_blobs())

    def read(self, key: str) -> bytes:
        """The content of an object."""
        content: bytes = self._client.download_blob(f"kinde/{key}").readall()
        return content

    @staticmethod
    def is_entry(call: Call) -> bool:
        """Whether a request makes an entry of a history; parts of a large one are sent before."""
        return call.method == "PUT" and ".jsonl" in call.path and "comp=block&" not in call.query
