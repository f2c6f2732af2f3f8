// The end of a generation that still has something under way. When no table names it any more its hook worker_exit runs and what would never
// end by itself is cancelled; the rest has `pluginLeaveMs`, then it is cancelled too:
//
//   (last table retired) ─► worker_exit ─► [draining] ─► idle, or forced ─► destroy ─► unmapped | parked
import SluiceModel
import SluiceShared

extension PluginHost {
    /// No table names the generation any more.
    func letGo(_ g: Generation) {
        g.leave()
        if g.owner.pointee.isIdle { return finish(g) }
        g.show(.draining)
        leaving.append((g, board.nowMs + UInt64(Limits.pluginLeaveMs)))
    }

    func finishLeaving(_ nowMs: UInt64) {
        for (g, deadlineMs) in leaving where g.owner.pointee.isIdle || nowMs >= deadlineMs {
            if !g.owner.pointee.isIdle {
                log(3, "plugin \(g.spec.label): \(blockers(g)) cancelled; it was to end in \(Limits.pluginLeaveMs) ms")
            }
            finish(g)
        }
    }

    /// A leaving generation that is wanted again starts anew.
    func finishLeaving(name: String, generation: UInt64) {
        for (g, _) in leaving where g.spec.name == name && g.spec.generation == generation { finish(g) }
    }

    private func finish(_ g: Generation) {
        let parked = drop(g)
        released?(g.spec.name, g.spec.generation, parked)
    }

    private func blockers(_ g: Generation) -> String {
        let held = ReferenceKind.allCases.filter { g.shared.pointee.held[$0.rawValue] > 0 }
        return held.isEmpty ? "posted jobs" : held.map { "\(g.shared.pointee.held[$0.rawValue]) \($0.name)" }.joined(separator: ", ")
    }

    /// Ends everything that a generation has under way, whoever still uses it: waits end with SLUICE_ECANCELED, hooks that were parked
    /// end and are reported by `nextFinished`, nothing new starts. It is destroyed at once when no table names it, else with its last one.
    public func cancelAll(plugin name: String, generation: UInt64) {
        for g in generations where g.spec.name == name && g.spec.generation == generation {
            board.cancelAll(g.owner)
            if leaving.contains(where: { $0.generation === g }) { finish(g) }
        }
    }

    /// The worker ends: every plugin's worker_exit, then the end of what they have under way. Files stay mapped, the process goes.
    public func leave() {
        for g in generations {
            g.leave()
            board.cancelAll(g.owner)
        }
    }
}
