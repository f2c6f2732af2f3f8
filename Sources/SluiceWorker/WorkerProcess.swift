// A worker that speaks the master's protocol and serves nothing: what the master's tests need.
import SluiceChannel
import SluiceSystem

public enum WorkerProcess {
    /// Runs worker `index` to its end; returns the exit status.
    public static func run(index: Int) -> Int32 {
        let channel = Channel(fd: 3)
        do {
            while let frame = try channel.receive() {
                frame.closeDescriptors()
                switch frame.kind {
                case .logs: try channel.send(Frame(.ready, worker: UInt32(index)))
                case .prepare: try channel.send(Frame(.prepared, worker: UInt32(index), revision: frame.revision))
                case .commit: try channel.send(Frame(.committed, worker: UInt32(index), revision: frame.revision))
                case .drain: return 0
                default: break
                }
            }
        } catch { return 1 }
        return 0
    }
}
