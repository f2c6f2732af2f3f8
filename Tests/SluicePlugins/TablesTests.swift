// Header batches, variables, metrics and crypto as a C plugin calls them: tables.c complains through the log when an answer is not as the
// header says. What only the host sees (cells, conflicts of generations, what is wiped) is checked here.
import CSluiceABI
import CSluiceCrypto
import Foundation
import SluiceBytes
import SluiceShared
import Testing

@testable import SluicePlugins

extension Kit {
    enum Table: Int { case batch, variables, metrics, crypto }

    /// Compiles tables.c.
    static func tables(_ variant: Table, phases: [String], options: [String] = []) throws -> String {
        let path = folder + "/tables-\(UUID().uuidString).so"
        let list = phases.map { "\\\"\($0)\\\"" }.joined(separator: ",")
        try run(
            compiler + [
                "-std=gnu17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wno-unused", "-I\(include)",
                "-DVARIANT=\(variant.rawValue)", "-DPHASES=\"\(list)\"",
            ] + options + [root + "/Tests/Kit/plugins/tables.c", "-o", path, "-Wl,--version-script=\(root)/SDK/sluice-plugin.map"])
        return path
    }
}

@Suite(.serialized) struct TablesTests {
    let worker = TestWorker()

    /// One plugin, one request through the phases.
    private func pass(_ variant: Kit.Table, _ phases: [PluginPhase]) throws -> (TestMessage, PluginTable) {
        let table = try worker.load(try Kit.tables(variant, phases: phases.map(\.name)))
        let message = try TestMessage()
        try message.respond()
        for phase in phases { #expect(message.run(phase, table) == 0, "\(phase)") }
        #expect(worker.complaints == [])
        return (message, table)
    }
    private var misuse: UInt64 { worker.block.plugins[3].misuse }

    @Test func headersInBatches() throws {
        let (m, table) = try pass(.batch, [.rewrite, .headerFilter])
        #expect(m.requestHeaders("x-a") == ["1", "2"] && m.requestHeader("accept") == nil && m.requestHeader("x-b") == "b")
        #expect(m.requestHeaders("x-big").count == 64)
        #expect(m.responseHeader("server") == "mine" && m.responseHeader("x-c") == "3")
        #expect(misuse == 3)
        worker.host.retire(table)
    }

    @Test func variablesAreShared() throws {
        let (m, table) = try pass(.variables, [.rewrite, .headerFilter, .log])
        let number = try #require(worker.host.variable(named: "auth.user_1"))
        #expect(m.ctx.pointee.variable(number)?.string == "carla" && worker.host.variable(named: "Bad Name") == nil)
        #expect(misuse == 2)  // number on a request, set in log
        // Another plugin of this worker knows the name by the same number; a fresh request has no value.
        let fresh = try TestMessage()
        withExtendedLifetime(fresh) { #expect(fresh.ctx.pointee.variable(number) == nil) }
        worker.host.retire(table)
    }

    @Test func namesOfVariablesAreBounded() {
        let names = VariableNames()
        for i in 1...1024 { #expect(names.number("n\(i)") == Int32(i)) }
        #expect(names.number("one.more") == nil && names.number("n7") == 7)
    }

    // MARK: metrics

    private func series(_ name: String, _ label: String? = nil) -> [Double]? {
        for i in 0..<SharedLimits.metricSlots {
            guard let s = worker.block.series(at: i), s.definition.texts[1] == name else { continue }
            if label == nil || s.definition.texts.contains(label!) { return s.cells }
        }
        return nil
    }

    @Test func seriesAreCountedAndGoOn() throws {
        let (_, table) = try pass(.metrics, [.rewrite])
        #expect(series("seen_total", "GET") == [2] && series("seen_total", "POST") == [0] && series("open") == [4.5])
        #expect(series("took_seconds") == [1, 0, 1, 1, 16.1])
        #expect(misuse == 1)
        // The next generation goes on; the first one's end takes nothing away.
        let next = try worker.load(try Kit.tables(.metrics, phases: ["rewrite"]), generation: 2)
        worker.host.activate(next)
        worker.host.retire(table)
        #expect(try TestMessage().run(.rewrite, next) == 0)
        #expect(series("seen_total", "GET") == [4] && series("took_seconds") == [2, 0, 2, 2, 32.2])
        worker.host.retire(next)
        // A worker that comes after this one goes on too, but nothing is open any more.
        let successor = PluginHost(shared: worker.block, log: { _, _ in })
        #expect(series("seen_total", "GET") == [4] && series("open") == [0])
        _ = successor
    }

    @Test func conflictsAreRefusedAsLongAsTheyAreOnes() throws {
        let (_, table) = try pass(.metrics, [.rewrite])
        let clash = try Kit.tables(.metrics, phases: ["rewrite"], options: ["-DCLASH"])
        let error = #expect(throws: PluginFailure.self) { try worker.load(clash, generation: 2) }
        #expect(
            error?.description
                == "plugin fixture@2: init refused (status -1): metrics: seen_total is defined as a counter and cannot be a gauge as well "
                + "by a generation that is still loaded; take another name, or unload it first"
        )
        #expect(series("seen_total", "GET") == [2])
        worker.host.retire(table)
        let now = try worker.load(try Kit.copy(clash), generation: 3)
        #expect(series("seen_total") == [0] && series("took_seconds") != nil)
        worker.host.retire(now)
    }

    @Test func roomForSeriesIsBoundedAndUsedAgain() throws {
        let services = WorkerServices(worker.block)
        let bounds = (1...16).map(Double.init)
        var all: [MetricHandles] = []
        func define(_ handles: inout MetricHandles, _ name: String, _ kind: MetricKind = .histogram) throws(PluginFailure) -> Int {
            try handles.define(
                try MetricRequest(kind: kind, name: name, bounds: kind == .histogram ? bounds : []), plugin: "p", in: services)
        }
        var a = MetricHandles(), b = MetricHandles()
        for i in 0..<56 { #expect(try define(&a, "h\(i)") == i) }  // 18 cells each: 1008
        for i in 0..<16 { _ = try define(&b, "c\(i)", .counter) }
        #expect(throws: PluginFailure.self) { try define(&b, "more", .counter) }
        let error = #expect(throws: PluginFailure.self) { try define(&b, "h99") }
        #expect(error?.isLimit == true && error?.description.contains("1024 cells") == true)
        a.end(services.metrics)
        #expect(try define(&b, "h99") == 16 && series("h99")?.count == 18)
        b.end(services.metrics)
        // Series, not cells: 512 over two generations, 256 in one.
        var c = MetricHandles(), d = MetricHandles()
        for i in 0..<256 { _ = try define(&c, "x\(i)", .gauge) }
        #expect(throws: PluginFailure.self) { try define(&c, "x256", .gauge) }
        #expect(try define(&c, "x255", .gauge) == 255)
        for i in 0..<256 { _ = try define(&d, "y\(i)", .gauge) }
        var e = MetricHandles()
        #expect(throws: PluginFailure.self) { try define(&e, "z", .gauge) }
        for h in [c, d] { all.append(h) }
        for i in all.indices { all[i].end(services.metrics) }
        #expect(try define(&e, "z", .gauge) == 0)
        e.end(services.metrics)
    }

    @Test func aDamagedDefinitionIsNotBelieved() {
        var d = MetricDefinition()
        d.kind = 1
        d.firstCell = 1_000
        d.cellCount = 100
        worker.block.publish(d, at: 4)
        #expect(worker.block.series(at: 4) == nil)
        d.cellCount = 1
        d.labelCount = 200
        for i in 0..<12 { d.lengths[i] = 255 }
        worker.block.publish(d, at: 4)
        #expect(worker.block.series(at: 4)?.definition.texts == [])
        _ = PluginHost(shared: worker.block, log: { _, _ in })  // must not trust it either
        worker.block.metricDefinitions[4].sequence |= 1
        #expect(worker.block.series(at: 4) == nil, "it is being written")
    }

    // MARK: crypto

    @Test func cryptoGivesTheKnownAnswers() throws {
        let (_, table) = try pass(.crypto, [.rewrite])
        worker.host.retire(table)  // wipes what is left
    }

    /// RSA has no short vectors: keys and signatures of the openssl tool.
    @Test(arguments: [(4, "pkcs1"), (5, "pss")]) func rsaSignaturesVerify(_ algorithm: Int, _ padding: String) throws {
        let base = Kit.folder + "/rsa-\(padding)"
        try Data("message".utf8).write(to: URL(fileURLWithPath: base + ".txt"))
        try Kit.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", base + ".key"])
        try Kit.run(["openssl", "pkey", "-in", base + ".key", "-pubout", "-out", base + ".pem"])
        try Kit.run(["openssl", "pkey", "-in", base + ".key", "-pubout", "-outform", "DER", "-out", base + ".der"])
        try Kit.run(
            ["openssl", "dgst", "-sha256", "-sign", base + ".key", "-sigopt", "rsa_padding_mode:\(padding)"]
                + (padding == "pss" ? ["-sigopt", "rsa_pss_saltlen:32"] : []) + ["-out", base + ".sig", base + ".txt"])
        let signature = try Data(contentsOf: URL(fileURLWithPath: base + ".sig"))
        for form in [".pem", ".der"] {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: base + form)))
            let key = try #require(cs_public_key_new(UInt32(algorithm), bytes, bytes.count))
            #expect(verify(key, "message", [UInt8](signature)) == 1)
            #expect(verify(key, "massage", [UInt8](signature)) == 0)
            #expect(verify(key, "message", [UInt8](signature.dropLast())) == 0)
            cs_public_key_free(key)
            #expect(cs_public_key_new(1, bytes, bytes.count) == nil, "no Ed25519 key")
            #expect(cs_public_key_new(UInt32(9 - algorithm), bytes, bytes.count) != nil, "the other padding takes the same keys")
            if form == ".der" { #expect(cs_public_key_new(UInt32(algorithm), bytes + [0], bytes.count + 1) == nil, "something follows") }
        }
        let secret = [UInt8](try Data(contentsOf: URL(fileURLWithPath: base + ".key")))
        #expect(cs_public_key_new(UInt32(algorithm), secret, secret.count) == nil, "a private key is none")
    }

    private func verify(_ key: OpaquePointer, _ message: String, _ signature: [UInt8]) -> Int32 {
        var message = message
        return message.withUTF8 { m in
            signature.withUnsafeBufferPointer { s in
                cs_public_key_verify(
                    key, cs_piece(data: m.baseAddress, size: UInt64(m.count)), cs_piece(data: s.baseAddress, size: UInt64(s.count)))
            }
        }
    }
}
