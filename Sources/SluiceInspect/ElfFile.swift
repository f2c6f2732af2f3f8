// What a shared object says about itself, read from its bytes without running or mapping any of it. Every read is
// checked against the bytes that are there, so a hostile file can be refused but never crash the reader.
// Only ELF64, little-endian, this machine. What it means for a plugin is decided in `PluginInspector.swift`.

/// The parts of an ELF shared object that decide whether it may be loaded.
struct ElfFile {
    var needed: [String] = []
    /// Names of dynamic symbols: defined with global or weak binding, and undefined.
    var exports: Set<String> = []
    var imports: Set<String> = []
    /// Defined symbols of binding STB_GNU_UNIQUE: glibc never unmaps their file.
    var uniqueSymbols: [String] = []
    var hasTextRelocations = false
    var hasExecutableStack = true  // what the kernel assumes when the file says nothing
    var isNoDelete = false
    var hasSwiftSections = false
    /// The manifest's text, trailing NULs cut off; nil when there is no section .sluice.manifest.
    var manifest: [UInt8]?
    /// The texts of section .comment: what the compilers that made the file call themselves.
    var compilers: [String] = []
    /// The relocations of the loader (DT_RELA), for `ElfFile+Swift.swift`.
    var relocations: (address: UInt64, bytes: UInt64) = (0, 0)

    #if arch(x86_64)
        static let machine: UInt16 = 62
        static let machineName = "x86-64"
    #elseif arch(arm64)
        static let machine: UInt16 = 183
        static let machineName = "aarch64"
    #endif
    static let manifestSection = ".sluice.manifest"
    static let manifestBytesMax: UInt64 = 16_384
    static let segmentsMax: UInt64 = 1_024
    static let sectionsMax: UInt64 = 8_192
    static let dynamicEntriesMax: UInt64 = 4_096
    static let symbolsMax: UInt64 = 1 << 20
    static let nameBytesMax: UInt64 = 4_096

    init(_ bytes: UnsafeRawBufferPointer) throws(InspectError) {
        let file = ElfBytes(bytes)
        try Self.checkHeader(file)
        let segments = try Segment.table(file)
        var dynamic: Segment?
        for s in segments {
            switch s.type {
            case 1: try file.need(s.offset, s.fileSize, "a loaded segment")
            case 2: dynamic = s
            case 0x6474_e551: hasExecutableStack = s.flags & 1 != 0
            default: break
            }
        }
        guard let dynamic else { throw InspectError("no dynamic section: not a shared library") }
        try readDynamic(file, dynamic, segments)
        try readSections(file, segments)
    }

    private static func checkHeader(_ file: ElfBytes) throws(InspectError) {
        let b = file.bytes
        guard b.count >= 4, b[0] == 0x7f, b[1] == 0x45, b[2] == 0x4c, b[3] == 0x46 else { throw InspectError("not an ELF file") }
        guard b.count >= 64 else { throw InspectError("truncated: \(b.count) bytes, an ELF header has 64") }
        guard b[4] == 2 else { throw InspectError("32-bit ELF; 64-bit is needed") }
        guard b[5] == 1 else { throw InspectError("big-endian ELF; little-endian is needed") }
        let machine: UInt16 = try file.load(18)
        guard machine == Self.machine else {
            throw InspectError("wrong machine: ELF machine \(machine), this is \(machineName) (\(Self.machine))")
        }
        let type: UInt16 = try file.load(16)
        guard type == 3 else {
            throw InspectError(type == 1 ? "a relocatable object; link it with -shared" : "ELF type \(type) is not a shared library")
        }
    }

    // MARK: segments and the dynamic section

    struct Segment {
        var type: UInt32
        var flags: UInt32
        var offset: UInt64
        var address: UInt64
        var fileSize: UInt64
        var memorySize: UInt64
        var alignment: UInt64

        static func table(_ file: ElfBytes) throws(InspectError) -> [Segment] {
            let start: UInt64 = try file.load(32)
            let size: UInt16 = try file.load(54)
            let count: UInt16 = try file.load(56)
            guard size == 56, count > 0, count <= segmentsMax else {
                throw InspectError("damaged: \(count) program headers of \(size) bytes")
            }
            try file.need(start, UInt64(count) * 56, "the program headers")
            var segments: [Segment] = []
            for i in 0..<UInt64(count) {
                let o = start + i * 56
                segments.append(
                    Segment(
                        type: try file.load(o), flags: try file.load(o + 4), offset: try file.load(o + 8), address: try file.load(o + 16),
                        fileSize: try file.load(o + 32), memorySize: try file.load(o + 40), alignment: try file.load(o + 48)))
            }
            return segments
        }
    }

    /// File offset of a virtual address.
    static func offset(of address: UInt64, _ segments: [Segment]) throws(InspectError) -> UInt64 {
        for s in segments where s.type == 1 && address >= s.address && address - s.address < s.fileSize {
            return s.offset &+ (address - s.address)  // the segment's range was checked against the file
        }
        throw InspectError("damaged: address 0x\(String(address, radix: 16)) lies in no loaded segment")
    }

    private mutating func readDynamic(_ file: ElfBytes, _ dynamic: Segment, _ segments: [Segment]) throws(InspectError) {
        try file.need(dynamic.offset, dynamic.fileSize, "the dynamic section")
        var neededOffsets: [UInt64] = []
        var strings: UInt64 = 0, stringsSize: UInt64 = 0, symbols: UInt64 = 0, gnuHash: UInt64 = 0, hash: UInt64 = 0
        entries: for i in 0..<min(dynamic.fileSize / 16, Self.dynamicEntriesMax) {
            let tag: UInt64 = try file.load(dynamic.offset + i * 16)
            let value: UInt64 = try file.load(dynamic.offset + i * 16 + 8)
            switch tag {
            case 0: break entries
            case 1: neededOffsets.append(value)
            case 4: hash = value
            case 5: strings = value
            case 6: symbols = value
            case 7: relocations.address = value
            case 8: relocations.bytes = value
            case 10: stringsSize = value
            case 22: hasTextRelocations = true  // DT_TEXTREL
            case 30: if value & 4 != 0 { hasTextRelocations = true }  // DF_TEXTREL
            case 0x6fff_fef5: gnuHash = value
            case 0x6fff_fffb: if value & 8 != 0 { isNoDelete = true }  // DF_1_NODELETE
            default: break
            }
        }
        guard strings != 0, symbols != 0 else { throw InspectError("no dynamic symbols: no entry symbol sluice_plugin_v1") }
        let text = try Self.offset(of: strings, segments)
        try file.need(text, stringsSize, "the dynamic strings")
        let end = text + stringsSize
        for n in neededOffsets { needed.append(try file.string(text, n, end: end)) }
        let table = try Self.offset(of: symbols, segments)
        let count = try Self.symbolCount(file, hash: hash, gnuHash: gnuHash, segments)
        try readSymbols(file, table, count, text, end)
        try LoaderTables.check(file, dynamic, segments, symbols: count)
    }

    private mutating func readSymbols(_ file: ElfBytes, _ table: UInt64, _ count: UInt64, _ text: UInt64, _ end: UInt64)
        throws(InspectError)
    {
        try file.need(table, count * 24, "the dynamic symbols")
        for i in 0..<count where i > 0 {
            let o = table + i * 24
            let nameOffset: UInt32 = try file.load(o)
            let info: UInt8 = try file.load(o + 4)
            let section: UInt16 = try file.load(o + 6)
            let name = try file.string(text, UInt64(nameOffset), end: end)
            if section == 0 {
                imports.insert(name)
            } else if info >> 4 == 10 {
                uniqueSymbols.append(name)
            } else if info >> 4 != 0 {
                exports.insert(name)
            }
        }
    }

    /// How many dynamic symbols there are: DT_HASH says it, DT_GNU_HASH implies it by the end of its last chain.
    private static func symbolCount(_ file: ElfBytes, hash: UInt64, gnuHash: UInt64, _ segments: [Segment]) throws(InspectError) -> UInt64 {
        var count: UInt64 = 0
        if hash != 0 {
            let n: UInt32 = try file.load(try offset(of: hash, segments) &+ 4)
            count = UInt64(n)
        } else if gnuHash != 0 {
            let g = try offset(of: gnuHash, segments)
            let buckets: UInt32 = try file.load(g), first: UInt32 = try file.load(g &+ 4), bloom: UInt32 = try file.load(g &+ 8)
            let bucketStart = g &+ 16 &+ UInt64(bloom) * 8
            try file.need(bucketStart, UInt64(buckets) * 4, "the symbol hash")
            var last: UInt32 = 0
            for i in 0..<UInt64(buckets) { last = max(last, try file.load(bucketStart + i * 4)) }
            count = UInt64(first)
            if last >= first {
                let chain = bucketStart + UInt64(buckets) * 4
                var k = UInt64(last)
                while k < symbolsMax {
                    let h: UInt32 = try file.load(chain &+ (k - UInt64(first)) * 4)
                    k += 1
                    if h & 1 != 0 { break }
                }
                count = k
            }
        } else {
            throw InspectError("no symbol hash: the dynamic symbols cannot be counted")
        }
        guard count < symbolsMax else { throw InspectError("damaged: \(count) dynamic symbols, at most \(symbolsMax) are read") }
        return count
    }

    // MARK: sections

    private mutating func readSections(_ file: ElfBytes, _ segments: [Segment]) throws(InspectError) {
        let start: UInt64 = try file.load(40)
        let size: UInt16 = try file.load(58), count16: UInt16 = try file.load(60), names: UInt16 = try file.load(62)
        let count = UInt64(count16)
        if start == 0 || count == 0 { return }  // stripped of section headers: no manifest
        guard size == 64, count <= Self.sectionsMax, UInt64(names) < count else {
            throw InspectError("damaged: \(count) section headers of \(size) bytes")
        }
        try file.need(start, count * 64, "the section headers")
        let nameTable = start + UInt64(names) * 64
        let text: UInt64 = try file.load(nameTable + 24), textSize: UInt64 = try file.load(nameTable + 32)
        try file.need(text, textSize, "the section names")
        for i in 0..<count where i > 0 {
            let o = start + i * 64
            let nameOffset: UInt32 = try file.load(o), type: UInt32 = try file.load(o + 4)
            let name = try file.string(text, UInt64(nameOffset), end: text + textSize)
            if name.hasPrefix("swift5_") { hasSwiftSections = true }
            if type == 8 { continue }  // SHT_NOBITS: nothing in the file
            let section = Section(name: name, address: try file.load(o + 16), offset: try file.load(o + 24), bytes: try file.load(o + 32))
            if name == Self.manifestSection { try readManifest(file, section, segments) }
            if name == ".comment" { try readComment(file, section) }
        }
    }

    struct Section {
        var name: String
        var address: UInt64
        var offset: UInt64
        var bytes: UInt64
    }

    private mutating func readManifest(_ file: ElfBytes, _ section: Section, _ segments: [Segment]) throws(InspectError) {
        if manifest != nil { throw InspectError("invalid manifest: the file has two sections \(section.name)") }
        guard section.bytes <= Self.manifestBytesMax else {
            throw InspectError("invalid manifest: \(section.bytes) bytes, at most \(Self.manifestBytesMax) are allowed")
        }
        var content =
            section.bytes == Self.staticStringBytes
            ? try staticString(file, section, segments) : try file.bytes(section.offset, section.bytes, "section \(section.name)")
        while content.last == 0 { content.removeLast() }
        manifest = content
    }
}

/// Checked reads.
struct ElfBytes {
    let bytes: UnsafeRawBufferPointer
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func need(_ offset: UInt64, _ count: UInt64, _ what: String) throws(InspectError) {
        let size = UInt64(bytes.count)
        if offset > size || count > size - offset {
            throw InspectError("truncated: \(what) should be at \(offset), \(count) bytes long, but the file has \(size)")
        }
    }

    /// A copy.
    func bytes(_ offset: UInt64, _ count: UInt64, _ what: String) throws(InspectError) -> [UInt8] {
        try need(offset, count, what)
        return [UInt8](UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset + count)]))
    }

    func load<T: FixedWidthInteger>(_ offset: UInt64) throws(InspectError) -> T {
        try need(offset, UInt64(MemoryLayout<T>.size), "a header")
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: T.self))
    }

    /// The NUL-terminated text at `base + offset`, which must end before `end` (already inside the file).
    func string(_ base: UInt64, _ offset: UInt64, end: UInt64) throws(InspectError) -> String {
        guard offset < end - base else { throw InspectError("damaged: a name lies outside its string table") }
        let start = base + offset
        var i = start
        while i < end, i - start < ElfFile.nameBytesMax, bytes[Int(i)] != 0 { i += 1 }
        guard i < end, bytes[Int(i)] == 0 else { throw InspectError("damaged: a name in a string table does not end") }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(i)]), as: UTF8.self)
    }
}
