// The master's decisions, without a process or a socket: respawn delays, the end of the house, the command line, listeners.
import SluiceModel
import Testing

@testable import SluiceMaster

@Suite struct DecisionTests {
    @Test func firstDeathsAreForgivenRepeatedOnesWait() {
        var p = RespawnPolicy()
        expect((0..<9).map { _ in p.delayAfterDeath(livedMs: 50) }, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
        expect(p.delayAfterDeath(livedMs: 999), 5000)
        expect(p.delayAfterDeath(livedMs: 1000), 0, "old enough to be replaced at once")
        expect(p.delayAfterDeath(livedMs: 10), 5000, "but not forgiven before ten seconds")
        expect(p.delayAfterDeath(livedMs: 10_000), 0)
        expect(p.delayAfterDeath(livedMs: 10), 0)
        expect(p.delayAfterDeath(livedMs: 10), 100)
        for _ in 0..<200 { expect(p.delayAfterDeath(livedMs: 0) <= 5000, true) }
    }

    @Test func drainThenStop() {
        var s = ShutdownPlan()
        expect(s.timePassed(now: 1 << 60), .none)
        expect(s.askedToDrain(now: 1000, drainMs: 30_000), .drain(deadlineMs: 30_000))
        expect(s.timePassed(now: 30_000), .none)
        expect(s.workersLeft(now: 2000), .stop)
        #expect(s.phase == .stopping && s.deadline == 4000)
        expect(s.timePassed(now: 3999), .none)
        expect(s.timePassed(now: 4000), .kill)
        expect(s.timePassed(now: 1 << 60), .none)
        expect(s.askedToStop(now: 5000), .none)
    }

    @Test func drainHasAnEnd() {
        var s = ShutdownPlan()
        _ = s.askedToDrain(now: 0, drainMs: 1000)
        expect(s.timePassed(now: 1499), .none)
        expect(s.timePassed(now: 1500), .stop)
        expect(s.timePassed(now: 2000), .kill)
    }

    @Test func aSecondSignalStopsAtOnce() {
        var a = ShutdownPlan()
        _ = a.askedToDrain(now: 0, drainMs: 60_000)
        expect(a.askedToDrain(now: 10, drainMs: 60_000), .stop)
        #expect(a.deadline == 510)
        expect(a.askedToStop(now: 11), .kill)
        var b = ShutdownPlan()
        expect(b.askedToStop(now: 10), .stop)
        expect(b.workersLeft(now: 20), .none)
    }

    @Test func commandLines() throws {
        #expect(try Arguments.parse(["--image-fd", "7"]) == Arguments(role: .master(imageFd: 7)))
        #expect(try Arguments.parse(["--version"]).role == .version)
        #expect(
            try Arguments.parse(["--worker", "3", "--parent", "9", "--user", "www", "--group", "g"])
                == Arguments(role: .worker(index: 3), parent: 9, user: "www", group: "g"))
        #expect(
            try Arguments.parse(["--control", "/bin/sluice", "/etc/s.yaml"]).role
                == .control(program: "/bin/sluice", configPath: "/etc/s.yaml"))
        let bad: [([String], String)] = [
            ([], "nothing to do"), (["run"], "unknown argument run"), (["--image-fd"], "--image-fd needs a value"),
            (["--image-fd", "x"], "--image-fd x: a number from 3 to 1048576 is needed"),
            (["--image-fd", "2"], "--image-fd 2: a number from 3 to 1048576 is needed"),
            (["--worker", "256"], "--worker 256: a number from 0 to 255 is needed"),
            (["--image-fd", "7", "--user", "x"], "unexpected argument --user"),
            (["--worker", "1", "--bogus"], "unknown argument --bogus"), (["--version", "x"], "unexpected argument x"),
        ]
        for (words, text) in bad {
            #expect(throws: Arguments.Problem.self) { _ = try Arguments.parse(words) }; #expect(problem(words) == text)
        }
    }
    func problem(_ words: [String]) -> String {
        do { _ = try Arguments.parse(words) } catch { return "\(error)" }
        return ""
    }

    @Test func listenerDifferences() {
        let a = ListenerSpec(label: "127.0.0.1:1", address: [2, 0, 0, 1, 127, 0, 0, 1])
        var b = ListenerSpec(label: "127.0.0.1:2", address: [2, 0, 0, 2, 127, 0, 0, 1])
        let c = ListenerSpec(label: "unix:/x", address: [1, 0, 47, 120, 0])
        #expect(ListenerTable.missing([a], [a, b, b, c]) == [b, c])
        #expect(ListenerTable.surplus([a, b], [b, c]) == [a])
        let old = b
        b.backlog = 5
        #expect(ListenerTable.missing([old], [b]).isEmpty, "another backlog is the same socket")
        #expect(c.isUnix && !a.isUnix && a.port == 1)
    }

    @Test func whatNeedsARestart() {
        var a = MasterSettings(), b = MasterSettings()
        a.connectionsMax = 100
        b.connectionsMax = 50
        b.errorLogPath = "/x"
        #expect(a.needsRestart(b).isEmpty)
        b.workers = 3
        b.user = "www"
        #expect(a.needsRestart(b) == ["workers", "user and group"])
        #expect(b.needsRestart(a).contains("limits.connections"))
    }
}
