// "sluice.loop/1" and "sluice.background/1": the worker's loop for plugins. Each function finds the owner and asks the board.
import CSluiceABI
import SluiceLoop

extension HostTables {
    nonisolated(unsafe) static let loop = make(
        sluice_loop_v1(
            size: UInt32(MemoryLayout<sluice_loop_v1>.size), reserved: 0,
            is_worker_thread: { host in owner(host).map { $0.board.isWorkerThread ? 1 : 0 } ?? 0 },
            post: { host, callback, data in
                guard let owner = owner(host) else { return Status.invalid }
                return owner.board.post(owner, callback, data)
            },
            start_timer: { host, afterMs, everyMs, callback, data, task in
                onWorker(host) { $0.board.startTimer($0, afterMs, everyMs, callback, data, task) }
            },
            watch: { host, fd, events, timeoutMs, callback, data, task in
                onWorker(host) { $0.board.startWatch($0, fd, events, timeoutMs, callback, data, task) }
            },
            cancel: { host, task in onWorker(host) { $0.board.cancel($0, task) } },
            now_ms: { host in owner(host)?.board.nowMs ?? 0 }))

    nonisolated(unsafe) static let background = make(
        sluice_background_v1(
            size: UInt32(MemoryLayout<sluice_background_v1>.size), reserved: 0,
            run: { host, work, data, task in onWorker(host) { $0.board.startBackground($0, 0, 0, work, data, task) } },
            schedule: { host, afterMs, everyMs, work, data, task in
                onWorker(host) { $0.board.startBackground($0, afterMs, everyMs, work, data, task) }
            }))

    /// Calls that belong to the worker's thread; from another one they are counted and do nothing.
    @inline(__always) static func onWorker(_ host: UnsafePointer<sluice_host>?, _ body: (Owner) -> Int32) -> Int32 {
        guard let owner = owner(host) else { return Status.invalid }
        if owner.board.isWorkerThread { return body(owner) }
        return Status.phase
    }
}
