// What is special about shared objects with Swift code: the manifest is a constant `StaticString` instead of bare text, and the file
// says which toolchain made it. Called by the reader of sections in `ElfFile.swift`.

extension ElfFile {
    /// How a `StaticString` lies in memory: the address of its text, its length in bytes, one byte of flags. No manifest text is so short.
    static let staticStringBytes: UInt64 = 17

    /// The text that the constant in `section` shows.
    func staticString(_ file: ElfBytes, _ section: Section, _ segments: [Segment]) throws(InspectError) -> [UInt8] {
        let flags: UInt8 = try file.load(section.offset &+ 16)
        guard flags & 1 == 0 else { throw InspectError("invalid manifest: a single character; a StaticString with JSON text is needed") }
        let count: UInt64 = try file.load(section.offset &+ 8)
        guard count <= Self.manifestBytesMax else {
            throw InspectError("invalid manifest: \(count) bytes, at most \(Self.manifestBytesMax) are allowed")
        }
        let address = try relocated(file, section.address, section.offset, segments)
        let start = try Self.offset(of: address, segments)
        return try file.bytes(start, count, "the manifest's text")
    }

    /// The address that the loader will write at `address`: of its relocation, else (DT_RELR) what stands there.
    private func relocated(_ file: ElfBytes, _ address: UInt64, _ offset: UInt64, _ segments: [Segment]) throws(InspectError) -> UInt64 {
        #if arch(x86_64)
            let relative: UInt64 = 8  // R_X86_64_RELATIVE
        #else
            let relative: UInt64 = 1_027  // R_AARCH64_RELATIVE
        #endif
        let count = relocations.bytes / 24
        guard count <= Self.symbolsMax else { throw InspectError("damaged: \(count) relocations, at most \(Self.symbolsMax) are read") }
        if count > 0 {
            let table = try Self.offset(of: relocations.address, segments)
            try file.need(table, count * 24, "the relocations")
            for i in 0..<count {
                let place: UInt64 = try file.load(table + i * 24)
                if place != address { continue }
                let info: UInt64 = try file.load(table + i * 24 + 8)
                guard info & 0xffff_ffff == relative else {
                    throw InspectError("invalid manifest: its text is not in this file (relocation type \(info & 0xffff_ffff))")
                }
                return try file.load(table + i * 24 + 16)
            }
        }
        return try file.load(offset)
    }

    /// Section .comment: NUL-terminated texts, one a compiler.
    mutating func readComment(_ file: ElfBytes, _ section: Section) throws(InspectError) {
        let bytes = try file.bytes(section.offset, min(section.bytes, Self.manifestBytesMax), "section \(section.name)")
        compilers = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
