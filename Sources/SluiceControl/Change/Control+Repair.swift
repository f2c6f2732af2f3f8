// A gateway without a store: its workers run the last good image, readers are told why there is nothing, and every write is refused but one.
// `apply` of a whole document makes a new store from it, with the settings of the file. What was damaged is moved aside and stays there.
import Foundation
import SluiceModel
import SluiceRules
import SluiceStore

extension Control {
    /// Inside `alone`, without a store.
    func repairAlone(_ edit: PolicyEdit) async throws(ChangeRefusal) -> PolicyReport {
        guard edit.operations.count == 1, case .apply(_, prune: true) = edit.operations[0] else { throw unavailableStore }
        let directory = assembler.directory
        var made: History
        do {
            if access(directory.store, F_OK) == 0 {
                let aside = try KeptPolicies.moveAside(directory)
                ControlLog.write(.notice, "the store that cannot be used was moved to \(aside)")
            }
            made = try History.open(directory)
        } catch { throw ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: ["\(error)"]) }
        do throws(ChangeRefusal) {
            let report = try await repair(edit, &made)
            if !edit.dryRun { return report }
            discard(made)
            return report
        } catch {
            discard(made)
            throw error
        }
    }

    private func repair(_ edit: PolicyEdit, _ made: inout History) async throws(ChangeRefusal) -> PolicyReport {
        let file = try await settings()
        let settings = file.configuration.settingsOnly
        var base = self.base
        (base.configuration, base.table) = (settings, PolicyTable())
        let plan = try PolicyPlan(edit.operations, base: base), changes = plan.changes
        var next = settings, table = PolicyTable(), state = self.state
        state.generations = generationsOfTheImage()
        table.make(changes, in: &next, revision: state.nextRevision, now: UnixTime.nowMs)
        try meaning(changes, next, plan)
        let assembler = self.assembler, proposed = next, old = state
        let assembly = try await refusing("refused") {
            try await offload { try assembler.assemble(proposed, from: old, keepLoaded: false) }
        }
        var report = PolicyReport(revision: state.revision, changes: changes, warnings: plan.warnings)
        if edit.dryRun {
            for copy in assembly.newCopies { unlink(copy) }
            return report
        }
        var note = RevisionNote("apply", edit.actor)
        (note.comment, note.changes, note.table) = (edit.comment, changes, table)
        // The file says what it says; only what changes there from now on is taken in.
        for kind in PolicyKind.allCases {
            for index in 0..<file.configuration.count(kind) {
                let value = file.configuration.policy(kind, at: index)
                let digest = FileMerge.digest(value, at: kind.isOrdered ? index : 0)
                note.files.append(FileWrite(kind: kind.rawValue, id: value.key.id, digest: digest))
            }
        }
        history = made
        let outcome = try await publish(assembly, note).outcome
        unavailable = nil
        ControlLog.write(.notice, "a new store holds revision \(outcome.revision)")
        (report.revision, report.outcome) = (outcome.revision, outcome)
        return report
    }

    /// The file; good, or the refusal says why not.
    private func settings() async throws(ChangeRefusal) -> ConfigurationReading {
        let path = assembler.configPath, read = self.readFile
        let around = surroundings(Surroundings(plugins: [], isFresh: true))
        let text = try await refusing("configuration cannot be read") { try await offload { try read(path) } }
        let reading = await offload { ConfigurationReader.read(text, around) }
        guard reading.isGood else { throw ChangeRefusal(title: "configuration refused", errors: reading.lines(file: path)) }
        return reading
    }

    /// So that no generation of a plugin that a worker has loaded is given to another file.
    private func generationsOfTheImage() -> [String: UInt64] {
        guard let bytes = try? FileIO.read(assembler.directory.image, max: 1 << 31) else { return [:] }
        return bytes.withUnsafeBytes { raw -> [String: UInt64] in
            guard let view = try? ImageView(base: raw.baseAddress!, count: raw.count) else { return [:] }
            return Dictionary(view.plugins.map { (view.text($0.name).string, $0.generation) }) { max($0, $1) }
        }
    }

    private func discard(_ made: History) {
        history = nil
        try? made.store.close()
        for end in ["", "-wal", "-shm"] { unlink(assembler.directory.store + end) }
    }
}
