// Jobs that plugins post on the worker's own thread, in the order they came: no allocation once the ring has grown to its peak.
import CSluiceABI

struct JobRing {
    struct Job {
        var owner: Owner
        var callback: sluice_callback
        var data: UnsafeMutableRawPointer?
    }
    private var jobs: UnsafeMutablePointer<Job>?
    private var capacity = 0  // a power of two
    private var start = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ job: Job) {
        if count == capacity { grow() }
        (jobs! + ((start &+ count) & (capacity &- 1))).initialize(to: job)
        count &+= 1
    }

    mutating func popFirst() -> Job? {
        if count == 0 { return nil }
        let job = jobs![start]
        start = (start &+ 1) & (capacity &- 1)
        count &-= 1
        return job
    }

    private mutating func grow() {
        let wider = max(64, capacity * 2)
        let new = UnsafeMutablePointer<Job>.allocate(capacity: wider)
        for i in 0..<count { (new + i).initialize(to: jobs![(start + i) & (capacity - 1)]) }
        jobs?.deallocate()
        (jobs, capacity, start) = (new, wider, 0)
    }

    /// The memory of a ring that nobody uses any more.
    func free() { jobs?.deallocate() }
}
