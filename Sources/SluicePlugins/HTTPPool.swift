// Idle connections of plugins' own http requests, few, kept for a short time, looked at before they are used again.
import Glibc
import SluiceModel
import SluiceSystem

final class HTTPPool {
    private struct Idle {
        let key: String
        let fd: Int32
        let untilMs: UInt64
    }
    private var idle: [Idle] = []

    deinit { for i in idle { Socket.close(i.fd) } }

    var count: Int { idle.count }

    /// A connection to `key` that the peer has neither closed nor written to; the last one used.
    func take(_ key: String) -> Int32? {
        while let i = idle.lastIndex(where: { $0.key == key }) {
            let fd = idle.remove(at: i).fd
            if Socket.peek(fd) == -Int(EAGAIN) { return fd }
            Socket.close(fd)
        }
        return nil
    }

    func give(_ key: String, _ fd: Int32, _ nowMs: UInt64) {
        guard idle.count < Limits.clientIdleAllMax, idle.reduce(0, { $0 + ($1.key == key ? 1 : 0) }) < Limits.clientIdleMax else {
            return Socket.close(fd)
        }
        idle.append(Idle(key: key, fd: fd, untilMs: nowMs + UInt64(Limits.clientIdleMs)))
    }

    func trim(_ nowMs: UInt64) {
        if idle.isEmpty { return }
        for i in idle where i.untilMs <= nowMs { Socket.close(i.fd) }
        idle.removeAll { $0.untilMs <= nowMs }
    }
}
