// The few things the master wants to know of an image: settings of the process and the listeners. The image is mapped,
// checked, copied from and unmapped again; workers keep their own mapping. Its format is in SluiceRules.
import SluiceBytes
import SluiceModel
import SluiceRules
import SluiceSystem

struct ListenerSpec: Equatable {
    /// As configured; names the listener to workers and in messages.
    var label: String
    /// The sockaddr.
    var address: [UInt8]
    var backlog: Int32 = Int32(Limits.listenBacklog)

    var isUnix: Bool { address.withUnsafeBytes { ListeningSocket.family($0) == AF_UNIX } }
    var port: UInt16 { address.withUnsafeBytes { ListeningSocket.port($0) } }
    /// The same socket serves both: the backlog may differ.
    func isSame(as other: ListenerSpec) -> Bool { label == other.label && address == other.address }
}

struct MasterSettings: Equatable {
    var workers = 0
    var connectionsMax = 0
    var drainTimeoutMs: UInt64 = 0
    var errorLevel = Log.Level.notice
    var errorLogPath = ""
    var logsAccess = false
    var accessLogPath = ""
    var pidPath = ""
    var user = ""
    var group = ""
    var stateDirectory = ""
    var configPath = ""
    var coreBytesMax: UInt64 = 0
    /// How long a plugin may hold a worker.
    var hold = HoldWatch.Bounds()
}

struct MasterImage {
    var revision: UInt64
    var settings: MasterSettings
    var listeners: [ListenerSpec]
    /// Counter slots and names of the plugins, for messages.
    var plugins: [(slot: UInt64, name: String)] = []

    /// Reads and checks the image behind `fd`, which stays the caller's.
    init(fd: Int32) throws {
        guard MemoryFile.isSealed(fd) else { throw MasterError.text("image refused: descriptor \(fd) is no sealed memory file") }
        let mapping = try Mapping(fd, count: try Descriptor.size(fd), writable: false)
        defer { mapping.unmap() }
        try self.init(ImageView(base: UnsafeRawPointer(mapping.base), count: mapping.count))
    }

    init(_ image: ImageView) throws {
        revision = image.header.pointee.revision
        settings = MasterSettings(image)
        listeners = image.listeners.map { record in
            let all = withUnsafeBytes(of: record.address.bytes) { Array($0) }
            return ListenerSpec(
                label: image.text(record.label).string, address: Array(all.prefix(Int(record.address.length))),
                backlog: Int32(clamping: record.backlog))
        }
        plugins = image.plugins.map { (UInt64($0.statSlot), image.text($0.name).string) }
        if listeners.isEmpty { throw MasterError.text("image refused: it names no listener") }
    }
}

extension MasterSettings {
    init(_ image: ImageView) {
        let s = image.settings.pointee
        workers = Int(s.workers)
        connectionsMax = Int(s.connectionsMax)
        drainTimeoutMs = UInt64(s.drainTimeoutMs)
        errorLevel = Log.Level(rawValue: Int(s.errorLevel)) ?? .notice
        errorLogPath = image.text(s.errorLogPath).string
        logsAccess = s.accessLog != AccessLogFormat.off.rawValue
        accessLogPath = image.text(s.accessLogPath).string
        pidPath = image.text(s.pidPath).string
        user = image.text(s.user).string
        group = image.text(s.group).string
        stateDirectory = image.text(s.stateDirectory).string
        configPath = image.text(s.configPath).string
        coreBytesMax = s.coreBytesMax
        hold = HoldWatch.Bounds(warnMs: UInt64(s.pluginHoldWarnMs), maxMs: UInt64(s.pluginHoldMaxMs))
    }

    /// What of `next` takes effect only when the master is started again.
    func needsRestart(_ next: MasterSettings) -> [String] {
        var names: [String] = []
        if workers != next.workers { names.append("workers") }
        if user != next.user || group != next.group { names.append("user and group") }
        if pidPath != next.pidPath { names.append("pid_file") }
        if stateDirectory != next.stateDirectory { names.append("state_directory") }
        if coreBytesMax != next.coreBytesMax { names.append("core limit") }
        if next.connectionsMax > connectionsMax { names.append("limits.connections") }  // open files of running workers
        return names
    }
}

/// A failure that the person who starts or reloads must read.
enum MasterError: Error, CustomStringConvertible {
    case text(String)
    var description: String {
        switch self {
        case .text(let t): t
        }
    }
}
