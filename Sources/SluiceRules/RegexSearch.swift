// Typed calls of the sets of regular expressions in CSluiceRegex: compiling one, and searching all of an image for one path. Which routes
// the numbers stand for is in `RegexLayout.swift`.
import CSluiceRegex
import SluiceBytes

public enum RegexSearch {
    /// Sets must lie at multiples of this many bytes.
    public static var alignment: Int { Int(CS_REGEX_ALIGNMENT) }

    /// Makes room for searches of this image in the calling thread; without it nothing matches. False: no memory.
    public static func prepare(_ image: ImageView) -> Bool {
        for set in image.regexSets where cs_regex_set_prepare(image.bytes(of: set).baseAddress, image.header.pointee.regexCount) == 0 {
            return false
        }
        return true
    }

    /// Numbers of the expressions that match somewhere in the path, in no order; valid until the next call of this thread.
    public static func matches(_ image: ImageView, _ path: ByteView) -> UnsafeBufferPointer<UInt32> {
        cs_regex_set_begin()
        let text = UnsafeRawPointer(path.start).assumingMemoryBound(to: CChar.self)
        for set in image.regexSets { _ = cs_regex_set_scan(image.base + Int(set.offset), text, path.count) }
        var numbers: UnsafePointer<UInt32>?
        let count = cs_regex_set_matches(&numbers)
        return UnsafeBufferPointer(start: numbers, count: Int(count))
    }

    /// Whether a block is a set that can be searched.
    static func isSet(_ bytes: UnsafeRawBufferPointer) -> Bool { cs_regex_set_check(bytes.baseAddress, bytes.count) != 0 }

    /// Why a text is no expression that users may write; nil: it is one. Users write RE2 syntax, so both engines must take it.
    static func problem(_ pattern: String) -> String? {
        var pattern = pattern
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { error in
            pattern.withUTF8 { utf8 -> String? in
                let text = UnsafeRawPointer(utf8.baseAddress!).assumingMemoryBound(to: CChar.self)
                guard let regex = cs_regex_make(text, utf8.count, 1 << 20, error.baseAddress, error.count) else {
                    return String(cString: error.baseAddress!)
                }
                cs_regex_free(regex)
                return nil
            }
        }
    }

    /// Compiles expressions, each with its number, into one set. A refusal names which of them is at fault, or none.
    static func compile(_ patterns: [(text: String, number: UInt32)]) -> Result<[UInt8], Refusal> {
        var bytes: [CChar] = []
        var starts: [Int] = []
        for p in patterns {
            starts.append(bytes.count)
            bytes += p.text.utf8CString
        }
        let (all, first) = (bytes, starts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { error in
            error.initialize(repeating: 0)
            return all.withUnsafeBufferPointer { all in compile(first.map { all.baseAddress! + $0 }, patterns.map(\.number), error) }
        }
    }

    private static func compile(_ texts: [UnsafePointer<CChar>?], _ numbers: [UInt32], _ error: UnsafeMutableBufferPointer<CChar>)
        -> Result<
            [UInt8], Refusal
        >
    {
        var which: Int32 = -1
        guard let set = cs_regex_set_make(texts, numbers, UInt32(numbers.count), error.baseAddress, error.count, &which) else {
            return .failure(Refusal(index: which < 0 ? nil : Int(which), reason: String(cString: error.baseAddress!)))
        }
        defer { cs_regex_set_free(set) }
        var count = 0
        let start = cs_regex_set_bytes(set, &count)
        return .success(Array(UnsafeRawBufferPointer(start: start, count: count)))
    }

    struct Refusal: Error {
        var index: Int?
        var reason: String
    }
}
