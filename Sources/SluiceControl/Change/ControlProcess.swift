// `sluice control`: the process beside the workers. Takes the master's welcome, finds the state that matches what the
// workers run, serves the admin API, and leaves when the channel closes. It may die at any moment; traffic does not notice.
import Foundation
import SluiceChannel
import SluiceModel
import SluiceShared
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
        start.settle(image.bytes)
        let sink = ChannelSink(channel: channel)
        let publisher = Publisher(sink: sink, workers: memory.workerCount, revision: welcome.revision)
        let box = ServersBox()
        let control = Control(
            configuration: start.configuration, state: start.state, publisher: publisher, assembler: start.assembler,
            surroundings: { start.surroundings(loaded: $0) },
            onChange: { configuration in
                ControlLog.setLevel(configuration.log.level)
                await box.servers?.apply(configuration)
            })
        let crashes = CrashReports(state: start.assembler.directory, ring: memory.crashes) { await control.crashed($0) }
        let counters = CounterReader(memory: memory)
        let api = AdminAPI(control: control, counters: counters, crashes: crashes)
        let servers = LocalServers(admin: { await api.handle($0) }, uploads: { await control.uploadPlace($0) })
        box.set(servers)
        ControlLog.setLevel(start.configuration.log.level)
        await servers.apply(start.configuration)
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

/// What a control process begins with: the state of the revision that runs, and the configuration that made it.
private struct Start: Sendable {
    let configuration: Configuration
    let state: ControlState
    let assembler: Assembler
    let resolver = NameResolver()
    let configPath: String

    init(stateFolder: String, revision: UInt64, configPath: String) throws {
        self.configPath = FileIO.absolute(configPath)
        let directory = StateDirectory(path: stateFolder)
        let library = Parts.library()
        assembler = Assembler(library: library, compiler: Parts.compiler(resolver), configPath: self.configPath, directory: directory)
        try directory.create()
        var state = directory.load(revision: revision) ?? directory.newest ?? ControlState()
        if state.revision != revision {
            ControlLog.write(
                .warn, "no state of revision \(revision) in \(stateFolder): going on from revision \(state.revision) and the file")
        }
        let text =
            state.revision == revision
            ? Array(state.configText.utf8) : ((try? FileIO.read(configPath, max: SchemaLimits.fileBytesMax)) ?? [])
        let folder = (self.configPath as NSString).deletingLastPathComponent
        let around = ConfigurationSurroundings.machine(
            resolver: resolver, library: library, configFolder: folder, loadedPlugins: Set(state.plugins.map(\.name)), looking: false)
        let reading = ConfigurationReader.read(text, around)
        for line in reading.lines(file: configPath) { ControlLog.write(.error, "running configuration: \(line)") }
        state.lastRevision = max(state.lastRevision, state.revision, revision)
        state.revision = revision
        var configuration = reading.configuration
        configuration.plugins = state.sources
        self.configuration = configuration
        self.state = state
    }

    /// What runs is what would be started again: its image is kept, and nothing of revisions that nobody runs.
    func settle(_ image: [UInt8]) {
        assembler.directory.dropUnfinished()
        do {
            if !assembler.directory.revisions.contains(state.revision) { try assembler.directory.save(state) }
            try assembler.directory.settle(state, image: image)
        } catch {
            ControlLog.write(.error, "the last good image was not kept: \(error)")
        }
    }

    /// Names are looked up anew for every reload.
    func surroundings(loaded: Set<String>) -> ConfigurationSurroundings {
        resolver.forget()
        return .machine(resolver: resolver, library: assembler.library, configFolder: assembler.configFolder, loadedPlugins: loaded)
    }
}
