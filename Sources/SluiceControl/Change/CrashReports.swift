// Crash reports: taken from the ring that the master writes, kept as files in STATE/crashes (the newest `Limits.crashReportsMax`,
// readable by their owner alone), told to the error log and to whoever counts crashes of a generation (`onCrash`).
import Foundation
import SluiceModel
import SluiceShared

actor CrashReports {
    private let folder: String
    private let copies: String
    private let ring: CrashRing
    /// Called for each crash, hang and exit that a plugin is to blame for, once, after its report was written. Also for those that
    /// happened while no control process ran.
    private let onCrash: @Sendable (CrashReport) async -> Void

    /// Numbers of entries that were looked at: a frame may come while an older entry is being read.
    private var taken: Set<UInt64> = []
    /// Ids of what this process reported before `catchUp` ran, or since.
    private var told: Set<String> = []

    init(state: StateDirectory, ring: CrashRing, onCrash: @escaping @Sendable (CrashReport) async -> Void = { _ in }) {
        (folder, copies, self.ring, self.onCrash) = (state.path + "/crashes", state.plugins, ring, onCrash)
    }

    /// Takes up where an earlier control process stopped: what it had reported, then what happened since.
    /// - Parameter recall: gets its reports, oldest first.
    func catchUp(recall: ([CrashReport]) async -> Void) async {
        await recall(all().reversed().filter { !told.contains($0.id) })
        guard let numbers = ring.numbers else { return }
        for number in numbers { await report(number, isOld: true) }
    }

    /// A `crashed` frame of the master.
    func crashed(_ number: UInt64) async { await report(number, isOld: false) }

    private func report(_ number: UInt64, isOld: Bool) async {
        guard taken.insert(number).inserted else { return }
        taken = taken.filter { $0 + UInt64(SharedLimits.crashEntries) > number }
        let (ring, copies) = (self.ring, self.copies)
        let made: CrashReport? = await offload {
            let room = UnsafeMutablePointer<CrashEntry>.allocate(capacity: 1)
            room.initialize(to: CrashEntry())
            defer { room.deallocate() }
            return ring.copy(number, to: room) ? CrashReport(room, copies: copies) : nil
        }
        guard let report = made else { return }
        if report.kind == .slow {
            if !isOld { ControlLog.write(.warn, "slow: \(report.summary)") }
            return
        }
        if access(path(report.id), F_OK) == 0 { return }  // told already, before a restart
        ControlLog.write(
            .error, "worker \(report.worker) (pid \(report.pid)) \(report.status ?? "ended"): \(report.summary); report \(report.id)")
        told.insert(report.id)
        do { try keep(report) } catch { ControlLog.write(.error, "crash report \(report.id) is not kept: \(error)") }
        if report.plugin != nil { await onCrash(report) }
    }

    // MARK: files

    private func path(_ id: String) -> String { "\(folder)/\(id).json" }

    private func keep(_ report: CrashReport) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try FileIO.replace(path(report.id), with: Self.json(report), mode: 0o600)
        for old in ids.dropFirst(Limits.crashReportsMax) { unlink(path(old)) }
    }

    /// Newest first.
    private var ids: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted(by: >)
    }

    func all() -> [CrashReport] { ids.compactMap(find) }

    /// The report `id`; nil when there is none of that name.
    func find(_ id: String) -> CrashReport? {
        guard !id.isEmpty, id.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (48...57).contains($0) }),
            let bytes = try? FileIO.read(path(id), max: 1 << 20)
        else { return nil }
        return try? JSONDecoder().decode(CrashReport.self, from: Data(bytes))
    }

    static func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
