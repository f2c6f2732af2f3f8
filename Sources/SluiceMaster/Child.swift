// One place in the house for a process: worker N or the control process. The place stays, the process in it comes and goes.
// The queue of frames it has not read yet lives here too, so that a child that does not read cannot stop the master.
import SluiceChannel
import SluiceModel
import SluiceSystem

final class Child {
    enum Role: Equatable, CustomStringConvertible {
        case worker(Int), control
        var description: String {
            switch self {
            case .worker(let i): "worker \(i)"
            case .control: "control process"
            }
        }
    }
    let role: Role
    /// Its block in the shared memory (workers).
    let block: Int
    /// How long plugins hold it.
    var watch = HoldWatch()
    /// Killed because a plugin held it too long.
    var isHung = false
    /// 0 = nobody.
    private(set) var pid: pid_t = 0
    private(set) var channel: Channel?
    private(set) var startedAt: UInt64 = 0
    /// Said that it serves (workers); the control process counts as ready once started.
    var isReady = false
    /// Why it said that it cannot serve.
    var complaint = ""
    /// When to start the next one; nil = not waiting.
    var startAt: UInt64?
    /// When to kill it: it did not become ready, closed its channel, or is to be replaced.
    var killAt: UInt64 = .max
    /// What became of the one before, for the line about its successor.
    var obituary: (text: String, at: UInt64)?
    var policy = RespawnPolicy()
    private var queue: [Frame] = []

    init(_ role: Role, block: Int = 0) { (self.role, self.block) = (role, block) }

    var isAlive: Bool { pid > 0 }
    var hasQueue: Bool { !queue.isEmpty }
    var workerIndex: Int? {
        if case .worker(let i) = role { return i }
        return nil
    }

    func moveIn(_ pid: pid_t, _ channel: Channel, now: UInt64) {
        self.pid = pid
        self.channel = channel
        startedAt = now
        isReady = false
        complaint = ""
        startAt = nil
        killAt = .max
    }

    /// The process is gone.
    func moveOut() {
        closeChannel()
        pid = 0
        isReady = false
        killAt = .max
    }
    func closeChannel() {
        channel?.close()
        channel = nil
        for f in queue { f.closeDescriptors() }
        queue = []
    }

    /// Sends, or queues when the child does not read; queued frames carry duplicates of their descriptors.
    /// False when the queue is full or a descriptor could not be duplicated: the child is beyond help.
    func send(_ frame: Frame) -> Bool {
        guard let channel else { return true }  // gone; the reaper deals with it
        if queue.isEmpty {
            do throws(ChannelError) {
                try channel.send(frame)
                return true
            } catch {
                if error == .closed { return true }
                if error != .wouldBlock { return false }
            }
        }
        if queue.count >= Limits.frameQueueMax { return false }
        var copy = frame
        copy.descriptors = []
        for fd in frame.descriptors {
            guard let d = try? Descriptor.duplicate(fd, from: 3) else {
                copy.closeDescriptors()
                return false
            }
            copy.descriptors.append(d)
        }
        queue.append(copy)
        return true
    }

    /// Sends what waited, as far as the child reads.
    func sendQueue() {
        guard let channel else { return }
        while let frame = queue.first {
            do throws(ChannelError) { try channel.send(frame) } catch {
                if error == .wouldBlock { return }
            }
            frame.closeDescriptors()
            queue.removeFirst()  // rare and short: only a child that stopped reading has a queue
        }
    }
}
