// What follows from a crash that was blamed on a plugin: a generation on trial is taken back at once; one that crashes too often
// is put into quarantine, and its last good one or its failure mode serves. Reports of crashes are made elsewhere.
import SluiceModel

/// Crashes of generations within a window. Pure; time comes in.
struct CrashTally: Sendable {
    private var times: [String: [UInt64]] = [:]
    static let labelsMax = 1_024

    /// One more crash at `now` (Unix seconds): how many there were within the last `seconds`, this one included.
    mutating func add(_ label: String, now: UInt64, seconds: UInt64) -> Int {
        if times.count >= Self.labelsMax, times[label] == nil { times = times.filter { $0.value.last.map { $0 + seconds > now } ?? false } }
        let recent = (times[label] ?? []).filter { $0 + seconds > now } + [now]
        times[label] = recent.suffix(Limits.pluginCrashesRange.upperBound)
        return recent.count
    }
    mutating func forget(_ label: String) { times[label] = nil }
}

extension Control {
    /// A control process starts: the crashes that an earlier one reported count again, and what follows from them and was not done yet
    /// is done. As many as reports are kept (`Limits.crashReportsMax`).
    func recall(_ reports: [CrashReport]) async {
        let now = UnixTime.now, seconds = UInt64(configuration.pluginQuarantine.seconds)
        for report in reports {
            guard let name = report.plugin, let generation = report.generation, report.kind != .slow, report.unixSeconds + seconds > now
            else {
                continue
            }
            await pluginCrashed(name, generation: generation, at: report.unixSeconds, reason: report.summary)
        }
    }

    /// A report that names a plugin.
    func crashed(_ report: CrashReport) async {
        guard let name = report.plugin, let generation = report.generation, report.kind != .slow else { return }
        await pluginCrashed(name, generation: generation, reason: report.summary)
    }

    /// A worker died, and this generation is to blame.
    /// - Parameters:
    ///   - at: Unix seconds.
    ///   - reason: one line, as the crash report has it: "SIGSEGV at 0x0 in hello_access+0x12, phase access".
    func pluginCrashed(_ name: String, generation: UInt64, at: UInt64 = UnixTime.now, reason: String) async {
        let label = LoadedPlugin.label(name, generation), limits = configuration.pluginQuarantine
        let count = crashes.add(label, now: at, seconds: UInt64(limits.seconds))
        let isCanary = state.canaries[name]?.plugin.generation == generation
        let isOnProbation = state.probations[name]?.generation == generation && state.plugin(name)?.generation == generation
        if isCanary || (isOnProbation && state.previousGood(name) != nil) {
            await takeBack(name, generation, "crashed: \(reason)")
        }
        guard count >= limits.crashes, state.plugin(name)?.generation == generation, state.plugin(name)?.isQuarantined == false else {
            return
        }
        let why = "\(count) crashes within \(limits.seconds) s, the last: \(reason)"
        do throws(ChangeRefusal) {
            try await alone { () async throws(ChangeRefusal) in try await self.quarantineAlone(name, generation, why) }
        } catch {
            ControlLog.write(.error, "plugin \(label) cannot be put into quarantine: \(error.errors.joined(separator: "; "))")
        }
    }

    /// The plugin may be loaded again; one that serves its failure mode is loaded at once.
    func liftQuarantine(_ name: String) async throws(ChangeRefusal) -> ChangeReport {
        try await alone { () async throws(ChangeRefusal) in try await self.liftAlone(name) }
    }

    private func quarantineAlone(_ name: String, _ generation: UInt64, _ why: String) async throws(ChangeRefusal) {
        guard let stable = state.plugin(name), stable.generation == generation, !stable.isQuarantined else { return }
        let entry = QuarantineEntry(
            generation: generation, version: stable.version, sha256: stable.sha256, since: UnixTime.now, reason: why)
        state.quarantines[name] = ((state.quarantines[name] ?? []) + [entry]).suffix(Limits.pluginQuarantinesMax)
        crashes.forget(stable.label)
        ControlLog.write(.error, "plugin \(stable.label) is in quarantine: \(why)")
        if let good = state.previousGood(name) {
            do throws(ChangeRefusal) {
                _ = try await restore(good, in: stable, kind: .quarantined, reason: why, byItself: true)
                return
            } catch {
                ControlLog.write(
                    .error, "plugin \(name): generation \(good.generation) cannot take over: \(error.errors.joined(separator: "; "))")
            }
        }
        var next = state, failing = stable
        failing.isQuarantined = true
        next.serve(failing)
        next.canaries[name] = nil
        next.events[name] = RolloutEvent(kind: .quarantined, at: UnixTime.now, from: generation, to: nil, reason: why, byItself: true)
        _ = try await change(to: next, title: "failure mode not in force", copies: [])
        ControlLog.write(
            .error, "plugin \(name) serves its failure mode: \(failing.failOpen ? "requests go on without it" : "its routes answer 503")")
    }

    private func liftAlone(_ name: String) async throws(ChangeRefusal) -> ChangeReport {
        guard let entries = state.quarantines[name], let last = entries.last else {
            throw ChangeRefusal(kind: .unknown, title: "no quarantine", errors: ["no file of \(name) is in quarantine"])
        }
        var next = state
        next.quarantines[name] = nil
        let before = state.quarantines
        // A new generation: workers may still have the old one mapped, and no path is loaded twice.
        if let stable = state.plugin(name), stable.isQuarantined {
            state.quarantines[name] = nil
            do throws(ChangeRefusal) {
                return try await restore(stable, in: stable, kind: .lifted, reason: "asked for", byItself: false)
            } catch {
                state.quarantines = before
                throw error
            }
        }
        next.events[name] = RolloutEvent(
            kind: .lifted, at: UnixTime.now, from: last.generation, to: state.plugin(name)?.generation, reason: "asked for", byItself: false
        )
        let report = try await change(to: next, title: "quarantine not lifted", copies: [])
        ControlLog.write(.notice, "the quarantine of plugin \(name) is lifted")
        return report
    }
}
