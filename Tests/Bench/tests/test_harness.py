"""The harness's own arithmetic: what a load generator said becomes numbers, runs become a table, the peer folder for Sluice
makes the 10,000 routes that the load asks for. No proxy is started here."""
import os
import re
import subprocess
import sys

import pytest

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, BENCH)

import bench  # noqa: E402
import counters  # noqa: E402
import loadgen  # noqa: E402
import publish  # noqa: E402
import report  # noqa: E402


def run_of(cpu, rps=50000.0):
    return dict(cpu=cpu, user=1.0, sys=cpu - 1, rps=rps, p50=0.5, p99=1.0, util=0.9, errors=0, steal=0.0, foreign=0.01)


def result(saturate=False):
    return dict(scenario="plain", rounds=3, secs=1, saturate=saturate, when="now", redone=0, base="nginx", cmd={"nginx": ["wrk"]},
                labels={"nginx": "nginx", "sluice": "sluice"},
                runs={"nginx": [run_of(15.0), run_of(16.0), run_of(90.0)], "sluice": [run_of(8.0), run_of(8.0), run_of(8.5)]})


def test_wrk_line_becomes_numbers():
    out = ('noise\nJSON {"requests":100,"seconds":2.0,"bytes":1,"connect":1,"read":2,"write":3,"status":4,"timeout":5,'
           '"p50":1500.0,"p90":1,"p99":3000.0,"max":1}\n')
    r = loadgen.parse("wrk", out)
    assert (r["requests"], r["rps"], r["p50"], r["p99"], r["errors"]) == (100, 50.0, 1.5, 3.0, 15)


@pytest.mark.parametrize("generator", ["wrk", "h2load"])
def test_output_without_figures_is_an_error(generator):
    with pytest.raises(RuntimeError):
        loadgen.parse(generator, "connection refused")


def test_table_takes_medians_and_the_share_of_nginx():
    lines = bench.table(result()).splitlines()
    assert lines[2].startswith("| sluice | 8.0 (8.0–8.5) | 0.50 |")
    assert "| nginx | 16.0 (15.0–90.0) | 1.00 |" in lines[3]


def test_full_core_rate_is_the_inverse_of_cpu_time():
    assert "| 125000 |" in bench.table(result(saturate=True))


def test_published_tables_have_spread_ratio_and_aim():
    lines = publish.tables([result(), result(saturate=True)]).splitlines()
    assert "| 1 KiB, 64 connections | 16.0 (15.0–90.0) | 8.0 (8.0–8.5) | 0.50 | ≤ 0.85 |" in lines
    assert lines[-1] == "| 1 KiB, 64 connections | 16.0 (15.0–90.0) | 8.0 (8.0–8.5) | 0.50 | 125,000 | 62,500 | ≤ 1.00 |"


def test_a_missed_aim_is_said():
    slow = result()
    slow["runs"]["sluice"] = [run_of(15.0)]
    assert publish.tables([slow]).endswith("| 0.94 | ≤ 0.85 **missed** |")


def test_publishing_replaces_what_stands_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n")
    for _ in range(2):
        publish.publish([result()], {"nginx": "nginx version: nginx/1.22.1"}, None, page)
    text = page.read_text()
    assert text.startswith(f"before\n{publish.BEGIN}\n") and text.endswith(f"{publish.END}\nafter\n")
    assert "old" not in text and text.count("1 KiB, 64 connections") == 1 and "nginx (1.22.1)" in text


def test_the_page_has_a_place_for_the_tables():
    with open(publish.PAGE) as f:
        text = f.read()
    assert 0 < text.find(publish.BEGIN) < text.find(publish.END)


def test_the_whole_comparison_fits_its_time():
    names = (report.PEERS + "," + report.EXTRA).split(",")
    runs = [(s, False) for s in report.TITLES] + [(s, True) for s in report.FULL_CORE]
    others = report.plan(runs, names, 5, 3, report.MINUTES, 2)
    assert others >= 2 and report.cost(runs, names, 5, 3, others, 2) <= report.MINUTES * 60 < 15 * 60


def test_counters_over_the_limit_are_counted(capsys):
    assert counters.report({"a": 2, "b": 5, "c": 9}, {"a": 2, "b": 4}) == 1
    assert "TOO HIGH" in capsys.readouterr().out


@pytest.mark.parametrize("kind, host", [("routes", "h999.example.test"), ("routes1", "one.example.test")])
def test_sluice_peer_makes_10000_routes(tmp_path, kind, host):
    subprocess.run([sys.executable, f"{BENCH}/peers/sluice/gen_routes.py", kind, str(tmp_path), "19800", "19000"], check=True)
    text = (tmp_path / "sluice.yaml").read_text()
    assert len(re.findall(r"^  - \{ id: r\d+, ", text, re.M)) == 10000
    assert host in text and "127.0.0.1:19000" in text and "@" not in text


@pytest.mark.parametrize("name", sorted(n for n in os.listdir(f"{BENCH}/peers") if os.path.isdir(f"{BENCH}/peers/{n}")))
def test_peer_folders_are_complete(name):
    peer = bench.Peer(name)
    assert peer.variants(), "a peer needs at least one variant with a cmd"
    for variant in peer.variants():
        for source in peer.cfg[variant].get("files", {}):
            assert os.path.exists(f"{peer.dir}/{source}")
