// Work that belongs to no request: tasks and timers on the worker's loop. What still waits when the generation goes is cancelled.
import CSluiceABI

/// Something under way that can be ended early.
public struct BackgroundTask: Sendable {
    let task: Task<Void, Never>
    /// Its waits throw `HostError.cancelled` from now on.
    public func cancel() { task.cancel() }
}

/// Runs `work` on the worker's loop, soon; not before this returns. An error that it throws is logged.
@discardableResult public func background(_ work: @escaping () async throws -> Void) -> BackgroundTask {
    nonisolated(unsafe) let work = work  // all of it stays on the worker's thread
    let number = Backgrounds.next
    Backgrounds.next += 1
    let task = Task(executorPreference: LoopExecutor.shared) {
        do { try await work() } catch let error as HostError where error == .cancelled {} catch { log(.error, "background task: \(error)") }
        Backgrounds.running[number] = nil
    }
    Backgrounds.running[number] = task
    return BackgroundTask(task: task)
}

/// Runs `work` every `milliseconds` (at least 1), first after that time; the time counts from the end of one run, so it never runs twice at
/// once. An error that it throws is logged and does not end it.
@discardableResult public func every(milliseconds: Int, _ work: @escaping () async throws -> Void) -> BackgroundTask {
    background {
        while true {
            try await sleep(milliseconds: max(1, milliseconds))
            do { try await work() } catch let error as HostError where error == .cancelled { throw error } catch {
                log(.error, "timer: \(error)")
            }
        }
    }
}

enum Backgrounds {
    nonisolated(unsafe) static var running: [Int: Task<Void, Never>] = [:]
    nonisolated(unsafe) static var next = 0
    static func cancelAll() { for task in running.values { task.cancel() } }
}
