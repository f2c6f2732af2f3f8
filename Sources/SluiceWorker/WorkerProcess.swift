// The worker process: takes what the master hands over, gets ready, then turns the event loop until it is told to leave.
// What happens to a request is in SluicePipeline; frames of the master are answered in `Worker+Frames.swift`.
import CSluiceSys
import SluiceChannel
import SluiceObserve
import SluicePipeline
import SluicePlugins
import SluiceRules
import SluiceShared
import SluiceSystem

public enum WorkerProcess {
    /// Descriptor of the channel to the master, by agreement.
    static let channelDescriptor: Int32 = 3

    /// Runs worker `index` to its end; the exit code says why it ended (0 drained, 1 could not start, 2 the master is gone).
    public static func run(index: Int) -> Never {
        // Signals of a terminal or of an init system reach the whole group: the master decides what they mean.
        for s in [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGPIPE] { cs_ignore_signal(s) }
        Signals.unblockAll()
        // Large blocks (a plugin's file while it is read) are mapped and go back at once. Left to itself glibc raises the bound after the
        // first one, takes the next from the heap, and small lasting blocks then keep its pieces: 68 KiB a load (measured).
        _ = mallopt(M_MMAP_THRESHOLD, 128 << 10)
        LoopExecutors.install()
        let channel = Channel(fd: channelDescriptor)
        ErrorLog.start(role: "worker \(index)", level: .notice)
        do {
            let handed = try HandedOver(channel)
            var worker = Worker(
                index: index, channel: channel, listeners: handed.listeners, accessLog: handed.accessLog,
                settings: try SettledStart(handed))
            try worker.start(image: handed.image)
            worker.run()
        } catch {
            try? channel.send(Frame(.ready, worker: UInt32(index), status: 1, text: "\(error)"))
            exit(1)
        }
    }
}

/// What the master sends before a worker can serve: `start`, one `listener` each, `logs`.
struct HandedOver {
    var shared: Int32 = -1
    /// Its block in the shared memory.
    var block = 0
    var image: Int32 = -1
    var listeners: [ListeningPlace] = []
    var errorLog: Int32 = -1
    var accessLog: Int32 = -1

    init(_ channel: Channel) throws {
        while errorLog < 0 {
            guard let f = try channel.receive() else { throw WorkerError("the master closed the channel during start") }
            switch f.kind {
            case .start:
                shared = f.descriptors[0]
                block = Int(clamping: f.value)
                image = f.descriptors[1]
            case .listener: listeners.append(ListeningPlace(label: f.text, descriptor: f.descriptors[0]))
            case .logs:
                errorLog = f.descriptors[0]
                accessLog = f.descriptors.count > 1 ? f.descriptors[1] : -1
            default: throw WorkerError("unexpected \(f.kind) frame during start")
            }
        }
        if shared < 0 { throw WorkerError("no start frame came before the logs") }
    }
}

/// What holds before the first image is used: log, shared memory, settings.
struct SettledStart {
    let block: WorkerBlock
    let record: SettingsRecord

    init(_ handed: HandedOver) throws {
        ErrorLog.redirect(to: handed.errorLog)
        let memory = try SharedMemory.map(fd: handed.shared)
        guard handed.block < memory.blockCount else {
            throw WorkerError("block \(handed.block) of \(memory.blockCount) in the shared memory")
        }
        block = memory.worker(handed.block)
        if !FaultHandler.install(block) { throw WorkerError("no handler for faults: \(Errno.current)") }
        guard MemoryFile.isSealed(handed.image) else { throw WorkerError("the image is no sealed memory file") }
        let mapping = try Mapping(handed.image, count: try Descriptor.size(handed.image), writable: false)
        defer { mapping.unmap() }
        let image = try ImageView(base: UnsafeRawPointer(mapping.base), count: mapping.count)
        record = image.settings.pointee
        if let level = LogLevel(rawValue: Int(record.errorLevel)) { ErrorLog.level = level }
    }
}

/// A listening socket this worker accepts from, found by its label when the image changes.
struct ListeningPlace {
    let label: String
    let descriptor: Int32
    var isWatched = false
}

struct WorkerError: Error, CustomStringConvertible {
    let description: String
    init(_ d: String) { description = d }
}

/// Event tokens that are no connection: generation 0, by number.
enum Token {
    static let channel: UInt64 = 0
    static let jobs: UInt64 = 1
    /// What plugins have under way.
    static let host: UInt64 = 2
    static let firstListener: UInt64 = 16
}

struct Worker: ~Copyable {
    let index: Int
    let channel: Channel
    var pipeline: Pipeline
    var listeners: [ListeningPlace]
    /// A change that was prepared and waits for its commit.
    var prepared: UnsafeMutablePointer<Snapshot>?
    /// When a drain must have ended, in ms of the loop's clock; 0 = not draining.
    var drainDeadlineMs: UInt64 = 0
    /// Until when idle connections stay open in a patient drain; 0 = they are closed.
    var idleUntilMs: UInt64 = 0

    init(index: Int, channel: Channel, listeners: [ListeningPlace], accessLog: Int32, settings: SettledStart) {
        self.index = index
        self.channel = channel
        self.listeners = listeners
        let counters = WorkerCounters(settings.block)
        counters.adopt(pid: UInt64(getpid()), revision: 0)
        let host = PluginHost(shared: settings.block, worker: index) { level, text in
            ErrorLog.write(LogLevel(rawValue: level) ?? .notice, text)
        }
        LoopExecutors.host = host
        host.released = { name, generation, parked in
            try? channel.send(Frame(.released, worker: UInt32(index), value: generation, status: parked ? 1 : 0, text: name))
        }
        let log = AccessLog(fd: accessLog, form: AccessLog.Form(rawValue: settings.record.accessLog) ?? .combined)
        pipeline = Pipeline(settings: settings.record, host: host, counters: counters, accessLog: log)
    }

    /// Loads the first image and its plugins, watches the listeners, tells the master.
    mutating func start(image: Int32) throws {
        let first = try pipeline.prepare(descriptor: image, isChecked: true)  // by `SettledStart`
        Descriptor.close(image)
        pipeline.commit(first)
        pipeline.counters.block.head.pointee.revision = first.pointee.revision
        guard pipeline.loop.poller.addLevel(channel.fd, token: Token.channel),
            pipeline.loop.poller.addLevel(pipeline.loop.jobs.descriptor, token: Token.jobs),
            pipeline.loop.poller.addLevel(pipeline.host.descriptor, token: Token.host)
        else {
            throw WorkerError("the channel or the plugin host cannot be watched")
        }
        try watchListeners()
        try channel.send(Frame(.ready, worker: UInt32(index), revision: first.pointee.revision))
    }

    mutating func run() -> Never {
        var isQuiet = false
        while true {
            let isBusy = pipeline.runLine()
            let wait = isQuiet || isBusy ? -1 : pipeline.host.waitMs(nowMs: pipeline.loop.clock.nowMs)
            let longest: Int32 = drainDeadlineMs != 0 ? 100 : 1000
            let n = pipeline.loop.turn(maxMs: isBusy ? 0 : wait < 0 ? longest : min(wait, longest))
            var hostIsReady = false
            for i in 0..<n {
                let token = pipeline.loop.poller.token(i)
                if token >> 32 != 0 {
                    pipeline.handle(token: token, bits: pipeline.loop.poller.bits(i))
                } else if token == Token.host {
                    hostIsReady = true
                } else {
                    special(token)
                }
            }
            pipeline.endTurn()
            isQuiet = pipeline.serveHooks(descriptorsReady: hostIsReady)  // last: whatever a hook begins is known when the loop waits
            pipeline.counters.beat()
            if drainDeadlineMs != 0 { leaveWhenDrained() }
        }
    }

    @inline(never) mutating func special(_ token: UInt64) {
        switch token {
        case Token.channel: takeFrames()
        case Token.jobs: _ = pipeline.loop.jobs.drain()
        default:
            let i = Int(token - Token.firstListener)
            if i < listeners.count && listeners[i].isWatched {
                pipeline.accept(listener: listeners[i].descriptor, index: UInt16(truncatingIfNeeded: i))
            }
        }
    }
}
