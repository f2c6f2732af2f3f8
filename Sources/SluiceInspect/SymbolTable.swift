// Names of the functions in an ELF file, found by address: for stacks of crashed workers. Reads .symtab, and .dynsym when the file is
// stripped; every read is checked, as the file may be anything. What a stack means is SluiceControl's; nothing here demangles.

public struct SymbolTable: Sendable {
    private struct Symbol {
        var start: UInt64
        var size: UInt64
        var name: UInt64  // offset in the file
        var end: UInt64  // of its string table
    }
    private let bytes: [UInt8]
    private var symbols: [Symbol] = []
    static let symbolsMax: UInt64 = 1 << 21
    public static let fileBytesMax = 256 << 20

    /// - Throws: InspectError when the file cannot be read or is no ELF file of this machine's kind.
    public init(path: String) throws(InspectError) {
        bytes = try FileBytes.read(path, max: Self.fileBytesMax)
        var found: Result<[Symbol], InspectError>!
        bytes.withUnsafeBytes { raw in
            do throws(InspectError) { found = .success(try Self.read(ElfBytes(raw))) } catch { found = .failure(error) }
        }
        symbols = try found.get()
        symbols.sort { ($0.start, $0.size) < ($1.start, $1.size) }
    }

    private static func read(_ file: ElfBytes) throws(InspectError) -> [Symbol] {
        let magic: UInt32 = try file.load(0), kind: UInt16 = try file.load(4)
        guard magic == 0x464c_457f, kind == 0x0102 else { throw InspectError("not a 64-bit little-endian ELF file") }
        let start: UInt64 = try file.load(40), size: UInt16 = try file.load(58), count: UInt16 = try file.load(60)
        if start == 0 || count == 0 { return [] }
        guard size == 64 else { throw InspectError("damaged: section headers of \(size) bytes") }
        try file.need(start, UInt64(count) * 64, "the section headers")
        for wanted in [UInt32(2), 11] {  // SHT_SYMTAB, SHT_DYNSYM
            var all: [Symbol] = []
            for i in 0..<UInt64(count) {
                let section = start + i * 64
                let type: UInt32 = try file.load(section + 4)
                if type == wanted { try readSection(file, section, start, UInt64(count), &all) }
            }
            if !all.isEmpty { return all }
        }
        return []
    }

    private static func readSection(_ file: ElfBytes, _ section: UInt64, _ headers: UInt64, _ count: UInt64, _ all: inout [Symbol])
        throws(InspectError)
    {
        let offset: UInt64 = try file.load(section + 24), size: UInt64 = try file.load(section + 32),
            link: UInt32 = try file.load(section + 40)
        guard UInt64(link) < count, size / 24 <= symbolsMax else { throw InspectError("damaged: a symbol table of \(size) bytes") }
        try file.need(offset, size, "the symbols")
        let strings: UInt64 = try file.load(headers + UInt64(link) * 64 + 24),
            stringsSize: UInt64 = try file.load(headers + UInt64(link) * 64 + 32)
        try file.need(strings, stringsSize, "the symbol names")
        for i in 0..<(size / 24) {
            let o = offset + i * 24
            let name: UInt32 = try file.load(o), info: UInt8 = try file.load(o + 4), place: UInt16 = try file.load(o + 6)
            let kind = info & 15
            guard kind == 2 || kind == 10, place != 0, UInt64(name) < stringsSize else { continue }  // functions that are defined here
            let value: UInt64 = try file.load(o + 8), bytes: UInt64 = try file.load(o + 16)
            all.append(Symbol(start: value, size: bytes, name: strings + UInt64(name), end: strings + stringsSize))
        }
    }

    /// The function that holds `address` (as in the file), and how far into it that is; nil when none does.
    public func find(_ address: UInt64) -> (name: String, offset: UInt64)? {
        var low = 0, high = symbols.count
        while low < high {
            let middle = (low + high) / 2
            if symbols[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let s = symbols[low - 1]
        // Assembler often says no size: a page is more than such a function has.
        guard address - s.start < (s.size == 0 ? 4096 : s.size) else { return nil }
        let name = bytes[Int(s.name)..<min(Int(s.end), Int(s.name) + Int(ElfFile.nameBytesMax))].prefix { $0 != 0 }
        return (String(decoding: name, as: UTF8.self), address - s.start)
    }
}
