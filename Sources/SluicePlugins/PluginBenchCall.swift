// One call of a hook from its start to its end, for `PluginBench`: what a hook waits for is brought about as the worker and the pipeline do
// it. Its own waits (timers, descriptors, tokens, Tasks) take a loop's turns, the body is there at once, the client takes all.
//
//   restore ─► run ─► 0, 1, negative
//                └──► 2 ─► .body: complete it, resume   .room: take the content, resume   .call: turn until it has ended
import Glibc
import SluiceLoop
import SluiceShared

final class PluginBenchCall {
    let host: PluginHost
    let bound: UnsafeMutablePointer<BoundPlugin>
    let phase: PluginPhase
    let request: PluginBenchRequest
    private(set) var hasWaited = false
    private var turns = 0

    init(host: PluginHost, bound: UnsafeMutablePointer<BoundPlugin>, phase: PluginPhase, request: PluginBenchRequest) {
        (self.host, self.bound, self.phase, self.request) = (host, bound, phase, request)
    }

    @inline(__always) func restore() { request.restore(phase) }

    /// As `BoundPlugin.run`, but never `parked`; nil: it did not end in time and was cancelled.
    @inline(__always) func run() -> Int32? {
        request.restore(phase)
        let result = bound.pointee.run(phase, request.context)
        return result == BoundPlugin.parked ? wait() : result
    }

    @inline(never) private func wait() -> Int32? {
        let end = LoopClock.readUs() / 1000 + PluginBench.waitMsMax
        hasWaited = true
        var result = BoundPlugin.parked
        while result == BoundPlugin.parked {
            switch PluginHost.wait(request.context, phase) {
            case .body:
                guard request.completeBody() else { return nil }
                result = host.resume(request.context, phase, status: 0)
            case .room:
                request.takeContent()
                result = host.resume(request.context, phase, status: 0)
            case .call, .none:
                let now = LoopClock.readUs() / 1000
                if now >= end {
                    host.cancel(request.context)
                    return nil
                }
                turn(now)
                if let done = host.nextFinished() { result = done.result }
            }
        }
        return result
    }

    /// One turn of the loop. The poller is asked when there is nothing else to do, and every 16th time.
    private func turn(_ nowMs: UInt64) {
        let ms = host.waitMs(nowMs: nowMs)
        turns &+= 1
        var isReady = false
        if ms != 0 || turns & 15 == 0 {
            var p = pollfd(fd: host.descriptor, events: Int16(POLLIN), revents: 0)
            isReady = poll(&p, 1, ms < 0 ? 100 : min(ms, 100)) > 0
        }
        host.turn(nowMs: LoopClock.readUs() / 1000, descriptorsReady: isReady)
    }

    /// What the calls began beside themselves (jobs, detached work) moves on, outside of what is timed; bounded, for some of it never ends.
    func settle() {
        for _ in 0..<100 where host.waitMs(nowMs: LoopClock.readUs() / 1000) == 0 { turn(LoopClock.readUs() / 1000) }
    }

    /// What the hook did; right after `run`.
    func describe(_ result: Int32) -> String {
        let chosen = request.balance.pointee.chosen
        switch result {
        case 0 where chosen >= 0: return "chooses target \(chosen + 1) of \(PluginBenchRequest.targets)"
        case 0: return "goes on"
        case 1 where phase == .content:
            return "answers \(request.context.pointee.content.status), \(request.context.pointee.content.written) bytes"
        case 1: return "answers \(request.context.pointee.answerStatus)"
        default: return "fails (\(result))"
        }
    }
}
