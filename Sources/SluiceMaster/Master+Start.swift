// Everything the master takes before the first child runs, in the order in which it is taken. A failure names what is
// missing and undoes nothing by hand: the process ends, and the kernel takes everything back.
import SluiceModel
import SluiceObserve
import SluiceShared
import SluiceSystem

extension Master {
    convenience init(imageFd: Int32) throws {
        try Descriptor.setCloseOnExec(imageFd)
        let image = try MasterImage(fd: imageFd)
        let settings = image.settings
        ErrorLog.level = settings.errorLevel
        let owner = try Master.identity(settings)
        let workers = Master.workerCount(settings)
        try Master.raiseLimits(settings, listeners: image.listeners.count, workers: workers)
        try Master.makeStateDirectory(settings.stateDirectory, owner)
        let pidFile = try settings.pidPath.isEmpty ? nil : PidFile(settings.pidPath)
        do {
            let logs = try LogFiles(settings, owner: owner)
            if !settings.errorLogPath.isEmpty { ErrorLog.redirect(to: try Descriptor.duplicate(logs.error, from: 3)) }
            if let stale = pidFile?.stalePid {
                ErrorLog.write(.notice, "pid file \(settings.pidPath) of process \(stale), which is gone, taken over")
            }
            var listeners = ListenerTable(workers: workers, owner: owner)
            try listeners.openMissing(image.listeners)
            let shared = try SharedMemory.create(workers: workers)
            Signals.ignoreBrokenPipes()
            let signals = try SignalDescriptor([SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGCHLD])
            self.init(
                image: image, imageFd: imageFd, listeners: listeners, logs: logs, shared: shared, pidFile: pidFile, signals: signals,
                executable: try ChildProcess.executablePath(), workers: workers)
        } catch {
            pidFile?.remove()
            throw error
        }
    }

    /// 0 in the configuration means one per core that is online.
    static func workerCount(_ s: MasterSettings) -> Int {
        let wanted = s.workers > 0 ? s.workers : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return min(wanted, Limits.workersMax)
    }

    /// Who the children become; nil = who we are. Checked here so that a mistake is told before anything is open.
    static func identity(_ s: MasterSettings) throws -> Identity? {
        if s.user.isEmpty {
            if s.group.isEmpty { return nil }
            throw MasterError.text("`group` is set to \(s.group) without `user`; set both or none")
        }
        let identity = try Identity(user: s.user, group: s.group)
        if !Privileges.isRoot && (geteuid() != identity.user || getegid() != identity.group) {
            throw MasterError.text(
                "cannot become user \(s.user): sluiced was not started as root; start it as root, or remove `user` and `group`")
        }
        return identity
    }

    static func descriptorsNeeded(_ s: MasterSettings, listeners: Int, workers: Int) -> UInt64 {
        UInt64(s.connectionsMax + Limits.descriptorReserve + listeners * workers + 2 * workers)
    }
    static func raiseLimits(_ s: MasterSettings, listeners: Int, workers: Int) throws {
        try ResourceLimits.raiseOpenFiles(to: descriptorsNeeded(s, listeners: listeners, workers: workers))
        try ResourceLimits.setCore(s.coreBytesMax)
    }

    static func makeStateDirectory(_ path: String, _ owner: Identity?) throws {
        if path.isEmpty { return }
        try Files.makeDirectory(path, mode: 0o750)
        if let owner, Privileges.isRoot { try Files.give(path, to: owner) }
    }
}
