// Why a file is not a plugin that may be loaded. Shown to people as it is: what was found, and what would be right.

public struct InspectError: Error, Sendable, CustomStringConvertible {
    /// One sentence, no final period: "/srv/x.so: no manifest: the file has no section .sluice.manifest".
    public let description: String
    init(_ description: String) { self.description = description }

    func at(_ path: String) -> InspectError { InspectError("\(path): \(description)") }
}
