// "sluice.io/1": calls that look blocking. Each tries at once, leaves its fiber while it would have to wait, and tries again.
import CSluiceABI
import Glibc
import SluiceBytes
import SluiceLoop
import SluiceModel
import SluiceSystem

extension HostTables {
    nonisolated(unsafe) static let io = make(
        sluice_io_v1(
            size: UInt32(MemoryLayout<sluice_io_v1>.size), reserved: 0,
            sleep: { host, ms in
                guard let w = FiberWait(host), ms <= Limits.pluginWaitMsMax else { return refused(host, ms <= Limits.pluginWaitMsMax) }
                return w.sleep(ms)
            },
            wait_fd: { host, fd, events, timeoutMs in
                guard let w = FiberWait(host), isTime(timeoutMs) else { return refused(host, isTime(timeoutMs)) }
                return w.ready(fd, events, timeoutMs)
            },
            connect: { host, address, timeoutMs, fd in
                guard let w = FiberWait(host), isTime(timeoutMs) else { return refused(host, isTime(timeoutMs)) }
                guard let text = bytes(address), let fd else { return Status.invalid }
                return w.connect(text, timeoutMs, fd)
            },
            send: { host, fd, view, timeoutMs in
                guard let w = FiberWait(host), isTime(timeoutMs) else { return refused(host, isTime(timeoutMs)) }
                guard let all = bytes(view) else { return Status.invalid }
                return w.send(fd, all, timeoutMs)
            },
            receive: { host, fd, into, room, timeoutMs in
                guard let w = FiberWait(host), isTime(timeoutMs) else { return refused(host, isTime(timeoutMs)) }
                guard let into, room > 0, room <= UInt32(Int32.max) else { return Status.invalid }
                return w.receive(fd, into, Int(room), timeoutMs)
            },
            may_park: { host in FiberWait(host) == nil ? 0 : 1 }))

    static func isTime(_ ms: UInt32) -> Bool { ms > 0 && ms <= Limits.pluginWaitMsMax }

    /// The call was wrong (the arguments), or came where nothing may wait.
    static func refused(_ host: UnsafePointer<sluice_host>?, _ isSound: Bool) -> Int32 {
        guard let owner = owner(host), isSound else { return Status.invalid }
        owner.misuse()
        return Status.again
    }
}

/// The fiber that the calling plugin runs on, for one call of `io` or of what builds on it.
struct FiberWait {
    let board: TaskBoard
    let fiber: Fiber.Ref
    let owner: Owner

    init?(_ host: UnsafePointer<sluice_host>?) {
        guard let o = SluicePlugins.owner(host) else { return nil }
        guard o.board.isWorkerThread, let f = o.board.parkable(o) else { return nil }
        (board, fiber, owner) = (o.board, f, o)
    }

    /// Waits for a time, a descriptor, or somebody who completes the entry.
    private func park(_ ms: UInt32, _ status: Int32, fd: Int32 = -1, _ events: UInt32 = 0) -> Int32 {
        if fiber.pointee.isCancelled { return Status.canceled }
        guard let e = board.waiter(fiber) else { return board.refusal(owner) == Status.gone ? Status.canceled : Status.limit }
        if fd >= 0 {
            let watched = board.watch(e, fd, events)
            if watched < 0 { return watched }
        }
        board.arm(e, afterMs: ms, status: status)
        return board.leave(fiber, e, .call)
    }

    func sleep(_ ms: UInt32) -> Int32 { park(ms, Status.ok) }
    func ready(_ fd: Int32, _ events: UInt32, _ timeoutMs: UInt32) -> Int32 {
        fd < 0 ? Status.invalid : park(timeoutMs, Status.timedOut, fd: fd, events)
    }

    /// For `timeoutMs` from now; each wait has what is left.
    func deadline(_ timeoutMs: UInt32) -> UInt64 { board.clockMs &+ UInt64(timeoutMs) }
    func left(_ deadline: UInt64) -> UInt32 {
        let now = board.clockMs
        return deadline > now ? UInt32(truncatingIfNeeded: deadline - now) : 1
    }

    func send(_ fd: Int32, _ all: ByteView, _ timeoutMs: UInt32) -> Int32 {
        let end = deadline(timeoutMs)
        var sent = 0
        while sent < all.count {
            let n = Socket.send(fd, all.start + sent, all.count - sent)
            if n > 0 {
                sent += n
                continue
            }
            if n != -Int(EAGAIN) { return errorStatus(n) }
            let status = ready(fd, UInt32(SLUICE_WRITABLE), left(end))
            if status < 0 { return status }
        }
        return Status.ok
    }

    func receive(_ fd: Int32, _ into: UnsafeMutablePointer<UInt8>, _ room: Int, _ timeoutMs: UInt32) -> Int32 {
        let end = deadline(timeoutMs)
        while true {
            let n = Socket.receive(fd, into, room)
            if n >= 0 { return Int32(n) }
            if n != -Int(EAGAIN) { return errorStatus(n) }
            let status = ready(fd, UInt32(SLUICE_READABLE), left(end))
            if status < 0 { return status }
        }
    }

    private func errorStatus(_ n: Int) -> Int32 {
        n == -Int(EBADF) || n == -Int(ENOTSOCK) || n == -Int(EFAULT) ? Status.invalid : Status.failed
    }
}
