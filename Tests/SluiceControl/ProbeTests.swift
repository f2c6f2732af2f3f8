// Trials of plugins as far as they need no real plugin: the request's form, a program that is none, and what a change does with a verdict.
import Foundation
import SluiceModel
import Testing

@testable import SluiceControl

@Suite struct ProbeTests {
    @Test func requestIsFieldsWithNULs() {
        let request = ProbeRequest(path: "/a.so", name: "a", generation: 3, digest: 9, configurations: ["{}", #"{"x":1}"#])
        #expect(String(decoding: request.bytes, as: UTF8.self) == "/a.so\0a\u{0}3\u{0}9\u{0}{}\0{\"x\":1}\0")
    }

    @Test func requestIsBounded() {
        let many = (0..<1_000).map { "{\"n\":\($0)}" }
        let request = ProbeRequest(path: "/a.so", name: "a", generation: 1, digest: 0, configurations: many)
        #expect(request.bytes.count { $0 == 0 } == 4 + Limits.probeConfigurationsMax)
    }

    @Test func programThatIsMissingIsAVerdict() async {
        let verdict = await Probe(program: "/nonexistent/sluiced").run(ProbeRequest(path: "/a.so", name: "a", generation: 1, digest: 0))
        #expect(verdict.outcome == .failed && verdict.problem?.contains("/nonexistent/sluiced") == true)
    }

    @Test func programThatSaysNothingIsNoSoundPlugin() async {
        let verdict = await Probe(program: "/bin/true").run(ProbeRequest(path: "/a.so", name: "a", generation: 1, digest: 0))
        #expect(verdict.outcome == .crashed && verdict.problem == "probe: the host ended the process (it exited with status 0)")
    }

    @Test func hangingProgramIsKilled() async throws {
        let folder = NSTemporaryDirectory() + "/sluice-probe-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = folder + "/hang"
        try "#!/bin/sh\nsleep 60 & sleep 60\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
        let verdict = await Probe(program: script, timeoutMs: 200).run(ProbeRequest(path: "/a.so", name: "a", generation: 1, digest: 0))
        #expect(verdict.outcome == .hung && verdict.tookMs < 2_000 && verdict.problem?.contains("did not return within 200 ms") == true)
    }

    @Test func whatFailsItsTrialReachesNoWorker() async throws {
        let bench = try await Bench(prober: FakeProbe(crashing: "beta"))
        let before = await bench.control.state.revision, copies = bench.copies
        await #expect(
            throws: ChangeRefusal(
                title: "plugin refused", errors: ["plugin beta@1: probe: init crashed: SIGSEGV at 0x0 in boom+0x4"])
        ) {
            try await bench.control.load(path: try bench.write("beta 1.0.0 log", "beta.so"), name: "beta")
        }
        #expect(await bench.control.state.revision == before && bench.copies == copies)
        _ = try await bench.control.load(path: try bench.write("gamma 1.0.0 log", "gamma.so"), name: "gamma")
    }

    @Test func swiftNamesAreReadable() {
        #expect(Symbolizer.demangled("$sSS5countSivg") == "Swift.String.count.getter : Swift.Int")
        #expect(Symbolizer.demangled("main") == "main" && Symbolizer.demangled("$sgarbage!") == "$sgarbage!")
    }

    @Test func whoCalledTheLibraryIsOfInterest() {
        let frames = [
            StackFrame(address: "0x1", module: "/lib/libc.so.6", offset: "0x2", symbol: "abort+0x2"),
            StackFrame(address: "0x3", module: "/p/geo/1-a.so", offset: "0x4", symbol: "lookup+0x4"),
        ]
        #expect(FaultText.culprit(frames)?.short == "lookup+0x4" && FaultText.culprit([frames[0]])?.short == "abort+0x2")
        #expect(
            StackFrame(address: "0x1", module: "/p/x.so", offset: "0x2").short == "x.so+0x2" && StackFrame(address: "0x1").short == "0x1")
    }
}
