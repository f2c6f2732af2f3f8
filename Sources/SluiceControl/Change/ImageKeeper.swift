// Keeps the image that the workers run on the disk, for a start without a store. It is written after the change was answered, and only the
// newest of several: a change must not wait for a file of many megabytes.
import Foundation

/// Any thread; writes one after the other.
struct ImageKeeper: Sendable {
    private let writer: Writer

    init(directory: StateDirectory) { writer = Writer(path: directory.image) }

    func keep(_ image: [UInt8], revision: UInt64) { writer.keep(image, revision) }

    /// Everything that was given is on the disk, or told in the log.
    func wait() async { await writer.wait() }

    private final class Writer: @unchecked Sendable {
        let path: String
        private let queue = DispatchQueue(label: "last good image")
        private let lock = NSLock()
        private var newest: (image: [UInt8], revision: UInt64)?  // under `lock`
        init(path: String) { self.path = path }

        func keep(_ image: [UInt8], _ revision: UInt64) {
            lock.withLock { newest = (image, revision) }
            queue.async { self.write() }
        }

        func wait() async { await withCheckedContinuation { waiter in queue.async { waiter.resume() } } }

        private func write() {
            guard
                let (image, revision) = lock.withLock({ () -> (image: [UInt8], revision: UInt64)? in
                    defer { newest = nil }
                    return newest
                })
            else { return }  // an earlier turn wrote a newer one
            do { try FileIO.replace(path, with: image, mode: 0o600) } catch {
                ControlLog.write(.error, "revision \(revision) runs, but the last good image was not kept: \(error)")
            }
        }
    }
}
