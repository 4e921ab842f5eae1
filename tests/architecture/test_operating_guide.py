"""docs/operating.md, docs/compose.yaml and the Dockerfile say what the code does."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jifen import alliance, config
from jifen.cli import failures
from jifen.store.directory import LOCK_FILE, STARTED_FILE, STORE_DIRECTORY


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    """Return the text of the operating guide."""
    return (repository / "docs/operating.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image(repository: Path) -> str:
    """Return the text of the Dockerfile, continuation lines joined."""
    return (repository / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_the_guide_explains_every_setting_and_no_other(guide: str) -> None:
    section = guide.split("### node.toml")[1].split("###", maxsplit=1)[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(config.NodeConfig.__struct_fields__)


def test_the_guide_names_every_file_of_a_data_directory(guide: str) -> None:
    files = {name: value for name, value in vars(config).items() if name.endswith("_FILE")}

    assert len(files) >= 7
    assert [
        value for value in [*files.values(), LOCK_FILE, STARTED_FILE, STORE_DIRECTORY] if f"`{value}" not in guide
    ] == []


def test_the_guide_names_every_variable_of_the_environment(guide: str) -> None:
    variables = {value for name, value in vars(config).items() if name.endswith("_VARIABLE")}

    assert len(variables) >= 4
    assert [variable for variable in sorted(variables) if f"`{variable}" not in guide] == []


def test_the_guide_names_every_exit_code(guide: str) -> None:
    sentence = guide.split("Exit codes of every command:")[1].split("\n-", maxsplit=1)[0]

    assert {int(number) for number in re.findall(r"\b\d+\b", sentence)} == {
        failures.DONE,
        failures.USAGE,
        failures.REFUSED,
        failures.FAILURE,
        failures.FAULT,
    }


def test_the_compose_file_runs_the_organizations_that_init_makes(repository: Path) -> None:
    text = (repository / "docs/compose.yaml").read_text(encoding="utf-8")
    services = re.findall(r"^  ([a-z0-9-]+):$", text.split("services:")[1], re.MULTILINE)
    urls = re.findall(r'JIFEN_URL: "http://127\.0\.0\.1:(\d+)"', text)

    assert services == [plan.id for plan in alliance.DEMO_ORGANIZATIONS]
    assert [int(port) for port in urls] == [alliance.PORT_BASE_DEFAULT + index for index in range(len(services))]
    assert all(f"/{name}:/data" in text for name in services)


def test_the_image_runs_the_node_as_an_unprivileged_user_with_one_volume(image: str) -> None:
    last = image.rsplit("\nFROM ", maxsplit=1)[-1]

    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["jifen"]
    assert re.findall(r"^VOLUME (\S+)", last, re.MULTILINE) == ["/data"]
    assert re.findall(r"^ENTRYPOINT (.+)", last, re.MULTILINE) == ['["jifen"]']
    assert "COPY . " not in image


def test_the_image_installs_from_locks_by_hash(image: str) -> None:
    installs = [line.split("&&")[0] for line in re.findall(r"pip install[^\n]*?(?=&&|$)", image, re.MULTILINE)]

    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_the_health_check_of_the_image_tells_a_node_that_answers(image: str, status: int, healthy: bool) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library gave it
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 30  # seconds; a check that asks nothing must not hang the test
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        environment = os.environ | {"JIFEN_URL": f"http://127.0.0.1:{server.server_port}"}
        result = _health_check(image, environment)
        thread.join()

    assert (result == 0) is healthy
    assert asked == ["/healthz"]


def test_the_health_check_of_the_image_fails_where_nothing_listens(image: str) -> None:
    assert _health_check(image, os.environ | {"JIFEN_URL": "http://127.0.0.1:9"}) != 0


def _health_check(image: str, environment: dict[str, str]) -> int:
    found = re.search(r"^HEALTHCHECK .*?CMD (\[.*\])$", image, re.MULTILINE)
    assert found is not None
    program, *arguments = json.loads(found[1])
    assert program == "python"
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False).returncode
