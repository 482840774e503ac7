"""Makes the virtual environment from the lock file, with nothing but Python's standard library to begin with.

uv is taken from the PATH, else installed into .uv/ by venv and pip, else (Debian without python3-venv) its wheel is
fetched from the package index and unpacked.
"""

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_HOME = ROOT / ".uv"
INDEX = os.environ.get("UV_DEFAULT_INDEX", "https://pypi.org/simple").rstrip("/")


def find_uv() -> str | None:
    """The uv to use, if there is one already."""
    for candidate in (UV_HOME / "bin" / "uv", UV_HOME / "uv"):
        if candidate.exists():
            return str(candidate)
    return shutil.which("uv")


def install_by_pip() -> bool:
    steps = (
        [sys.executable, "-m", "venv", str(UV_HOME)],
        [str(UV_HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "uv"],
    )
    try:
        return all(subprocess.run(step, check=False, capture_output=True).returncode == 0 for step in steps)
    except OSError:
        return False


def install_by_wheel() -> None:
    request = urllib.request.Request(f"{INDEX}/uv/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        files = json.load(reply)["files"]
    tags = ("manylinux", platform.machine()) if sys.platform == "linux" else ("macosx", platform.machine())
    wheel = [file for file in files if all(tag in file["filename"] for tag in tags) and not file.get("yanked")][-1]
    with urllib.request.urlopen(wheel["url"], timeout=300) as reply:
        archive = zipfile.ZipFile(io.BytesIO(reply.read()))
    name = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
    UV_HOME.mkdir(exist_ok=True)
    target = UV_HOME / "uv"
    target.write_bytes(archive.read(name))
    target.chmod(0o755)


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever runs this may have an older one)
        sys.exit("timbra needs Python 3.11 or newer")
    if find_uv() is None and not install_by_pip():
        shutil.rmtree(UV_HOME, ignore_errors=True)
        install_by_wheel()
    uv = find_uv()
    if uv is None:
        sys.exit("uv could not be installed: install it by hand (https://docs.astral.sh/uv) and try again")
    # Compiled now, once: where Python may not write its own cache, every start would compile everything again.
    sync = [uv, "sync", "--frozen", "--quiet", "--compile-bytecode", "--python", sys.executable]
    subprocess.run(sync, cwd=ROOT, check=True)
    python = str(ROOT / ".venv" / "bin" / "python")
    subprocess.run([python, "-m", "compileall", "-q", "src/timbra"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
