// Anonymous memory files (memfd), their seals, and mappings of them. Images are sealed whole; shared memory is sealed in
// size only. What is inside them is the business of SluiceRules and SluiceShared.
import CSluiceSys

public enum MemoryFile {
    /// An empty memory file that can be sealed; `name` shows up in /proc/PID/maps.
    public static func create(_ name: String, size: Int = 0) throws(SystemError) -> Int32 {
        let fd = try check("create memory file \(name)") { memfd_create(name, UInt32(CS_MFD_CLOEXEC | CS_MFD_ALLOW_SEALING)) }
        do throws(SystemError) {
            try check("size memory file \(name) to \(size) bytes") { ftruncate(fd, size) }
        } catch {
            Descriptor.close(fd)
            throw error
        }
        return fd
    }

    /// A sealed memory file that holds exactly `bytes`: nobody, its maker included, can change it afterwards.
    public static func sealed(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int32 {
        let fd = try create(name)
        do throws(SystemError) {
            try Descriptor.writeAll(fd, bytes)
            try seal(fd)
        } catch {
            Descriptor.close(fd)
            throw error
        }
        return fd
    }

    /// Forbids writing, growing, shrinking and further seals. Fails while a writable mapping exists.
    public static func seal(_ fd: Int32) throws(SystemError) {
        try check("seal memory file") { cs_fcntl(fd, Int32(CS_F_ADD_SEALS), Int(CS_SEAL_ALL)) }
    }

    /// Fixes the size only: writers stay possible (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW).
    public static func sealSize(_ fd: Int32) throws(SystemError) {
        try check("seal the size of a memory file") { cs_fcntl(fd, Int32(CS_F_ADD_SEALS), 7) }
    }

    /// Whether the file can never change: all four seals are set. False for anything that is no memory file.
    public static func isSealed(_ fd: Int32) -> Bool {
        let seals = cs_fcntl(fd, Int32(CS_F_GET_SEALS), 0)
        return seals >= 0 && seals & Int32(CS_SEAL_ALL) == Int32(CS_SEAL_ALL)
    }

    /// Whether the file can at least not shrink under a mapping (a shrunk file kills its reader with SIGBUS).
    public static func isSizeSealed(_ fd: Int32) -> Bool {
        let seals = cs_fcntl(fd, Int32(CS_F_GET_SEALS), 0)
        return seals >= 0 && seals & 2 != 0
    }
}

/// A mapped file. Plain data: whoever made it calls `unmap` once nobody uses it any more.
public struct Mapping: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    /// Bytes, as the file has them (not rounded to pages).
    public let count: Int

    /// Maps the first `count` bytes of `fd`, shared with every other process that maps it.
    public init(_ fd: Int32, count: Int, writable: Bool) throws(SystemError) {
        guard count > 0 else { throw SystemError(.invalid, "map a file of \(count) bytes") }
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        guard let p = mmap(nil, count, protection, MAP_SHARED, fd, 0), p != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw SystemError(.current, "map \(count) bytes of descriptor \(fd)")
        }
        base = p
        self.count = count
    }
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
    /// Ends the mapping; every pointer into it is invalid afterwards.
    public func unmap() { munmap(base, count) }
}
