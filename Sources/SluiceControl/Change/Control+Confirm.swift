// Changes that must be confirmed: whoever makes one says within how many seconds he will; if nothing is heard of him (the change may have
// cut him off) the policies go back to what they were. The deadline is in the store, so a new control process keeps it. While one
// waits no other change of the policies is made: what it would go back to stays what it was.
import Foundation
import SluiceModel
import SluiceStore

extension Control {
    /// The revision holds. Anything but the one that waits is a conflict.
    func confirm(_ number: UInt64) async throws(ChangeRefusal) {
        try await alone { () async throws(ChangeRefusal) in try await self.confirmAlone(number) }
    }

    private func confirmAlone(_ number: UInt64) throws(ChangeRefusal) {
        guard let waiting, waiting.number == number else {
            let what = waiting.map { "revision \($0.number) does" } ?? "none does"
            throw ChangeRefusal(
                kind: .conflict, title: "nothing to confirm", errors: ["revision \(number) does not wait to be confirmed; \(what)"])
        }
        do { _ = try history?.store.confirm(number) } catch {
            throw ChangeRefusal(kind: .unavailable, title: "store unavailable", errors: ["\(error)"])
        }
        self.waiting = nil
        ControlLog.write(.notice, "revision \(number) is confirmed")
    }

    /// Starts the clock for a revision that runs.
    func wait(for row: RevisionRow) {
        waiting = row
        let left = Int64(row.confirmBy ?? 0) - Int64(UnixTime.nowMs)
        Task {
            try? await Task.sleep(for: .milliseconds(max(0, left)))
            await self.revert(row)
        }
    }

    private func revert(_ row: RevisionRow) async {
        while waiting?.number == row.number {
            // The deadline may lie before the row's own time: clocks are set.
            let until = row.confirmBy ?? row.time
            let seconds = until > row.time ? (until - row.time + 500) / 1000 : 0
            let edit = PolicyEdit(
                [.rollback(row.basis ?? 0)], actor: .itself, comment: "revision \(row.number) was not confirmed within \(seconds) s")
            do throws(ChangeRefusal) {
                _ = try await revertAlone(edit, row.number)
                return
            } catch {
                ControlLog.write(
                    .error, "revision \(row.number) was not confirmed and cannot be taken back yet: \(error.errors.joined(separator: "; "))"
                )
                guard error.kind != .unknown else {
                    _ = try? history?.store.confirm(row.number)
                    waiting = nil
                    return
                }
            }
            try? await Task.sleep(for: .milliseconds(Limits.revertRetryMs))
        }
    }

    private func revertAlone(_ edit: PolicyEdit, _ number: UInt64) async throws(ChangeRefusal) {
        try await alone { () async throws(ChangeRefusal) in
            guard await self.waiting?.number == number else { return }  // somebody was faster
            let report = try await self.editAlone(edit)
            ControlLog.write(.warn, "\(edit.comment): revision \(report.revision) is as before it")
        }
    }

    /// After going back nothing waits any more.
    func waitIsOver() {
        guard let waiting else { return }
        do { _ = try history?.store.confirm(waiting.number) } catch {
            ControlLog.write(.error, "revision \(waiting.number) is still marked as waiting: \(error)")
        }
        self.waiting = nil
    }
}
