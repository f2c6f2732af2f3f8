// What the dynamic loader believes without looking: segments, relocations, symbol versions, the symbol hash, initialisers. A table that is
// wrong there makes it write or jump anywhere, sometimes in one process and not in another, so a probe cannot find out: it is refused here.
// Everything is read from the file's bytes (gABI 4.1; glibc's elf/dl-load.c, dl-reloc.c, dl-lookup.c).

struct LoaderTables {
    /// Most address space that a plugin may span.
    static let imageBytesMax: UInt64 = 1 << 30
    static let entriesMax: UInt64 = 1 << 20
    static let threadLocalBytesMax: UInt64 = 1 << 20

    private let file: ElfBytes
    private let segments: [ElfFile.Segment]
    private let symbols: UInt64
    private var values: [UInt64: UInt64] = [:]
    private var end: UInt64 = 0

    /// Refuses what would mislead the loader. `symbols`: how many dynamic symbols there are.
    static func check(_ file: ElfBytes, _ dynamic: ElfFile.Segment, _ segments: [ElfFile.Segment], symbols: UInt64) throws(InspectError) {
        var tables = LoaderTables(file: file, segments: segments, symbols: symbols)
        try tables.checkSegments(dynamic)
        try tables.readDynamic(dynamic)
        try tables.checkHash()
        try tables.checkSymbols()
        try tables.checkVersions()
        try tables.checkRelocations(address: 7, bytes: 8)
        try tables.checkRelocations(address: 23, bytes: 2)
        try tables.checkPackedRelocations()
        try tables.checkInitialisers()
    }

    private init(file: ElfBytes, segments: [ElfFile.Segment], symbols: UInt64) {
        (self.file, self.segments, self.symbols) = (file, segments, symbols)
    }

    private static func damaged(_ what: String) -> InspectError { InspectError("damaged: \(what)") }

    /// Does a loaded segment with these flags (1 execute, 2 write) hold `bytes` bytes from `address` on?
    private func isLoaded(_ address: UInt64, _ bytes: UInt64, flags: UInt32 = 0) -> Bool {
        segments.contains {
            $0.type == 1 && $0.flags & flags == flags && address >= $0.address && address - $0.address <= $0.memorySize
                && bytes <= $0.memorySize - (address - $0.address)
        }
    }

    /// File offset of a table that lies whole in the file's part of a loaded segment.
    private func table(_ address: UInt64, _ bytes: UInt64, _ what: String) throws(InspectError) -> UInt64 {
        for s in segments
        where s.type == 1 && address >= s.address && address - s.address <= s.fileSize && bytes <= s.fileSize - (address - s.address) {
            return s.offset &+ (address - s.address)
        }
        throw Self.damaged("\(what) lies in no loaded segment")
    }

    private mutating func checkSegments(_ dynamic: ElfFile.Segment) throws(InspectError) {
        var next: UInt64 = 0
        for s in segments {
            guard s.memorySize <= Self.imageBytesMax, s.address <= Self.imageBytesMax, s.fileSize <= s.memorySize || s.type != 1 else {
                throw Self.damaged("a segment at 0x\(String(s.address, radix: 16)) of \(s.memorySize) bytes")
            }
            switch s.type {
            case 1:
                guard s.address >= next, s.alignment & (s.alignment &- 1) == 0, (s.address &- s.offset) & 0xfff == 0 else {
                    throw Self.damaged("loaded segments overlap, are out of order, or not aligned")
                }
                next = s.address + s.memorySize
            case 7:
                guard s.memorySize <= Self.threadLocalBytesMax, s.fileSize <= s.memorySize, s.alignment <= 4096,
                    s.alignment & (s.alignment &- 1) == 0
                else { throw Self.damaged("a thread-local segment of \(s.memorySize) bytes") }
            default: break
            }
        }
        end = next
        // RELRO is made read-only, notes are read, thread-local data copied: all must be ours.
        for s in segments where s.type == 0x6474_e552 || s.type == 4 || s.type == 7 || s.type == 0x6474_e553 {
            let size = s.type == 7 ? s.fileSize : s.memorySize
            guard size == 0 || isLoaded(s.address, size, flags: s.type == 0x6474_e552 ? 2 : 0) else {
                throw Self.damaged("a program header of type 0x\(String(s.type, radix: 16)) lies outside the loaded segments")
            }
        }
        guard try table(dynamic.address, dynamic.fileSize, "the dynamic section") == dynamic.offset, isLoaded(dynamic.address, 16, flags: 2)
        else {
            throw Self.damaged("the dynamic section is not where it is loaded")
        }
    }

    private mutating func readDynamic(_ dynamic: ElfFile.Segment) throws(InspectError) {
        var isEnded = false
        for i in 0..<min(dynamic.fileSize / 16, ElfFile.dynamicEntriesMax) {
            let tag: UInt64 = try file.load(dynamic.offset + i * 16)
            isEnded = tag == 0
            if isEnded { break }
            // DT_FILTER, DT_AUXILIARY and friends name further libraries; DT_REL is not for 64-bit machines.
            if [17, 0x7fff_fffd, 0x7fff_ffff, 0x6fff_fefb, 0x6fff_fefc].contains(tag) {
                throw Self.damaged("dynamic entry 0x\(String(tag, radix: 16)) is not for plugins")
            }
            if tag == 1 { continue }
            guard values[tag] == nil else { throw Self.damaged("dynamic entry 0x\(String(tag, radix: 16)) comes twice") }
            values[tag] = try file.load(dynamic.offset + i * 16 + 8)
        }
        guard isEnded else { throw Self.damaged("the dynamic section does not end") }
        for (tag, wanted): (UInt64, UInt64) in [(9, 24), (11, 24), (20, 7), (37, 8)] where values[tag] != nil && values[tag] != wanted {
            throw Self.damaged("dynamic entry \(tag) is \(values[tag]!) instead of \(wanted)")
        }
        let text = try table(values[5] ?? 0, values[10] ?? 0, "the dynamic strings")
        for tag: UInt64 in [14, 15, 29] { if let offset = values[tag] { _ = try file.string(text, offset, end: text + (values[10] ?? 0)) } }
    }

    private func checkHash() throws(InspectError) {
        guard let address = values[0x6fff_fef5] else { return }
        let g = try table(address, 16, "the symbol hash")
        let buckets: UInt32 = try file.load(g), first: UInt32 = try file.load(g + 4), bloom: UInt32 = try file.load(g + 8)
        let shift: UInt32 = try file.load(g + 12)
        guard buckets > 0, bloom > 0, bloom & (bloom - 1) == 0, shift < 64, UInt64(first) <= symbols else {
            throw Self.damaged("the head of the symbol hash")
        }
        let start = 16 + UInt64(bloom) * 8, chains = symbols - UInt64(first)
        _ = try table(address, start + UInt64(buckets) * 4 + chains * 4, "the symbol hash")
        for i in 0..<UInt64(buckets) {
            let bucket: UInt32 = try file.load(g + start + i * 4)
            guard bucket == 0 || (bucket >= first && UInt64(bucket) < symbols) else { throw Self.damaged("a bucket of the symbol hash") }
        }
    }

    private func checkSymbols() throws(InspectError) {
        let start = try table(values[6] ?? 0, symbols * 24, "the dynamic symbols")
        for i in 1..<max(1, symbols) {
            let info: UInt8 = try file.load(start + i * 24 + 4), section: UInt16 = try file.load(start + i * 24 + 6)
            let value: UInt64 = try file.load(start + i * 24 + 8)
            if section == 0 || section == 0xfff1 || info & 15 == 6 { continue }  // imported, absolute, thread-local
            guard value <= end, info & 15 != 10 || isLoaded(value, 1, flags: 1) else {
                throw Self.damaged("symbol \(i) has the address 0x\(String(value, radix: 16))")
            }
        }
    }

    /// Every symbol's version must be one that the file defines or needs: the loader takes the number as an index.
    private func checkVersions() throws(InspectError) {
        guard let address = values[0x6fff_fff0] else { return }
        let start = try table(address, symbols * 2, "the symbol versions")
        var known: Set<UInt16> = [0, 1]
        try readVersions(values[0x6fff_fffe], values[0x6fff_ffff] ?? 0, isNeeds: true, &known)
        try readVersions(values[0x6fff_fffc], values[0x6fff_fffd] ?? 0, isNeeds: false, &known)
        for i in 0..<symbols {
            let version: UInt16 = try file.load(start + i * 2)
            guard known.contains(version & 0x7fff) else {
                throw Self.damaged("symbol \(i) has version \(version & 0x7fff), which is not defined")
            }
        }
    }

    /// The chain of Verneed (with its Vernaux) or Verdef records.
    private func readVersions(_ address: UInt64?, _ count: UInt64, isNeeds: Bool, _ known: inout Set<UInt16>) throws(InspectError) {
        guard var at = address else { return }
        let text = try table(values[5] ?? 0, values[10] ?? 0, "the dynamic strings"), textEnd = text + (values[10] ?? 0)
        guard count > 0, count <= 1_024 else { throw Self.damaged("\(count) records of symbol versions") }
        for _ in 0..<count {
            let o = try table(at, isNeeds ? 16 : 20, "a record of symbol versions")
            let revision: UInt16 = try file.load(o)
            guard revision == 1 else { throw Self.damaged("a record of symbol versions of revision \(revision)") }
            let parts: UInt16 = try file.load(isNeeds ? o + 2 : o + 6)
            let first: UInt32 = try file.load(isNeeds ? o + 8 : o + 12), next: UInt32 = try file.load(isNeeds ? o + 12 : o + 16)
            guard parts > 0, parts <= 1_024 else { throw Self.damaged("\(parts) symbol versions in a record") }
            if isNeeds {
                let library: UInt32 = try file.load(o + 4)
                _ = try file.string(text, UInt64(library), end: textEnd)
            } else {
                known.insert(try file.load(o + 4))
            }
            var part = at &+ UInt64(first)
            for k in 0..<parts {
                let p = try table(part, isNeeds ? 16 : 8, "a symbol version")
                let name: UInt32 = try file.load(isNeeds ? p + 8 : p), step: UInt32 = try file.load(isNeeds ? p + 12 : p + 4)
                _ = try file.string(text, UInt64(name), end: textEnd)
                if isNeeds { known.insert((try file.load(p + 6) as UInt16) & 0x7fff) }
                guard (step == 0) == (k == parts - 1) else { throw Self.damaged("the chain of symbol versions") }
                part = part &+ UInt64(step)
            }
            if next == 0 { return }
            at = at &+ UInt64(next)
        }
        throw Self.damaged("the chain of symbol versions does not end")
    }

    #if arch(x86_64)
        private static let relative: UInt32 = 8, resolver: UInt32 = 37, types: Set<UInt32> = [0, 1, 6, 7, 8, 16, 17, 18, 36, 37]
    #elseif arch(arm64)
        private static let relative: UInt32 = 1027, resolver: UInt32 = 1032
        private static let types: Set<UInt32> = [0, 257, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032]
    #endif

    private func checkRelocations(address: UInt64, bytes: UInt64) throws(InspectError) {
        guard let size = values[bytes], size > 0 else { return }
        guard size % 24 == 0, size / 24 <= Self.entriesMax else { throw Self.damaged("relocations of \(size) bytes") }
        let start = try table(values[address] ?? 0, size, "the relocations")
        let relativeCount = address == 7 ? values[0x6fff_fff9] ?? 0 : 0  // these are taken as relative unseen
        guard relativeCount <= size / 24 else { throw Self.damaged("\(relativeCount) relative relocations of \(size / 24)") }
        for i in 0..<size / 24 {
            let target: UInt64 = try file.load(start + i * 24), info: UInt64 = try file.load(start + i * 24 + 8)
            let addend: UInt64 = try file.load(start + i * 24 + 16)
            let type = UInt32(truncatingIfNeeded: info)
            guard Self.types.contains(type), i >= relativeCount || type == Self.relative else {
                throw Self.damaged("relocation \(i) of type \(type)")
            }
            if type == 0 { continue }
            guard isLoaded(target, type == 36 || type == 1031 ? 16 : 8, flags: 2) else {
                throw Self.damaged("relocation \(i) writes to 0x\(String(target, radix: 16)), which is not the file's own data")
            }
            guard info >> 32 < symbols else { throw Self.damaged("relocation \(i) names symbol \(info >> 32) of \(symbols)") }
            // Swift keeps marks in the top byte of addresses; a wrong one there is no address in any process.
            if type == Self.relative && addend & 0x00ff_ffff_ffff_ffff > end {
                throw Self.damaged("relocation \(i) points outside the file")
            }
            if type == Self.resolver && !isLoaded(addend, 1, flags: 1) { throw Self.damaged("relocation \(i) calls what is no code") }
        }
    }

    /// DT_RELR: addresses, each followed by bit maps of the 63 words behind.
    private func checkPackedRelocations() throws(InspectError) {
        guard let size = values[35], size > 0 else { return }
        guard size % 8 == 0, size / 8 <= Self.entriesMax else { throw Self.damaged("packed relocations of \(size) bytes") }
        let start = try table(values[36] ?? 0, size, "the packed relocations")
        var at: UInt64 = 0
        for i in 0..<size / 8 {
            let word: UInt64 = try file.load(start + i * 8)
            let first = word & 1 == 0 ? word : at, count: UInt64 = word & 1 == 0 ? 1 : 63
            let used = word & 1 == 0 ? 1 : UInt64(63 - (word >> 1).leadingZeroBitCount + 1)
            guard isLoaded(first, used * 8, flags: 2) else {
                throw Self.damaged("packed relocation \(i) writes outside the file's own data")
            }
            at = first &+ count * 8
        }
    }

    private func checkInitialisers() throws(InspectError) {
        for tag: UInt64 in [12, 13] {
            if let address = values[tag], !isLoaded(address, 1, flags: 1) { throw Self.damaged("an initialiser that is no code") }
        }
        for (address, bytes): (UInt64, UInt64) in [(25, 27), (26, 28), (32, 33)] {
            guard let size = values[bytes], size > 0 else { continue }
            guard size % 8 == 0, isLoaded(values[address] ?? 0, size) else { throw Self.damaged("a list of initialisers") }
        }
    }
}
