// An image in a memory file that nobody can change any more.
import SluiceSystem

enum SealedImage {
    /// A descriptor that the caller closes.
    static func make(_ image: [UInt8]) throws -> Int32 { try image.withUnsafeBytes { try MemoryFile.sealed("sluice-image", $0) } }
}
