"""Two generations at once, and going back: by hand, by crash, by errors, by time; quarantine and what serves in it.

Loading itself is in `test_plugin_loading.py`, the rest of the plugin API in `test_plugin_api.py`.
"""

import os
import signal

import pytest
from kit.load import Load
from kit.rawclient import get
from kit.versions import NAME, canary, load, one, seen, serving, version
from kit.wait import until

CRASHES = r"died of signal|deaths in a row|worker \d|plugin versions|rolled back|exited with|respawned|report "


@pytest.fixture
def gateway(shared_origin, origin, tmp_path):
    with serving(shared_origin, tmp_path, allow=CRASHES) as gateway:
        yield gateway


def boom(gateway):
    """A request that its worker does not survive; then both workers serve again."""
    dead = set(gateway.workers())
    try:
        get(gateway.port, "/boom")
    except (OSError, EOFError, AssertionError, ValueError):
        pass
    until(lambda: len(gateway.workers()) == 2 and set(gateway.workers()) != dead, 5, "a successor")


def test_share_is_kept_and_every_request_sees_one_generation(gateway, tmp_path):
    answer = canary(gateway, version(tmp_path, "2.0.0"), share=25)
    assert answer.status == 200 and answer.json["generation"] == 2 and answer.json["share"] == 25, answer
    counts = seen(gateway, 400)
    assert set(counts) == {"1.0.0", "2.0.0"} and 60 <= counts["2.0.0"] <= 145, counts
    shown = one(gateway)["canary"]
    assert shown["generation"] == 2 and shown["share"] == 25
    until(lambda: one(gateway)["canary"]["phases"]["access"]["calls"] == counts["2.0.0"], 2, "the canary's calls to be counted")
    assert {each["generation"]: each["state"] for each in one(gateway)["versions"]} == {1: "serving", 2: "canary"}


def test_promoted_without_one_failed_request(gateway, tmp_path):
    with Load(gateway.port, connections=4) as traffic:
        assert canary(gateway, version(tmp_path, "2.0.0"), share=50).status == 200
        answer = gateway.admin("POST", f"/v1/plugins/{NAME}/promote")
        assert answer.status == 200 and answer.json["generation"] == 2, answer
        result = traffic.stop()
    assert result.failures == []
    assert seen(gateway, 20) == {"2.0.0": 20}
    shown = one(gateway)
    assert "canary" not in shown and shown["last_change"]["kind"] == "promoted"
    until(lambda: {g["generation"] for g in one(gateway)["generations"]} == {2}, 5, "generation 1 to go")


def test_rolled_back_by_hand(gateway, tmp_path):
    assert canary(gateway, version(tmp_path, "2.0.0"), share=50).status == 200
    answer = gateway.admin("POST", f"/v1/plugins/{NAME}/rollback", {"reason": "no"})
    assert answer.status == 200 and answer.json["generation"] == 1, answer
    assert seen(gateway, 20) == {"1.0.0": 20}
    assert [(each["generation"], each["state"], each.get("reason")) for each in one(gateway)["versions"]] == [
        (1, "serving", None), (2, "withdrawn", "no")]


def test_replacement_is_rolled_back_in_one_call_under_load(gateway, tmp_path):
    with Load(gateway.port, connections=4) as traffic:
        assert load(gateway, version(tmp_path, "2.0.0")).status == 200
        assert seen(gateway, 4) == {"2.0.0": 4}
        answer = gateway.admin("POST", f"/v1/plugins/{NAME}/rollback")
        assert answer.status == 200 and answer.json["version"] == "1.0.0" and answer.json["restores"] == 1, answer
        assert traffic.stop().failures == []
    assert seen(gateway, 4) == {"1.0.0": 4}
    answer = gateway.admin("POST", f"/v1/plugins/{NAME}/rollback")
    assert answer.status == 409 and "no other good generation" in answer.json["detail"], answer
    answer = gateway.admin("POST", f"/v1/plugins/{NAME}/rollback", {"generation": 2})
    assert answer.status == 200 and seen(gateway, 4) == {"2.0.0": 4}, answer


def test_too_many_errors_take_a_canary_back(gateway, tmp_path):
    assert canary(gateway, version(tmp_path, "2.0.0", FAILS=1), share=50, errors_max=5, min_calls=10).status == 200
    number = 0
    while "canary" in one(gateway) and number < 200:
        get(gateway.port, f"/e{number}")
        number += 1
    until(lambda: "canary" not in one(gateway), 3, "the canary to be taken back")
    change = one(gateway)["last_change"]
    assert change["kind"] == "rolled_back" and change["by_itself"] and "calls failed" in change["reason"], change
    assert "versions@2 rolled back to versions@1" in gateway.log()
    assert seen(gateway, 20) == {"1.0.0": 20}


def test_slowness_takes_a_replacement_back(gateway, tmp_path):
    answer = load(gateway, version(tmp_path, "2.0.0", SPINS=20), latency_max_ms=5, min_calls=5, seconds=60)
    assert answer.status == 200 and "probation" in one(gateway), answer
    for number in range(8):
        get(gateway.port, f"/s{number}")
    until(lambda: one(gateway)["version"] == "1.0.0", 3, "version 1.0.0 to come back")
    assert "99th percentile of access" in one(gateway)["last_change"]["reason"]


def test_one_crash_takes_a_canary_back(gateway, tmp_path):
    assert canary(gateway, version(tmp_path, "2.0.0", CRASHES=1), share=50).status == 200
    for number in range(40):
        try:
            get(gateway.port, f"/c{number}boom")
        except (OSError, EOFError, AssertionError, ValueError):
            break
    until(lambda: "canary" not in one(gateway), 5, "the canary to be taken back")
    assert "crashed: " in one(gateway)["last_change"]["reason"] and "SIGSEGV" in one(gateway)["last_change"]["reason"]
    until(lambda: len(gateway.workers()) == 2, 5, "both workers")
    assert seen(gateway, 10) == {"1.0.0": 10}


def test_one_crash_takes_a_replacement_back(gateway, tmp_path):
    assert load(gateway, version(tmp_path, "2.0.0", CRASHES=1)).status == 200
    boom(gateway)
    until(lambda: one(gateway)["version"] == "1.0.0", 5, "version 1.0.0 to come back")
    assert seen(gateway, 10, "/xboom") == {"1.0.0": 10}


@pytest.mark.parametrize("mode,status", [("closed", 503), ("open", 200)])
def test_quarantine_without_another_version(shared_origin, origin, tmp_path, mode, status):
    """The failure mode serves; it holds over a reload and a restart, until it is lifted."""
    bad = version(tmp_path, "1.0.0", CRASHES=1)
    keys = {"entry": {"path": str(bad), "on_failure": mode}, "plugin_quarantine": {"crashes": 2, "seconds": 60}, "allow": CRASHES}
    with serving(shared_origin, tmp_path, **keys) as gateway:
        boom(gateway)
        assert one(gateway)["state"] == "serving"
        boom(gateway)
        until(lambda: one(gateway)["state"] == "quarantined", 5, "the quarantine")
        answer = get(gateway.port, "/anything")
        assert answer.status == status and answer.get("X-Version") is None
        if status == 503:
            assert b"quarantined" in answer.body
        entry = one(gateway)["quarantine"][0]
        assert entry["generation"] == 1 and "2 crashes within 60 s" in entry["reason"] and "SIGSEGV" in entry["reason"]
        refused = load(gateway, bad)
        assert refused.status == 409 and "DELETE /v1/plugins/versions/quarantine" in refused.json["detail"], refused
        assert gateway.admin("POST", "/v1/reload").status == 200
        assert get(gateway.port, "/anything").status == status
        gateway.stop()
        gateway.start()
        assert one(gateway)["state"] == "quarantined" and get(gateway.port, "/anything").status == status
        answer = gateway.admin("DELETE", f"/v1/plugins/{NAME}/quarantine")
        assert answer.status == 200, answer
        assert seen(gateway, 4) == {"1.0.0": 4} and one(gateway)["state"] == "serving"
        assert gateway.admin("DELETE", f"/v1/plugins/{NAME}/quarantine").status == 404


def test_crashes_are_counted_over_the_death_of_the_control_process(shared_origin, tmp_path):
    """kill -9 between crashes, and once so soon that a crash is reported by the next control process: the third is still the third."""
    bad = version(tmp_path, "1.0.0", CRASHES=1)
    keys = {"entry": {"path": str(bad)}, "plugin_quarantine": {"crashes": 3, "seconds": 120}, "allow": CRASHES + "|control process"}

    def kill_control(gateway):
        control = gateway.control()
        os.kill(control, signal.SIGKILL)
        until(lambda: gateway.control() not in (None, control) and gateway.is_healthy(), 10, "the next control process")

    with serving(shared_origin, tmp_path, **keys) as gateway:
        for crash in (1, 2):
            boom(gateway)
            until(lambda: len(gateway.admin("GET", "/v1/crashes").json["crashes"]) == crash, 5, "the report")
            kill_control(gateway)
            assert one(gateway)["state"] == "serving"
        boom(gateway)
        until(lambda: one(gateway)["state"] == "quarantined", 5, "the quarantine")
        assert "3 crashes within 120 s" in one(gateway)["quarantine"][0]["reason"]


def test_quarantine_brings_the_last_good_version_back(shared_origin, origin, tmp_path):
    keys = {"plugin_quarantine": {"crashes": 2, "seconds": 60}, "plugin_probation": {"seconds": 0}, "allow": CRASHES}
    with serving(shared_origin, tmp_path, **keys) as gateway:
        assert load(gateway, version(tmp_path, "2.0.0", CRASHES=1)).status == 200
        boom(gateway)
        assert one(gateway)["version"] == "2.0.0"  # no probation: one crash is not enough
        boom(gateway)
        until(lambda: one(gateway)["version"] == "1.0.0", 5, "version 1.0.0 to take over")
        states = {each["generation"]: each["state"] for each in one(gateway)["versions"]}
        assert states == {1: "kept", 2: "quarantined", 3: "serving"}
        assert seen(gateway, 10, "/xboom") == {"1.0.0": 10}


def test_canary_survives_a_control_restart(gateway, tmp_path):
    assert canary(gateway, version(tmp_path, "2.0.0"), share=50).status == 200
    control = gateway.control()
    os.kill(control, signal.SIGKILL)
    until(lambda: gateway.control() not in (None, control), 5, "the successor")
    until(lambda: gateway.is_healthy(), 10, "the admin API")
    assert one(gateway)["canary"]["generation"] == 2
    assert gateway.admin("POST", f"/v1/plugins/{NAME}/promote").status == 200
    assert seen(gateway, 6) == {"2.0.0": 6}


@pytest.mark.parametrize("body,word", [
    ({}, "exactly one of path, generation, version"), ({"path": "/x.so", "generation": 1}, "exactly one"),
    ({"generation": 1, "share": 51}, "0.01 to 50"),
    ({"generation": 1, "share": 0}, "0.01 to 50"), ({"generation": 1, "errors_max": 101}, "0 to 100"), ({"generation": 0}, "generation"),
    ({"generation": 1, "min_calls": 0}, "1 to"), ({"generation": 1, "sharre": 1}, "did you mean"), ({"generation": 1, "seconds": 1.5}, "1 to"),
])
def test_bad_canary(gateway, body, word):
    answer = gateway.admin("POST", f"/v1/plugins/{NAME}/canary", body)
    assert answer.status == 400 and word in answer.body.decode(), answer


def test_what_is_not_possible(gateway, tmp_path):
    refusals = {"nobody/canary": 404, f"{NAME}/promote": 409, "nobody/promote": 404, f"{NAME}/rollback": 409, "nobody/rollback": 404}
    for path, status in refusals.items():
        answer = gateway.admin("POST", f"/v1/plugins/{path}", {"generation": 1} if path.endswith("canary") else None)
        assert answer.status == status, (path, answer)
    assert gateway.admin("POST", f"/v1/plugins/{NAME}/canary", {"generation": 9}).status == 404
    assert canary(gateway, version(tmp_path, "2.0.0")).status == 200
    assert canary(gateway, version(tmp_path, "3.0.0")).status == 409
    assert load(gateway, version(tmp_path, "3.0.0")).status == 409
