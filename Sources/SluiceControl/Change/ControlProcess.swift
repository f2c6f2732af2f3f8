// `sluice control`: the process beside the workers. Takes the master's welcome, finds the state that matches what the
// workers run, serves the admin API, and leaves when the channel closes. It may die at any moment; traffic does not notice.
import Foundation
import SluiceChannel
import SluiceModel
import SluiceShared
import SluiceStore
import SluiceSystem

/// The channel to the master. Sending is one system call on a datagram socket: whole frames from any thread.
struct ChannelSink: FrameSink {
    let channel: Channel
    func send(_ frame: Frame) throws { try channel.send(frame) }
}

enum ControlProcess {
    /// Never returns: the process ends with the channel.
    static func run(channelDescriptor: Int32, configPath: String) async throws -> Never {
        umask(0o077)
        for number in [SIGINT, SIGHUP, SIGPIPE, SIGQUIT] { signal(number, SIG_IGN) }  // the master's business
        signal(SIGTERM) { _ in _exit(0) }
        try ChildProcess.dieWithParent(getppid())
        let channel = Channel(fd: channelDescriptor)
        guard let welcome = try channel.receive(), welcome.kind == .welcome, welcome.descriptors.count == 2 else {
            throw ControlStartProblem(description: "the master's first frame is no welcome")
        }
        let frames = receiveFrames(channel)  // from here on a closed channel ends the process
        let memory = try SharedMemory.map(fd: welcome.descriptors[0])
        let image = try RunningImage.read(descriptor: welcome.descriptors[1])
        let stateFolder = image.stateDirectory ?? Limits.stateDirectory
        close(welcome.descriptors[1])
        let start = try await offload { try Start(stateFolder: stateFolder, revision: welcome.revision, configPath: configPath) }
        let sink = ChannelSink(channel: channel)
        let publisher = Publisher(sink: sink, workers: memory.workerCount, revision: welcome.revision)
        let box = ServersBox()
        let control = Control(
            present: start.present, history: start.history, unavailable: start.unavailable, publisher: publisher,
            assembler: start.assembler, keeper: try Parts.keeper(start.assembler.directory), surroundings: { start.surroundings($0) },
            onChange: { configuration in
                ControlLog.setLevel(configuration.log.level)
                await box.servers?.apply(configuration)
            })
        let crashes = CrashReports(state: start.assembler.directory, ring: memory.crashes) { await control.crashed($0) }
        let counters = CounterReader(memory: memory)
        let gate = Gate(tokens: TokenStore(folder: stateFolder))
        let api = AdminAPI(control: control, counters: counters, crashes: crashes, gate: gate)
        let servers = LocalServers(
            admin: { await api.handle($0) }, door: { await api.admit($0) }, uploads: { await api.uploadPlace($0) },
            configFolder: start.assembler.configFolder)
        box.set(servers)
        ControlLog.setLevel(start.present.configuration.log.level)
        await servers.apply(start.present.configuration)
        await control.started(image.bytes)
        ControlLog.write(.info, "control process serves revision \(welcome.revision) of \(configPath)")
        let watch = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(Limits.pluginWatchIntervalMs))
                await control.watch(counters)
            }
        }
        defer { watch.cancel() }
        Task { await crashes.catchUp { await control.recall($0) } }
        for await frame in frames {
            switch frame.kind {
            case .reload: Task { await reload(control, sink) }
            case .crashed: Task { await crashes.crashed(frame.value) }
            default: await publisher.handle(frame)
            }
        }
        await publisher.close()
        exit(0)
    }

    /// A thread that waits for frames, so that no task ever blocks on the channel.
    private static func receiveFrames(_ channel: Channel) -> AsyncStream<Frame> {
        let (stream, continuation) = AsyncStream<Frame>.makeStream()
        let thread = Thread {
            while true {
                do throws(ChannelError) {
                    guard let frame = try channel.receive() else { _exit(0) }
                    if frame.kind == .logs, let log = frame.descriptors.first { dup2(log, 2) }  // where ControlLog writes
                    for descriptor in frame.descriptors { close(descriptor) }
                    continuation.yield(frame)
                } catch {
                    if case .malformed(let what) = error {
                        ControlLog.write(.error, "frame of the master dropped: \(what)")
                    } else {
                        _exit(0)
                    }
                }
            }
        }
        thread.name = "frames"
        thread.start()
        return stream
    }

    /// SIGHUP: the master's log says how it went.
    private static func reload(_ control: Control, _ sink: ChannelSink) async {
        var answer = Frame(.reloaded)
        do throws(ChangeRefusal) {
            let report = try await control.reload()
            answer.revision = report.outcome.revision
            answer.text =
                "revision \(report.outcome.revision) runs"
                + (report.needsRestart.isEmpty ? "" : "; changed, but held until a restart: \(report.needsRestart.joined(separator: ", "))")
        } catch {
            answer.status = 1
            answer.text = cut("\(error.title): \(error.errors.joined(separator: "; "))")
            for line in error.errors { ControlLog.write(.error, "reload refused: \(line)") }
        }
        do { try sink.send(answer) } catch { ControlLog.write(.error, "cannot tell the master of the reload: \(error)") }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= Frame.textMax ? text : String(decoding: text.utf8.prefix(Frame.textMax - 8), as: UTF8.self) + "…"
    }
}

struct ControlStartProblem: Error, CustomStringConvertible { var description: String }

/// Breaks the circle between `Control` (tells the servers of changes) and the servers (ask `Control`).
private final class ServersBox: @unchecked Sendable {
    // Written once, before the first change can happen.
    private(set) var servers: LocalServers?
    func set(_ servers: LocalServers) { self.servers = servers }
}

/// What a control process begins with: what the store says of the revision that runs.
private struct Start: Sendable {
    let present: StoredPresent
    let history: History?
    /// Why there is no history.
    let unavailable: String?
    let assembler: Assembler
    let resolver = NameResolver()

    init(stateFolder: String, revision: UInt64, configPath: String) throws {
        let path = FileIO.absolute(configPath), directory = StateDirectory(path: stateFolder), library = Parts.library()
        assembler = Assembler(library: library, compiler: Parts.compiler(resolver), configPath: path, directory: directory)
        try directory.create()
        do {
            guard access(directory.store, F_OK) == 0 else { throw StoreProblem("\(directory.store) is missing") }
            var history = try History.open(directory)
            for dropped in try history.store.settle(running: revision) {
                ControlLog.write(.notice, "revision \(dropped) never ran and is dropped")
            }
            var present = try history.present()
            if present.state.revision != revision {
                ControlLog.write(
                    .warn,
                    "the workers run revision \(revision), the store is at \(present.state.revision): the next change brings it to them")
            }
            present.state.lastRevision = max(present.state.lastRevision, present.state.revision, revision)
            present.state.revision = revision
            (self.history, self.present, unavailable) = (history, present, nil)
        } catch {
            var present = StoredPresent()
            (present.state.revision, present.state.lastRevision) = (revision, revision)
            // The settings of the file are as good as any; its objects may not be what runs.
            let text = (try? FileIO.read(path, max: SchemaLimits.fileBytesMax)) ?? []
            present.configuration =
                ConfigurationReader.read(
                    text,
                    .machine(resolver: resolver, library: library, configFolder: assembler.configFolder, looking: false)
                ).configuration.settingsOnly
            let why =
                "\(error); the workers run revision \(revision) all the same; `sluice apply` of an export, or of the file, makes a new store"
            ControlLog.write(.error, why)
            (history, self.present, unavailable) = (nil, present, why)
        }
    }

    func surroundings(_ wanted: Control.Surroundings) -> ConfigurationSurroundings {
        if wanted.isFresh { resolver.forget() }
        var out = ConfigurationSurroundings.machine(
            resolver: resolver, library: assembler.library, configFolder: assembler.configFolder, loadedPlugins: wanted.plugins)
        out.storedClusters = wanted.clusters
        return out
    }
}
