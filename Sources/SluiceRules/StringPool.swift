// The strings section while it grows: every text once, each followed by a NUL.

struct StringPool {
    private(set) var bytes: [UInt8]
    private var index: [String: ImageText] = [:]
    /// Offset of the first of `bytes` in the image.
    private let start: Int

    /// Where the section begins in the image: right behind the header, so that offsets are final at once.
    static let base = MemoryLayout<ImageHeader>.size

    /// A pool whose offset 0 is the empty text.
    init() { (bytes, start) = ([0], StringPool.base) }
    /// What comes behind another pool in the same section.
    init(behind other: StringPool) { (bytes, start) = ([], other.start + other.bytes.count) }

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
        let place = ImageText(offset: UInt32(truncatingIfNeeded: start + bytes.count), count: UInt32(truncatingIfNeeded: run.count))
        bytes.append(contentsOf: run)
        bytes.append(0)
        return place
    }
}
