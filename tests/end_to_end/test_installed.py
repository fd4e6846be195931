"""The programs installed from a wheel, and run from another folder: nothing may be missing without the checkout."""

import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end import programs
from tests.end_to_end.programs import ROOT

PACKAGED = ("tcp_server", "ws_bridge", "cli_client", "web")
FILES = ("pyproject.toml", "README.md", "LICENSE")
SECONDS = 30.0  # for a client's whole run


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a copy of the sources into a new environment; return the folder of its commands."""
    folder = tmp_path_factory.mktemp("installed")
    sources = folder / "sources"  # building leaves files beside them
    for name in PACKAGED:
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, sources)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    scripts = folder / "venv" / "bin"
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(sources)], check=True)
    shutil.rmtree(sources)
    return scripts


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=SECONDS) as response:
        body: bytes = response.read()
        return body.decode()


@pytest.mark.slow
@pytest.mark.timeout(240)  # pip may have to download everything
def test_four_commands_from_another_folder(scripts: Path, tmp_path: Path) -> None:
    """Server, bridge, page and client work without a checkout, by their installed names."""
    server = programs.server(tmp_path, command=[str(scripts / "wordpacket-server")], cwd=tmp_path)
    bridge = programs.bridge(tmp_path, server.port, command=[str(scripts / "wordpacket-bridge")], cwd=tmp_path)
    page = get(f"http://127.0.0.1:{bridge.port}/")
    assert page == (ROOT / "web" / "index.html").read_text()
    for file in (ROOT / "web").rglob("*.*"):
        assert get(f"http://127.0.0.1:{bridge.port}/{file.relative_to(ROOT / 'web')}") == file.read_text()
    said = subprocess.run(
        [str(scripts / "wordpacket"), "127.0.0.1", str(server.port), "--nick", "alice"],
        cwd=tmp_path,
        input="from a wheel\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert "from a wheel" in said.stdout
    bridge.stop()
    server.stop()
