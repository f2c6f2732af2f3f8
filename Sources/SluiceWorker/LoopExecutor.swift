// Swift's executors in a worker: every Task of every plugin, the main actor and the default executor included, runs on the worker's loop
// as a job of the plugin host, so that no thread pool ever starts. Installed before anything else makes a Task. The functions that the
// runtime looks for are marked experimental by the toolchain; a scenario test counts the threads.
import SluicePlugins
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

enum LoopExecutors {
    /// Where jobs go; set before the first plugin is loaded. A worker has one host, and one thread that sets this.
    nonisolated(unsafe) static var host: PluginHost?
    static let main = MainLoopExecutor(), tasks = TaskLoopExecutor()

    /// The worker sets `host` before it loads any plugin, and nothing else makes Tasks. A job without it is a mistake in the worker's start,
    /// and dropping one would leave its Task waiting for ever without a word: so the worker says why and ends.
    private static var running: PluginHost {
        guard let host else { fatalError("a Swift Task was made before the worker had a plugin host") }
        return host
    }

    static func install() { _createExecutors(factory: LoopExecutorFactory.self) }

    static func post(_ job: consuming ExecutorJob, _ run: PluginHost.Job) {
        running.post(run, unsafeBitCast(UnownedJob(job), to: UnsafeMutableRawPointer.self))
    }
    static func post<D>(_ job: consuming ExecutorJob, after delay: D, _ run: PluginHost.Job) {
        let parts = (delay as? Duration ?? .zero).components
        let ms =
            parts.seconds < 2_147_483
            ? max(0, parts.seconds * 1000 + (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000) : Int64(Int32.max)
        running.post(run, unsafeBitCast(UnownedJob(job), to: UnsafeMutableRawPointer.self), afterMs: UInt32(ms))
    }
}

struct LoopExecutorFactory: ExecutorFactory {
    static var mainExecutor: any MainExecutor { LoopExecutors.main }
    static var defaultExecutor: any TaskExecutor { LoopExecutors.tasks }
}

final class MainLoopExecutor: MainExecutor, SchedulingExecutor {
    /// The worker's own loop runs the jobs.
    func run() throws {}
    func stop() {}
    func enqueue(_ job: consuming ExecutorJob) { LoopExecutors.post(job, MainLoopExecutor.runJob) }
    func enqueue<C: Clock>(_ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C) {
        LoopExecutors.post(job, after: delay, MainLoopExecutor.runJob)
    }
    private static let runJob: PluginHost.Job = { raw, _ in
        unsafeBitCast(raw.unsafelyUnwrapped, to: UnownedJob.self).runSynchronously(on: LoopExecutors.main.asUnownedSerialExecutor())
    }
}

final class TaskLoopExecutor: TaskExecutor, SchedulingExecutor {
    func enqueue(_ job: consuming ExecutorJob) { LoopExecutors.post(job, TaskLoopExecutor.runJob) }
    func enqueue<C: Clock>(_ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C) {
        LoopExecutors.post(job, after: delay, TaskLoopExecutor.runJob)
    }
    private static let runJob: PluginHost.Job = { raw, _ in
        unsafeBitCast(raw.unsafelyUnwrapped, to: UnownedJob.self).runSynchronously(on: LoopExecutors.tasks.asUnownedTaskExecutor())
    }
}
