// The strings section while it grows: every text once, each followed by a NUL.

struct StringPool {
    private(set) var bytes: [UInt8] = [0]  // offset 0 of the section is the empty text
    private var index: [String: ImageText] = [:]

    /// Where the section begins in the image: right behind the header, so that offsets are final at once.
    static let base = MemoryLayout<ImageHeader>.size

    /// The place of `text`, which it shares with equal texts.
    mutating func add(_ text: String) -> ImageText {
        if text.isEmpty { return ImageText(offset: UInt32(StringPool.base), count: 0) }
        if let known = index[text] { return known }
        let place = append(text.utf8)
        index[text] = place
        return place
    }

    /// Bytes that nobody is likely to share; not looked up. An image past 4 GiB is refused when it is assembled.
    mutating func append(_ run: some Collection<UInt8>) -> ImageText {
        let place = ImageText(
            offset: UInt32(truncatingIfNeeded: StringPool.base + bytes.count), count: UInt32(truncatingIfNeeded: run.count))
        bytes.append(contentsOf: run)
        bytes.append(0)
        return place
    }
}
