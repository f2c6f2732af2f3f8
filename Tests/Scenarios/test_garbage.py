"""Damaged plugin files: inspection refuses or accepts each with a reason and never crashes, none of their code runs before the probe, and a
gateway that is asked to load those that look sound keeps its workers. What is damaged how: Tests/Garbage/mutate.py."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kit.fixtures import HEADERS
from kit.gateway import ROOT, Gateway
from kit.rawclient import get

sys.path.insert(0, str(ROOT / "Tests" / "Garbage"))
import mutate  # noqa: E402

COUNT = int(os.environ.get("SLUICE_TEST_GARBAGE", "10000"))
PROBES = int(os.environ.get("SLUICE_TEST_PROBES", "300"))
BATCH = 500
SLUICE = Path(os.environ.get("SLUICE_BIN", ROOT / ".build/release/sluice"))
REASON = ("not an ELF", "truncated", "damaged", "wrong machine", "32-bit", "big-endian", "ELF type", "a relocatable", "no dynamic", "no symbol hash",
          "no entry symbol", "no manifest", "invalid manifest", "ABI major", "executable stack", "text relocations", "the manifest lies",
          "Swift", "it needs extension")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The undamaged file, its layout, and the folder where its constructor leaves traces."""
    folder = tmp_path_factory.mktemp("garbage")
    (folder / "traces").mkdir()
    out = folder / "tripwire.so"
    flags = ["-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{HEADERS}", f'-DTRACES="{folder}/traces"',
             f"-Wl,--version-script={ROOT}/SDK/sluice-plugin.map", "-Wl,-z,relro", "-Wl,-z,now"]
    done = subprocess.run(["cc", *flags, str(ROOT / "Tests/Garbage/tripwire.c"), "-o", str(out)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    data = out.read_bytes()
    (folder / "traces").chmod(0o777)
    return data, mutate.Elf(data), folder / "traces"


def inspected(folder, files):
    """The tool's word on each file, from one process."""
    done = subprocess.run([str(SLUICE), "plugin", "inspect", "--json", *map(str, files)], capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode in (0, 1), f"inspect ended with {done.returncode}: {done.stderr[-2000:]}"
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(files)
    return rows


@pytest.fixture(scope="module")
def sound(original, tmp_path_factory):
    """Inspects them all; seeds of the files that it would let pass."""
    data, elf, traces = original
    folder = tmp_path_factory.mktemp("mutants")
    passed, reasons = [], {}
    for first in range(0, COUNT, BATCH):
        seeds = range(first, min(first + BATCH, COUNT))
        files = []
        for seed in seeds:
            files.append(folder / f"{seed}.so")
            files[-1].write_bytes(mutate.mutated(data, elf, seed))
        for seed, row in zip(seeds, inspected(folder, files)):
            if row["verdict"] == "loadable":
                passed.append(seed)
                continue
            problem = row["problems"][0]
            kind = next((word for word in REASON if word in problem), None)
            assert kind, f"seed {seed}: no clear reason: {problem!r}"
            reasons[kind] = reasons.get(kind, 0) + 1
        for file in files:
            file.unlink()
    assert os.listdir(traces) == [], "a constructor ran during inspection"
    return passed, reasons


def test_the_undamaged_file_is_fine(original, tmp_path):
    data, _, traces = original
    (tmp_path / "good.so").write_bytes(data)
    assert inspected(tmp_path, [tmp_path / "good.so"])[0]["verdict"] == "loadable"
    assert os.listdir(traces) == []


LIES = {
    "a symbol version that nobody has": (".gnu.version", 2, 2, 0x1b02, "has version 6914, which is not defined"),
    "a relocation into foreign memory": (".rela.dyn", 0, 8, 0x7fff_0000_0000, "which is not the file's own data"),
    "a relocation of an unknown type": (".rela.dyn", 8, 4, 5, "relocation 0 of type 5"),
    "a relocation to a symbol that is not there": (".rela.plt", 12, 4, 4000, "names symbol 4000 of"),
    "a hash that is read behind its end": (".gnu.hash", 8, 4, 3, "the head of the symbol hash"),
    "a segment over foreign memory": ("program headers", 56 + 16, 8, 0x7fff_0000_0000, "a segment at 0x7fff00000000"),
    "segments out of order": ("program headers", 56 + 16, 8, 0x9000, "overlap, are out of order"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_to_the_loader_are_refused_before_any_probe(original, tmp_path, lie):
    """What a probe cannot find out, for it may go well in one process and wreck another."""
    data, elf, _ = original
    part, at, width, value, reason = LIES[lie]
    offset = elf.parts[part][0] + at
    (tmp_path / "lie.so").write_bytes(data[:offset] + value.to_bytes(width, "little") + data[offset + width:])
    row = inspected(tmp_path, [tmp_path / "lie.so"])[0]
    assert row["verdict"] == "refused" and reason in row["problems"][0], row


@pytest.mark.timeout(600)
def test_inspection_survives_all_of_them(sound, measure):
    passed, reasons = sound
    measure(f"of {COUNT} damaged files inspection let pass", len(passed), "files")
    assert len(reasons) >= (8 if COUNT >= 5000 else 1), reasons  # damage reaches every part of the reader
    assert 0.1 * COUNT < len(passed) < 0.9 * COUNT


@pytest.mark.timeout(900)
def test_loading_costs_nobody_but_the_probe(original, sound, shared_origin, tmp_path, measure):
    data, elf, traces = original
    passed, _ = sound
    refused = loaded = 0
    with Gateway(to=shared_origin, workers=2, plugins_api="local") as gateway:
        gateway.allow += "|probe|plugin|tripwire"
        before, begun = gateway.workers(), time.monotonic()
        for seed in passed[:PROBES]:
            file = tmp_path / f"{seed}.so"
            file.write_bytes(mutate.mutated(data, elf, seed))
            answer = gateway.admin("POST", "/v1/plugins/load", {"path": str(file)}, timeout=30)
            file.unlink()
            assert answer.status in (200, 422), f"seed {seed}: {answer}"
            if answer.status == 422:
                refused += 1
                assert answer.json["detail"] and answer.json["errors"], f"seed {seed}: no reason"
            else:
                loaded += 1
                name = answer.json["name"]
                assert gateway.admin("DELETE", f"/v1/plugins/{name}").status in (200, 202), f"seed {seed}"
            assert gateway.workers() == before, f"seed {seed} cost a worker: {answer}"
        took = time.monotonic() - begun
        assert get(gateway.port).status == 200
        others = {os.getpid(), gateway.process.pid, gateway.control()}
    # By number: a damaged file may call the process it ran in by a wrong name.
    ran = {int(name.rpartition(".")[2]) for name in os.listdir(traces)}
    assert not ran & others and any(name.startswith("probe") for name in os.listdir(traces))
    assert refused and loaded
    measure(f"{refused + loaded} damaged files through load, of them refused by the probe or the loader", refused, "files")
    measure("each", took / (refused + loaded))
