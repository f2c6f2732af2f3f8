"""`make install` into a staging folder: what is there, and that it works from there without the source tree.

The installed gateway starts, the installed SDK compiles a plugin with nothing but pkg-config, and the two fit.
"""

import os
import subprocess
from pathlib import Path

import pytest
from kit.gateway import ROOT, Gateway
from kit.rawclient import get

PREFIX = "/opt/sluice"


def make(target: str, staging: Path) -> str:
    """As a packager does it; `-o` because the build was made before and is not what is tested here."""
    command = ["make", "-o", ".build/stamps/release", target, f"DESTDIR={staging}", f"PREFIX={PREFIX}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def staging(tmp_path_factory):
    folder = tmp_path_factory.mktemp("staging")
    make("install", folder)
    return folder


@pytest.fixture(scope="module")
def top(staging):
    return staging / PREFIX.lstrip("/")


def test_files(staging, top):
    expected = {
        "bin/sluiced": 0o755, "bin/sluice": 0o755, "lib/sluice/plugins/key-auth.so": 0o755, "lib/sluice/libswiftCore.so": 0o644,
        "include/sluice/sluice.h": 0o644, "share/sluice/sluice-plugin.map": 0o644, "share/sluice/sdk/Package.swift": 0o644,
        "share/sluice/sdk/Templates/c/hello.c": 0o644, "lib/pkgconfig/sluice-plugin.pc": 0o644, "share/sluice/sluice.schema.json": 0o644,
        "lib/systemd/system/sluiced.service": 0o644, "lib/sysusers.d/sluice.conf": 0o644, "etc/sluice/sluice.yaml": 0o644,
        "share/doc/sluice/LICENSE": 0o644,
    }
    modes = {name: (top / name).stat().st_mode & 0o777 for name in expected if (top / name).exists()}
    assert modes == expected
    for path in top.rglob("*"):
        assert not path.is_symlink() or path.resolve().is_relative_to(staging), path
        assert path.is_dir() or ".build" not in path.parts and path.suffix not in (".o", ".pyc"), path
    headers = {path.name for path in (top / "include/sluice").iterdir()}
    assert headers >= {path.name for path in (ROOT / "SDK/Sources/CSluiceABI/include/sluice").glob("*.h")}


@pytest.mark.parametrize("name", ["lib/pkgconfig/sluice-plugin.pc", "lib/systemd/system/sluiced.service", "etc/sluice/sluice.yaml"])
def test_paths_inside_are_those_of_the_prefix(staging, top, name):
    text = (top / name).read_text()
    assert "@" not in text.replace("@system-service", "") and str(staging) not in text
    assert PREFIX in text


def test_runs_without_the_toolchain(top):
    """The Swift runtime comes along: no library is looked for outside of lib/sluice and the system's own folders."""
    environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    for program in ("sluice", "sluiced"):
        out = subprocess.run(["ldd", str(top / "bin" / program)], capture_output=True, text=True, env=environment, timeout=20).stdout
        assert "not found" not in out
        places = [line.split("=> ")[1].split()[0] for line in out.splitlines() if "=> " in line]
        strange = [place for place in places if not place.startswith(("/lib", "/usr/lib", str(top)))]
        assert strange == [] and any(str(top) in place for place in places)


def pkg_config(top, *arguments) -> list:
    command = ["pkg-config", f"--define-variable=prefix={top}", *arguments, "sluice-plugin"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, env={**os.environ, "PKG_CONFIG_PATH": str(top / "lib/pkgconfig")})
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.fixture(scope="module")
def hello(top, tmp_path_factory):
    """The installed template, compiled by the installed flags."""
    out = tmp_path_factory.mktemp("hello") / "hello.so"
    command = ["cc", "-std=c17", *pkg_config(top, "--cflags"), str(top / "share/sluice/sdk/Templates/c/hello.c"), "-o", str(out)]
    result = subprocess.run([*command, *pkg_config(top, "--libs")], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return out


def test_pkg_config_has_the_version_of_the_changelog(top):
    (version,) = pkg_config(top, "--modversion")
    assert f"[{version}]" in (ROOT / "CHANGELOG.md").read_text() or version == "0.1.0"


def test_plugin_exports_one_symbol(hello):
    out = subprocess.run(["nm", "-D", "--defined-only", str(hello)], capture_output=True, text=True, timeout=20).stdout
    assert [line.split()[-1].partition("@")[0] for line in out.splitlines() if " A " not in line] == ["sluice_plugin_v1"]


def test_installed_gateway_serves_with_the_compiled_and_the_installed_plugin(top, hello, shared_origin, origin):
    """A plugin named without a folder is found in lib/sluice/plugins of the installation."""
    with Gateway(
        to=shared_origin, binary=top / "bin/sluice",
        plugins=[{"name": "hello", "path": str(hello)}, {"name": "request-id", "path": "request-id.so"}],
        global_plugins=[{"name": "hello"}, {"name": "request-id"}],
    ) as gateway:
        answer = get(gateway.port)
        assert answer.status == 200 and answer.get("X-Request-Id")
        assert origin.seen[0].get("X-Hello") == "world"
        for pid in (gateway.pid, *gateway.workers()):
            assert Path(f"/proc/{pid}/exe").resolve() == top / "bin/sluiced"


def test_uninstall_leaves_the_configuration(tmp_path):
    make("install", tmp_path)
    top = tmp_path / PREFIX.lstrip("/")
    (top / "etc/sluice/sluice.yaml").write_text("version: 1\n")
    make("install", tmp_path)
    assert (top / "etc/sluice/sluice.yaml").read_text() == "version: 1\n", "an installation over another keeps the configuration"
    make("uninstall", tmp_path)
    assert [path for path in top.rglob("*") if path.is_file()] == [top / "etc/sluice/sluice.yaml"]
