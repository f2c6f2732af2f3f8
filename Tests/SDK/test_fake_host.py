"""The fake host of the C SDK does what the gateway does: the tests' fixture runs on it with the same expectations, every way to wait
works in virtual time, and nothing leaks or reads what it must not (AddressSanitizer)."""
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = sorted((ROOT / "SDK/Fake").glob("*.c"))
FLAGS = ["-std=gnu17", "-g", "-Wall", "-Wextra", "-Wshadow", "-Werror", f"-I{ROOT}/SDK/Sources/CSluiceABI/include", f"-I{ROOT}/SDK/Fake/include"]
NUMBERS = {"BAD_MAGIC": 3, "BAD_MAJOR": 4, "SHORT_ENTRY": 5, "NO_MANIFEST": 6}  # the preprocessor must know these
VARIANTS = {"EDITS": '"rewrite","header_filter"', "UPPER": '"body_filter"', "SPLITTER": '"body_filter"', "ANSWERER": '"rewrite","access"',
            "ABUSER": '"rewrite","log"', "FAILING": '"access","log"', "COUNTER": '"log"', "BAD_INIT": '"rewrite"', "BAD_MAGIC": '"rewrite"',
            "BAD_MAJOR": '"rewrite"', "SHORT_ENTRY": '"rewrite"', "NO_MANIFEST": '"rewrite"', "LYING_PHASES": '"access"'}


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["plain", "address"])
def build(request, tmp_path_factory):
    """Compiles a test with the fake host, optimised or under AddressSanitizer."""
    folder = tmp_path_factory.mktemp(request.param)

    def make(name, sources, *more):
        sanitizer = ["-fsanitize=address,undefined", "-fno-sanitize-recover"] if request.param == "address" else ["-O2"]
        run("cc", *FLAGS, *sanitizer, *more, *sources, *FAKE, "-o", folder / name, "-ldl", "-lpthread", "-lcrypto")
        return folder / name
    return make


def test_fixtures(build, tmp_path):
    for variant, phases in VARIANTS.items():
        quoted = phases.replace('"', '\\"')
        kind = [f"-DVARIANT={NUMBERS.get(variant, variant)}", f'-DPHASES="{quoted}"', f'-DNAME="{variant.lower()}"']
        run("cc", *FLAGS, "-Wno-error", "-fPIC", "-shared", *kind, ROOT / "Tests/Kit/plugins/fixture.c", "-o", tmp_path / f"{variant}.so")
    assert "contract: good" in run(build("contract", [ROOT / "Tests/SDK/contract_test.c"]), tmp_path)


@pytest.mark.parametrize("mode", [[], ["-DFIBER"]], ids=["suspend", "fiber"])
def test_waiting(build, mode):
    sources = [ROOT / "Tests/SDK/waiting_test.c", ROOT / "Tests/SDK/waiting_plugin.c"]
    assert "waiting: good" in run(build("waiting" + "".join(mode), sources, *mode))


def test_crypto(build, tmp_path):
    """The fixture that holds the gateway's own table to known answers, on the fake host's."""
    run("cc", *FLAGS, "-Wno-error", "-Wno-unused", "-fPIC", "-shared", "-DVARIANT=3", '-DPHASES="\\"rewrite\\""', ROOT / "Tests/Kit/plugins/tables.c",
        "-o", tmp_path / "crypto.so")
    assert "crypto: good" in run(build("crypto", [ROOT / "Tests/SDK/crypto_test.c"]), tmp_path / "crypto.so")
