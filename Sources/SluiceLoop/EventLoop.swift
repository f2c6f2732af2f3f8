// The pieces of one worker's loop in one place. It owns no policy: `SluiceWorker` turns it, `SluicePipeline` handles what
// it reports.

public struct EventLoop: ~Copyable {
    public var poller: Poller
    public var timers: TimerWheel
    public var clock: LoopClock
    public var jobs: JobQueue

    public init() {
        poller = Poller()
        clock = LoopClock()
        timers = TimerWheel(nowMs: clock.nowMs)
        jobs = JobQueue()
    }

    /// Sleeps until something is ready or a timer may be due, at most `maxMs`; refreshes the clock; the number of events.
    @inline(__always) public mutating func turn(maxMs: Int32) -> Int {
        let w = timers.waitMs(nowMs: clock.nowMs)
        let n = poller.wait(timeoutMs: w < 0 || w > maxMs ? maxMs : w)
        clock.refresh()
        return n
    }
}
